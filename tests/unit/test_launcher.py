"""The launcher, in a checkout of its own, with interpreters that only pretend."""

from __future__ import annotations

import os
import pty
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
TOOLS = ("cat", "cksum", "cmp", "cp", "id", "mkdir", "readlink", "rm", "sh")

# Answers the launcher's questions as a Python would: the probe, the making of .venv, pip.
PYTHON = """\
#!/bin/sh
echo "{name} $1 $2 $3" | cut -c 1-40 >>"$LOG"
case "$*" in
    *ensurepip*) echo "$0"; exit {probe} ;;
    *deploy_kit.cli.launch*)
        mkdir -p "$5/bin"
        cp "$4/requirements/host.txt" "$5/deploykit.lock"
        echo "$6" >"$5/deploykit.python"
        printf '#!/bin/sh\\necho "{name} runs $*"\\n' >"$5/bin/python"
        chmod +x "$5/bin/python" ;;
    *'-m pip --version'*) exit {pip} ;;
    *'-m pip install'*)
        while [ "$1" != --target ]; do shift; done
        mkdir -p "$2/bin"
        cp "$UV" "$2/bin/uv" ;;
esac
"""
UV = """\
#!/bin/sh
echo "uv $*" >>"$LOG"
while [ "$1" != --install-dir ]; do shift; done
mkdir -p "$2/cpython/bin"
cp "$NEW" "$2/cpython/bin/python3"
"""


@dataclass
class Place:
    """A checkout and a PATH."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "checkout"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def program(self, name: str, text: str, folder: str = "bin") -> Path:
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def python(self, name: str, *, probe: int = 0, pip: int = 0, folder: str = "bin") -> Path:
        return self.program(name, PYTHON.format(name=f"{folder}/{name}", probe=probe, pip=pip), folder)

    def environment(self, **changes: str) -> dict[str, str]:
        own = {
            "PATH": f"{self.folder}/bin:{self.folder}/tools",
            "HOME": str(self.folder / "home"),
            "LOG": f"{self.folder}/log",
        }
        return own | {"UV": f"{self.folder}/uv", "NEW": f"{self.folder}/new/python3"} | changes

    def run(self, *argv: str, shell: tuple[str, ...] = (), **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*shell, str(self.root / "deploykit"), *argv),
            capture_output=True, text=True, env=self.environment(**changes), stdin=subprocess.DEVNULL, timeout=30,
        )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    (found.root / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "deploykit", found.root)
    (found.root / "requirements/host.txt").write_text("one\n")
    (found.root / "requirements/uv.txt").write_text("uv\n")
    (tmp_path / "tools").mkdir()
    for name in (*TOOLS, "cut", "chmod"):
        source = shutil.which(name)
        assert source is not None
        (tmp_path / "tools" / name).symlink_to(source)
    (tmp_path / "log").touch()
    found.program("uv", UV, ".")
    found.python("python3", folder="new")
    return found


def command(place: Place, name: str) -> None:
    """A program that notes how it was called."""
    place.program(name, f'#!/bin/sh\necho "{name} $*" >>"$LOG"\n')


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_a_valid_script_for_every_shell(shell: str) -> None:
    argv = (shell, "sh", "-n") if shell == "busybox" else (shell, "-n")
    subprocess.run((*argv, ROOT / "deploykit"), check=True, timeout=10)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_first_run_makes_the_environment_and_passes_arguments_on(place: Place, shell: str) -> None:
    place.python("python3.12")
    argv = (shutil.which(shell) or "", "sh") if shell == "busybox" else (shutil.which(shell) or "",)
    done = place.run("say", "two words", "*", shell=argv)
    assert done.stdout == "bin/python3.12 runs -I -m deploy_kit say two words *\n", done.stderr


def test_the_second_run_asks_no_interpreter(place: Place) -> None:
    place.python("python3.12")
    place.run()
    before = place.log
    assert place.run().returncode == 0
    assert place.log == before


def test_a_changed_lock_makes_it_anew_with_the_same_interpreter(place: Place) -> None:
    place.python("python3.13")
    place.run()
    place.python("python3.11")
    (place.root / "requirements/host.txt").write_text("two\n")
    assert place.run().stdout.startswith("bin/python3.13 runs")
    assert (place.root / ".venv/deploykit.lock").read_text() == "two\n"


def test_a_touched_but_equal_lock_changes_nothing(place: Place) -> None:
    place.python("python3.12")
    place.run()
    before = place.log
    os.utime(place.root / "requirements/host.txt", (2**31, 2**31))
    place.run()
    assert place.log == before


def test_a_vanished_interpreter_makes_it_anew(place: Place) -> None:
    place.python("python3.12")
    place.run()
    (place.root / ".venv/bin/python").unlink()
    (place.folder / "bin/python3.12").unlink()
    place.python("python3.11")
    assert place.run().stdout.startswith("bin/python3.11 runs")


def test_an_interpreter_can_be_named(place: Place) -> None:
    place.python("python3.12")
    other = place.python("mine", folder="elsewhere")
    assert place.run(DEPLOYKIT_PYTHON=str(other)).stdout.startswith("elsewhere/mine runs")
    before = place.log
    place.run(DEPLOYKIT_PYTHON=str(other))
    assert place.log == before


def test_a_named_interpreter_that_does_not_do_is_refused(place: Place) -> None:
    done = place.run(DEPLOYKIT_PYTHON="/nowhere/python")
    assert (done.returncode, "DEPLOYKIT_PYTHON=/nowhere/python" in done.stderr) == (5, True)


def test_real_programs_go_before_scripts_of_version_managers(place: Place) -> None:
    """A program far back on PATH is asked before a script at its front. (Without ``#!`` a file counts as a program.)"""
    place.python("python3.11")
    program = PYTHON.format(name="back/python3.12", probe=0, pip=0).partition("\n")[2]
    place.program("python3.12", program, "back")
    done = place.run(PATH=f"{place.folder}/bin:{place.folder}/tools:{place.folder}/back")
    assert done.stdout.startswith("back/python3.12 runs"), done.stderr
    assert "bin/python3.11" not in place.log


def test_a_python_with_venv_is_preferred_to_one_without(place: Place) -> None:
    place.python("python3.11", probe=11)
    place.python("python3")
    assert place.run().stdout.startswith("bin/python3 runs")


def test_without_venv_it_says_so_and_stops_when_nobody_consents(place: Place) -> None:
    place.python("python3", probe=11)
    command(place, "apt-get")
    done = place.run("up")
    assert (done.returncode, done.stdout) == (5, "")
    assert "without venv" in done.stderr
    assert "apt-get install -y --no-install-recommends python3-venv" in done.stderr
    assert "apt-get" not in place.log


def test_it_speaks_chinese(place: Place) -> None:
    place.python("python3", probe=11)
    command(place, "apt-get")
    assert "缺少 venv" in place.run("up", LANG="zh_CN.UTF-8").stderr
    assert "缺少 venv" not in place.run("up", LANG="zh_CN.UTF-8", LC_ALL="C").stderr


def test_with_yes_the_package_is_installed_and_the_work_goes_on(place: Place) -> None:
    place.python("python3", probe=11)
    better = PYTHON.format(name="better", probe=0, pip=0)
    place.program("better", better, ".")
    place.program(
        "apt-get", f'#!/bin/sh\necho "apt-get $*" >>"$LOG"\ncp "{place.folder}/better" "{place.folder}/bin/python3"\n'
    )
    place.program("sudo", '#!/bin/sh\nexec "$@"\n')
    command_env = place.folder / "tools/env"
    command_env.symlink_to(shutil.which("env") or "/usr/bin/env")
    done = place.run("up", "--yes")
    assert done.stdout == "better runs -I -m deploy_kit up --yes\n", done.stderr
    assert "install -y --no-install-recommends python3-venv" in place.log


def test_yes_after_two_dashes_is_text_and_no_consent(place: Place) -> None:
    place.python("python3", probe=11)
    command(place, "apt-get")
    assert place.run("say", "--", "--yes").returncode == 5
    assert "apt-get" not in place.log


def test_a_failed_installation_ends_with_a_sentence(place: Place) -> None:
    place.python("python3", probe=11)
    place.program("apt-get", "#!/bin/sh\nexit 100\n")
    place.program("sudo", '#!/bin/sh\nexec "$@"\n')
    (place.folder / "tools/env").symlink_to(shutil.which("env") or "/usr/bin/env")
    done = place.run("up", "-y")
    assert done.returncode == 5
    assert "this command failed" in done.stderr
    assert "HTTPS_PROXY" in done.stderr


def test_without_any_python_and_without_apt_it_says_what_to_do(place: Place) -> None:
    done = place.run("up", "--yes")
    assert done.returncode == 5
    assert "Python 3.10 or newer is needed, and none was found" in done.stderr
    assert "DEPLOYKIT_PYTHON" in done.stderr


def test_an_old_python_fetches_uv_and_uv_a_new_python(place: Place) -> None:
    place.python("python3.8", probe=10)
    done = place.run("up", "--yes")
    assert done.stdout == "new/python3 runs -I -m deploy_kit up --yes\n", done.stderr
    assert "uv --no-config python install --no-bin --install-dir" in place.log
    share = place.folder / "home/.local/share/deploykit"
    assert [path.name for path in share.iterdir()] == ["python"]


def test_an_old_python_does_nothing_without_consent(place: Place) -> None:
    place.python("python3.8", probe=10)
    done = place.run("up")
    assert done.returncode == 5
    assert "is older" in done.stderr
    assert "uv.txt" in done.stderr
    assert not (place.folder / "home").exists()


def test_a_python_that_uv_fetched_is_found_again(place: Place) -> None:
    place.python("python3.8", probe=10)
    place.run("up", "--yes")
    shutil.rmtree(place.root / ".venv")
    assert place.run("status").stdout == "new/python3 runs -I -m deploy_kit status\n"


def test_a_failing_uv_leaves_nothing_behind(place: Place) -> None:
    place.python("python3.8", probe=10)
    place.program("uv", "#!/bin/sh\nexit 2\n", ".")
    done = place.run("up", "--yes")
    assert done.returncode == 5
    assert "UV_PYTHON_INSTALL_MIRROR" in done.stderr
    assert list((place.folder / "home/.local/share/deploykit").iterdir()) == []


def test_a_terminal_is_asked_and_no_means_no(place: Place) -> None:
    place.python("python3", probe=11)
    command(place, "apt-get")
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        (str(place.root / "deploykit"), "up"), stdin=theirs, stdout=theirs, stderr=theirs, env=place.environment()
    )
    os.close(theirs)
    os.write(ours, b"n\n")
    assert child.wait(timeout=20) == 5
    assert b"[y/N]" in os.read(ours, 65536)
    os.close(ours)
    assert "apt-get" not in place.log


def test_it_can_be_called_through_a_link_from_anywhere(place: Place, tmp_path: Path) -> None:
    place.python("python3.12")
    link = tmp_path / "link"
    link.symlink_to(place.root / "deploykit")
    done = subprocess.run((str(link),), capture_output=True, text=True, env=place.environment(), cwd="/", timeout=20)
    assert done.stdout == "bin/python3.12 runs -I -m deploy_kit\n", done.stderr


def test_a_checkout_in_a_folder_with_spaces_works(place: Place) -> None:
    spaced = place.folder / "my checkout"
    place.root.rename(spaced)
    place.python("python3.12")
    done = subprocess.run(
        (str(spaced / "deploykit"),), capture_output=True, text=True, env=place.environment(), timeout=20
    )
    assert done.stdout == "bin/python3.12 runs -I -m deploy_kit\n", done.stderr


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
def test_a_read_only_checkout_keeps_its_environment_in_the_cache(place: Place) -> None:
    place.python("python3.12")
    home = place.folder / "home"
    home.mkdir()
    for path in (place.folder, *place.folder.parents[:3]):
        path.chmod(path.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH | stat.S_IRGRP | stat.S_IROTH)
    (place.folder / "log").chmod(0o666)
    home.chmod(0o777)
    place.root.chmod(0o555)
    (place.root / "requirements").chmod(0o555)
    setpriv = shutil.which("setpriv")
    nobody = (setpriv, "--reuid", "65534", "--regid", "65534", "--clear-groups") if os.getuid() == 0 and setpriv else ()
    try:
        done = place.run("status", shell=(*nobody, "/bin/sh"))
        assert done.stdout == "bin/python3.12 runs -I -m deploy_kit status\n", done.stderr
        assert not (place.root / ".venv").exists()
        assert len(list((home / ".cache/deploykit").iterdir())) == 1
    finally:
        place.root.chmod(0o755)
        (place.root / "requirements").chmod(0o755)


def test_with_a_real_interpreter_the_tool_runs_from_any_folder(tmp_path: Path) -> None:
    """The real thing, with an empty lock: an environment is made and the package is found through it."""
    checkout = tmp_path / "checkout"
    (checkout / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "deploykit", checkout)
    (checkout / "requirements/host.txt").write_text("# nothing\n")
    (checkout / "deploy_kit").symlink_to(ROOT / "deploy_kit")
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    environment = os.environ | {"DEPLOYKIT_PYTHON": base, "HOME": str(tmp_path)}
    done = subprocess.run(
        (str(checkout / "deploykit"), "--version"),
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        timeout=120,
    )
    assert done.stdout.startswith("deploykit "), done.stderr
    assert (checkout / ".venv/deploykit.lock").read_text() == "# nothing\n"
