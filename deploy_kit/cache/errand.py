"""One errand to the cache, and the words in which `tts_cache` takes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

ACTIONS = ("pull", "list", "verify", "prune", "purge", "import", "export")
WRITING = frozenset({"pull", "import"})
"""They make the cache when there is none; all others find it empty."""

_BY_ENGINE = frozenset({"pull", "list", "verify", "prune", "import", "export"})


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done. ``engine`` None means all engines; ``path`` is the folder or archive of import and export as
    `tts_cache` sees it, ``lock`` and ``token_file`` likewise; ``accepted`` says how the licences were accepted."""

    action: str
    engine: str | None = None
    emotion_text: bool = False
    source: str = "auto"
    region: str = "global"
    lock: str | None = None
    token_file: str | None = None
    path: str | None = None
    accepted: str | None = None
    voices: bool = False
    dry_run: bool = False


def words(errand: Errand, cache: str) -> tuple[str, ...]:
    """The arguments of ``python -m tts_cache`` for this errand. No secret is among them."""
    found = [errand.action, "--json", "--cache", cache]
    if errand.lock is not None:
        found += ["--lock", errand.lock]
    if errand.action in _BY_ENGINE and errand.engine is not None:
        found += ["--engine", errand.engine, "--emotion-text" if errand.emotion_text else "--no-emotion-text"]
    if errand.action == "pull":
        found += ["--source", errand.source, "--region", errand.region]
        if errand.token_file is not None:
            found += ["--token-file", errand.token_file]
        if errand.accepted is not None:
            found += ["--accept-license", errand.accepted]
    if errand.voices:
        found.append("--voices")
    if errand.dry_run:
        found.append("--dry-run")
    if errand.path is not None:
        found += ["--", errand.path]
    return tuple(found)
