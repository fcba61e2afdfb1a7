"""Making a Debian root file system with mmdebstrap, without any image registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy_kit import proc

PROGRAM = "mmdebstrap"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SECONDS = 3600.0
_SILENT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the root file system holds. ``timestamp`` clamps all times; ``hooks`` is a folder of mmdebstrap hooks,
    left out where this host's mmdebstrap does not bring it."""

    suite: str
    include: tuple[str, ...]
    dpkg: tuple[str, ...]
    hooks: str
    timestamp: int


def make(
    recipe: Recipe,
    folder: Path,
    on_line: Callable[[str], None],
    *,
    sources: str | None = None,
    ca_bundle: str | None = None,
    proxies: Mapping[str, str] | None = None,
    sudo: bool = False,
) -> Path:
    """Make the root file system as a tar file in ``folder`` (which also holds the work in progress).

    Args:
        sources: apt sources (one-line entries) to fetch from; without it mmdebstrap's own default. They are not kept.
        ca_bundle: Trusted certificates for https mirrors. Not kept either.
        sudo: Run through ``sudo``; else as root, or in a user namespace.

    Raises:
        proc.CommandError: mmdebstrap is missing, failed or hung.
    """
    folder.chmod(0o755)  # apt's unprivileged user must be able to reach the work
    lists = folder / "mirror.list"
    if sources is not None:
        lists.touch(mode=0o600)
        lists.write_text(sources, encoding="utf-8")
    target = folder / "base.tar"
    argv = command(recipe, target, lists if sources is not None else None, ca_bundle=ca_bundle)
    env = {"SOURCE_DATE_EPOCH": str(recipe.timestamp), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8", **(proxies or {})}
    if sudo:
        argv = ("sudo", f"--preserve-env={','.join(env)}", *argv)
    proc.stream(argv, on_line, timeout=_SECONDS, silence=_SILENT_SECONDS, env=env, terminal=sudo)
    return target


def command(recipe: Recipe, target: Path, sources: Path | None, *, ca_bundle: str | None) -> tuple[str, ...]:
    """The mmdebstrap command line. It holds no secret: mirrors stand in a file, proxies in the environment."""
    argv = [PROGRAM, "--variant=minbase", "--format=tar", f"--include={','.join(recipe.include)}"]
    if Path(recipe.hooks).is_dir():
        argv.append(f"--hook-dir={recipe.hooks}")
    if _KEYRING.is_file():
        argv.append(f"--keyring={_KEYRING}")
    argv += [f"--dpkgopt={option}" for option in recipe.dpkg]
    forget = 'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap'
    if ca_bundle is not None:
        argv.append(f'--aptopt=Acquire::https::CAInfo "{ca_bundle}"')
    if sources is not None:
        forget += ' "$1"/etc/apt/sources.list.d/* && : > "$1"/etc/apt/sources.list'
    argv.append(f"--customize-hook={forget}")
    return (*argv, recipe.suite, str(target), *(() if sources is None else (str(sources),)))
