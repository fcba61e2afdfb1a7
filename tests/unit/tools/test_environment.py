"""Python environments: complete or not there, whoever interrupts and whoever comes second."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.errors import ExitCode, Failure
from deploy_kit.tools import environment


class Pip:
    """Stands in for ``proc.stream``: makes what venv would make, and says what pip would say."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.failure: BaseException | None = None
        self.output = ""

    def __call__(self, argv, on_line, **options) -> proc.Completed:
        self.calls.append(tuple(argv))
        if "venv" in argv:
            folder = Path(argv[-1])
            (folder / "bin").mkdir(parents=True)
            (folder / "bin/python").touch(mode=0o755)
            (folder / "lib/python3.11/site-packages").mkdir(parents=True)
        elif self.failure is not None:
            raise self.failure
        elif self.output:
            raise proc.CommandFailed(proc.Completed(tuple(argv), 1, self.output, "", 0.1))
        return proc.Completed(tuple(argv), 0, "", "", 0.1)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    found = Pip()
    monkeypatch.setattr(proc, "stream", found)
    return found


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("one\n")
    return path


def test_it_is_made_once(pip: Pip, lock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / ".venv"
    assert environment.ensure(folder, lock, "/usr/bin/python3") is True
    assert environment.ensure(folder, lock, "/usr/bin/python3") is False
    assert len(pip.calls) == 2
    assert "--require-hashes" in pip.calls[1]
    assert [path.name for path in folder.parent.iterdir()] == [".venv"]


@pytest.mark.parametrize("change", ["lock", "interpreter", "vanished"])
def test_it_is_made_anew_when_what_it_is_made_of_changed(pip: Pip, lock: Path, tmp_path: Path, change: str) -> None:
    folder = tmp_path / ".venv"
    environment.ensure(folder, lock, "/usr/bin/python3")
    if change == "lock":
        lock.write_text("two\n")
    if change == "vanished":
        (folder / "bin/python").unlink()
    python = "/opt/python" if change == "interpreter" else "/usr/bin/python3"
    assert environment.ensure(folder, lock, python) is True
    assert environment.current(folder, lock, python)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), proc.CommandTimeout(("pip",), "late")])
def test_an_interrupted_one_leaves_the_old_one_as_it_was(pip: Pip, lock: Path, tmp_path: Path, fault) -> None:
    folder = tmp_path / ".venv"
    environment.ensure(folder, lock, "/usr/bin/python3")
    lock.write_text("two\n")
    pip.failure = fault
    with pytest.raises((KeyboardInterrupt, Failure)):
        environment.ensure(folder, lock, "/usr/bin/python3")
    assert (folder / environment.LOCK).read_text() == "one\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".venv", "lock.txt"]


def test_what_a_killed_run_left_is_removed(pip: Pip, lock: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv-new-1" / "bin").mkdir(parents=True)
    environment.ensure(tmp_path / ".venv", lock, "/usr/bin/python3")
    assert not (tmp_path / ".venv-new-1").exists()


def test_two_at_once_make_one(pip: Pip, lock: Path, tmp_path: Path) -> None:
    made: list[bool] = []
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        made.append(environment.ensure(tmp_path / ".venv", lock, "/usr/bin/python3"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, True]
    assert len(pip.calls) == 2


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("WARNING: Retrying … NewConnectionError('Connection refused')\nERROR: No matching distribution", "OFFLINE"),
        ("ERROR: SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "OFFLINE"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "HASH"),
        ("ERROR: Could not install packages due to an OSError: No space left on device", "FAILED"),
    ],
)
def test_what_pip_says_becomes_a_finding(pip: Pip, lock: Path, tmp_path: Path, output: str, code: str) -> None:
    pip.output = output
    with pytest.raises(Failure) as caught:
        environment.ensure(tmp_path / ".venv", lock, "/usr/bin/python3")
    assert caught.value.finding.code == f"ENGINE-PYTHON-{code}"
    assert caught.value.exit_code is ExitCode.ENGINE


def test_a_password_in_an_index_url_is_not_repeated(pip: Pip, lock: Path, tmp_path: Path) -> None:
    pip.output = "ERROR: Could not fetch URL https://me:secret@index.example/simple"
    with pytest.raises(Failure) as caught:
        environment.ensure(tmp_path / ".venv", lock, "/usr/bin/python3")
    assert "secret" not in str(caught.value.finding)


def test_the_checkout_is_found_by_a_path_that_moves_with_it(pip: Pip, lock: Path, tmp_path: Path) -> None:
    environment.ensure(tmp_path / ".venv", lock, "/usr/bin/python3", path=tmp_path)
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    pointer = (packages / "deploykit.pth").read_text().strip()
    assert (packages / pointer).resolve() == tmp_path
    assert not pointer.startswith("/")


def test_what_builds_the_others_comes_first_and_finishing_touches_before_it_takes_its_place(
    pip: Pip, lock: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first.txt"
    first.write_text("builder\n")
    touched: list[Path] = []
    folder = tmp_path / "engine"

    def finish(fresh: Path) -> None:
        assert not folder.exists()
        touched.append(fresh)

    environment.ensure(folder, lock, "/usr/bin/python3", first=first, options=("--no-build-isolation",), finish=finish)

    assert [call[-1] for call in pip.calls[1:]] == [str(first), str(lock)]
    assert [call for call in pip.calls if "--no-build-isolation" in call] == [pip.calls[2]]
    assert len(touched) == 1


def test_a_finish_that_fails_leaves_nothing(pip: Pip, lock: Path, tmp_path: Path) -> None:
    def finish(fresh: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environment.ensure(tmp_path / "engine", lock, "/usr/bin/python3", finish=finish)
    assert [path.name for path in tmp_path.iterdir()] == ["lock.txt"]
