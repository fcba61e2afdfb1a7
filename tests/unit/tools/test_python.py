"""Which interpreter is taken: one that runs, of the right version, with venv and pip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.tools import python

ENV = {"PATH": "/opt/bin:/usr/bin", "HOME": "/home/ada"}


def find(root: Path, said: Mapping[str, str]) -> str | None:
    """The one that is found when these programs answer so, and all others cannot be run."""

    def run(argv: Sequence[str], **_: object) -> proc.Completed:
        if argv[0] not in said:
            raise proc.CommandMissing(argv, "a shim that leads nowhere")
        return proc.Completed(tuple(argv), 0, f"{said[argv[0]]}\n{argv[0]}\n", "", 0.0)

    return python.find("3.11", env=ENV, root=root, run=run)


def lay(root: Path, *programs: str) -> None:
    for name in programs:
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o755)


def test_the_systems_own_goes_before_others_on_the_path(tmp_path: Path) -> None:
    both = {"/usr/bin/python3.11": "(3, 11)", "/opt/bin/python3.11": "(3, 11)"}
    lay(tmp_path, *both)
    assert find(tmp_path, both) == "/usr/bin/python3.11"


def test_one_without_venv_or_of_another_version_does_not_count(tmp_path: Path) -> None:
    lay(tmp_path, "/usr/bin/python3.11", "/usr/bin/python3")
    assert find(tmp_path, {"/usr/bin/python3": "(3, 12)"}) is None


def test_a_plain_python3_of_the_version_does(tmp_path: Path) -> None:
    lay(tmp_path, "/opt/bin/python3")
    assert find(tmp_path, {"/opt/bin/python3": "(3, 11)"}) == "/opt/bin/python3"


@pytest.mark.parametrize(
    "place", ["/home/ada/.local/bin", "/home/ada/.local/share/deploykit/python/cpython-3.11.9-linux/bin"]
)
def test_the_users_own_folders_are_looked_into(tmp_path: Path, place: str) -> None:
    lay(tmp_path, f"{place}/python3.11")
    assert find(tmp_path, {f"{place}/python3.11": "(3, 11)"}) == f"{place}/python3.11"


def test_fetched_interpreters_lie_where_the_launcher_looks() -> None:
    assert python.home({"HOME": "/home/ada"}) == Path("/home/ada/.local/share/deploykit/python")
    assert python.home({"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}) == Path("/data/deploykit/python")
