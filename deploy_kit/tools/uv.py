"""``uv``, for hosts without the Python that is needed: from PATH, or a locked one that pip fetches for the moment."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy_kit import proc
from deploy_kit.errors import fail
from deploy_kit.redact import redact

_SECONDS = 1800.0
_SILENT_SECONDS = 300.0
_OWN = {"PIP_ROOT_USER_ACTION": "ignore", "PIP_USER": None, "PIP_TARGET": None, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
_UV = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_INSTALL_BIN": "0"}
"""The host's own authorities count, and no link is put on the user's PATH."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """How an interpreter will be had.

    ``version`` is ``3.11``, ``folder`` where it will lie, ``lock`` the hashed requirements of uv, ``tools`` a folder
    for the moment. ``commands`` are shown and run exactly so.
    """

    version: str
    folder: Path
    lock: Path
    tools: Path
    uv: str | None

    @classmethod
    def plan(cls, version: str, folder: Path, lock: Path, tools: Path) -> Fetch:
        return cls(version, folder, lock, tools, proc.which("uv"))

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        install = (*("python", "install", "--install-dir", str(self.folder)), self.version)
        if self.uv is not None:
            return ((self.uv, *install),)
        pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--target", str(self.tools))
        return ((*pip, "-r", str(self.lock)), (str(self.tools / "bin/uv"), *install))

    def carry_out(self, line: Callable[[str], None], settings: Mapping[str, str]) -> None:
        """Run the commands; what was only for the moment goes again.

        Args:
            line: Called with each line of output.
            settings: Further environment: a package index, an authority. ``UV_PYTHON_INSTALL_MIRROR`` and the proxies
                come from the caller's own.

        Raises:
            Failure: HOST-PYTHON-FETCH.
        """
        try:
            self.tools.mkdir(parents=True, exist_ok=True)
            for command in self.commands:
                proc.stream(
                    command,
                    line,
                    timeout=_SECONDS,
                    silence=_SILENT_SECONDS,
                    env={**_OWN, **_UV, **settings},
                    cwd=self.tools,
                )
        except proc.CommandFailed as error:
            told = "\n".join(error.result.stdout.strip().splitlines()[-4:])
            raise fail("HOST-PYTHON-FETCH", self.version, commands=self.commands, reason=redact(told)) from None
        except (proc.CommandError, OSError) as error:
            raise fail("HOST-PYTHON-FETCH", self.version, commands=self.commands, reason=error) from None
        finally:
            shutil.rmtree(self.tools, ignore_errors=True)
