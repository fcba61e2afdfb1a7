"""``render``: the files of a stack into a folder, or what differs there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy_kit.cli.session import Session
from deploy_kit.errors import ExitCode, fail
from deploy_kit.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping


def run(session: Session) -> int:
    """Write the files, or compare them with a folder: exit 3 and a unified diff when they differ.

    Without a folder the files that are committed are meant: ``--check`` compares, ``--write`` writes them anew.
    """
    folder, check, write = session.options.folder, session.options.check, session.options.write
    if write and (check or folder is not None):
        raise fail("USAGE-RENDER-WRITE", "--write", other="--check" if check else folder)
    if folder is None and not (check or write):
        raise fail("USAGE-FOLDER", "render", commands=(("deploykit", "render", "out"),))
    if folder is None:
        place, expected = _checkout(), _committed()
        return _check(session, expected, place) if check else _write_anew(session, expected, place)
    expected = _files(session)
    if not expected and not session.json:
        session.say(session.words("cli.render_nothing"))
        return 0
    if check:
        return _check(session, expected, Path(folder))
    _write(expected, Path(folder))
    _tell(session, sorted(expected), Path(folder))
    return 0


def _write_anew(session: Session, expected: Mapping[str, str], place: Path) -> int:
    from deploy_kit.render.drift import drift

    changed = [name for name in sorted(expected) if drift({name: expected[name]}, place)]
    _write({name: expected[name] for name in changed}, place)
    if changed or session.json:
        _tell(session, changed, place)
    else:
        session.say(session.words("cli.render_equal", count=len(expected), folder=place))
    return 0


def _tell(session: Session, names: list[str], folder: Path) -> None:
    if session.json:
        session.emit({"folder": str(folder), "files": names})
    else:
        session.say("\n".join(str(folder / name) for name in names))


def _files(session: Session) -> dict[str, str]:
    from deploy_kit import render
    from deploy_kit.lifecycle import up
    from deploy_kit.render import dockerfile

    prepared = up.prepare(session.request, facts=session.facts())
    stack = prepared.stack
    secret = str(prepared.state.key_file) if stack.secret_version is not None else None
    files = render.files(stack, secret_file=secret)
    return files | dockerfile.files() if files else files


def _committed() -> dict[str, str]:
    from deploy_kit import render

    return render.committed()


def _checkout() -> Path:
    from deploy_kit import assets

    root = assets.root()
    if root == assets.package() / "assets":
        raise fail("USAGE-CHECKOUT", "render")
    return root


def _check(session: Session, expected: Mapping[str, str], folder: Path) -> int:
    from deploy_kit.render.drift import drift

    try:
        difference = drift(expected, folder)
    except OSError as error:
        raise fail("USAGE-READ", error.filename or str(folder), reason=error.strerror or str(error)) from None
    if session.json:
        session.emit({"drift": bool(difference), "diff": difference, "files": sorted(expected)})
    elif difference:
        session.say(difference.rstrip("\n"))
    else:
        session.say(session.words("cli.render_equal", count=len(expected), folder=folder))
    return int(ExitCode.DRIFT) if difference else 0


def _write(files: Mapping[str, str], folder: Path) -> None:
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
    except OSError as error:
        raise fail("USAGE-WRITE", error.filename or str(folder), reason=error.strerror or str(error)) from None
