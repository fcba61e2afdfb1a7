"""Running processes: output, deadlines, failures, daemons."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from deploy_kit import proc

PYTHON = sys.executable


def test_output_and_code_come_back() -> None:
    done = proc.run(
        (PYTHON, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), timeout=20, check=False
    )

    assert (done.stdout, done.stderr, done.returncode, done.ok) == ("out\n", "err\n", 3, False)


def test_a_failure_carries_the_last_line() -> None:
    with pytest.raises(proc.CommandFailed, match="exit 2: the reason"):
        proc.run((PYTHON, "-c", "import sys; print('the reason', file=sys.stderr); sys.exit(2)"), timeout=20)


def test_a_missing_program_is_not_a_traceback() -> None:
    with pytest.raises(proc.CommandMissing):
        proc.run(("no-such-program-here",), timeout=1)


def test_input_reaches_the_child_and_no_input_is_an_empty_one() -> None:
    echo = (PYTHON, "-c", "import sys; print(repr(sys.stdin.read()))")

    assert proc.run(echo, timeout=20, input="hé").stdout == "'hé'\n"
    assert proc.run(echo, timeout=20).stdout == "''\n"


def test_a_late_child_is_killed_with_its_children(tmp_path: Path) -> None:
    file = tmp_path / "grandchild"
    script = f"sleep 60 & echo $! > {file}; wait"

    with pytest.raises(proc.CommandTimeout):
        proc.run(("sh", "-c", script), timeout=0.5)

    pid = int(file.read_text())
    for _ in range(50):
        if not _alive(pid):
            break
        time.sleep(0.1)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_lines_arrive_while_the_child_runs() -> None:
    seen: list[str] = []
    script = (
        "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); sys.stdout.write('three')"
    )

    done = proc.stream((PYTHON, "-c", script), seen.append, timeout=20)

    assert seen == ["one", "two", "three"]
    assert done.stdout == "one\ntwo\nthree"


def test_a_silent_child_is_given_up() -> None:
    with pytest.raises(proc.CommandTimeout, match="no output"):
        proc.stream((PYTHON, "-c", "import time; time.sleep(60)"), lambda _: None, timeout=60, silence=0.5)


def test_the_environment_is_changed_by_name() -> None:
    script = (PYTHON, "-c", "import os; print(os.environ.get('HOME'), os.environ.get('NEW'))")

    assert proc.run(script, timeout=20, env={"HOME": None, "NEW": "yes"}).stdout == "None yes\n"


def test_a_daemon_has_a_session_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"

    pid = proc.spawn((PYTHON, "-c", "import os; print(os.getsid(0) == os.getpid())"), log=log)
    os.waitpid(pid, 0)

    assert log.read_text() == "True\n"


def test_a_foreground_command_keeps_our_session_so_that_sudo_finds_the_terminal() -> None:
    tell = (PYTHON, "-c", "import os; print(os.getsid(0))")
    heard: list[str] = []
    proc.foreground(tell, heard.append, timeout=20)
    apart = proc.run(tell, timeout=20).stdout.strip()

    assert heard[0] == str(os.getsid(0))
    assert apart != heard[0]


def test_a_late_foreground_command_is_stopped() -> None:
    with pytest.raises(proc.CommandTimeout):
        proc.foreground((PYTHON, "-c", "import time; time.sleep(60)"), lambda line: None, timeout=0.5)
