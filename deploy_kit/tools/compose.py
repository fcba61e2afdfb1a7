"""``docker compose`` for one project whose files stand in one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy_kit.tools import docker


@dataclass(frozen=True, slots=True)
class Project:
    """A compose project: its name, the folder with its ``compose.yaml``, and the files that are laid over that."""

    name: str
    folder: Path
    overlays: tuple[str, ...] = ()

    def _args(self, *args: str) -> tuple[str, ...]:
        files = [word for name in ("compose.yaml", *self.overlays) for word in ("--file", str(self.folder / name))]
        return ("compose", "--project-name", self.name, *files, "--ansi", "never", "--progress", "plain", *args)

    def up(self, on_line: Callable[[str], None], *, timeout: float) -> None:
        """Create or change containers and start them; does not wait for health.

        Raises:
            proc.CommandError: Compose refused, failed or hung; its last lines are in the result.
        """
        docker.stream(self._args("up", "--detach", "--no-build"), on_line, timeout=timeout)

    def down(self, on_line: Callable[[str], None], *, stop_grace: float) -> None:
        """Stop and remove containers and networks; volumes stay."""
        docker.stream(
            self._args("down", "--timeout", str(round(stop_grace))),
            on_line,
            timeout=stop_grace + 60,
        )
