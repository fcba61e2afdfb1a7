"""What `--target local` would run on: a Python 3.11, ``uv``, and the speech library."""

from __future__ import annotations

from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, LocalFacts, known
from deploy_kit.tools import python

_VERSION = "3.11"
_LIBRARY = "libespeak-ng.so.1"
_LIBRARY_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib")


def observe(context: Context) -> LocalFacts:
    """Look for them; never raises."""
    return LocalFacts(_python(context), _program(context, "uv"), _speech(context))


def _python(context: Context) -> Fact[str | None]:
    """An interpreter that runs and has venv and pip, as target local will find it."""
    path = python.find(_VERSION, env=context.env, root=context.root, run=context.run)
    source = f"python{_VERSION} -c 'import venv, ensurepip'"
    return known(path, source) if path else known(None, source, f"no Python {_VERSION} with venv and pip")


def _program(context: Context, name: str) -> Fact[str | None]:
    path = context.which(name) or _in_home(context, name)
    return known(path, "PATH") if path else known(None, "PATH", f"no {name}")


def _in_home(context: Context, name: str) -> str | None:
    """Where per-user installers put programs, whether or not the PATH knows it."""
    candidate = f"{context.home}/.local/bin/{name}"
    return candidate if context.is_file(candidate) else None


def _speech(context: Context) -> Fact[str | None]:
    for folder in _LIBRARY_FOLDERS:
        base = context.path(folder)
        for path in (base / _LIBRARY, *sorted(base.glob(f"*-linux-*/{_LIBRARY}"))):
            if path.exists():
                return known(f"/{path.relative_to(context.root)}", "library folders")
    return known(None, "library folders", f"no {_LIBRARY}")
