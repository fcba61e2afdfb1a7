"""Style and types, for both worlds: the host tool on 3.10+, the server on 3.11."""

from __future__ import annotations

import time
from pathlib import Path

from deploy_kit import proc
from deploy_kit.cli.testing.provision import Provision
from deploy_kit.cli.testing.pytest_run import Result

_SECONDS = 900.0


def run(root: Path, provision: Provision) -> Result:
    """Run every linter; each prints for itself."""
    python = str(provision.python)
    commands: dict[str, tuple[str, ...]] = {
        "ruff": (python, "-m", "ruff", "check", "--no-cache", "."),
        "mypy deploy_kit": (python, "-m", "mypy"),
    }
    if provision.server_python.exists():
        commands["mypy images/server"] = (
            *(python, "-m", "mypy", "--python-version", "3.11", "--python-executable", str(provision.server_python)),
            *(word for name in _server_packages(root) for word in ("-p", name)),
        )
    start, failed = time.monotonic(), 0
    for name, command in commands.items():
        print(f"==> {name}", flush=True)
        env = {"MYPYPATH": str(root / "images/server")} if name.endswith("server") else {}
        result = proc.stream(command, _show, timeout=_SECONDS, cwd=root, env=env, check=False)
        failed += not result.ok
    return Result("lint", {"passed": len(commands) - failed, "failed": failed}, time.monotonic() - start)


def _server_packages(root: Path) -> list[str]:
    return sorted(path.parent.name for path in (root / "images/server").glob("*/__init__.py"))


def _show(text: str) -> None:
    print(text, flush=True)
