"""The model directory as upstream wants it: links into cache_hub, and a config that names files which are there."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tts_cache.lock import Item

CONFIG = "config.yaml"
_NAMES = {
    "gpt_checkpoint": "gpt.pth",
    "s2mel_checkpoint": "s2mel.pth",
    "w2v_stat": "wav2vec2bert_stats.pt",
    "spk_matrix": "feat1.pt",
    "emo_matrix": "feat2.pt",
    "qwen_emo_path": "qwen0.6bemo4-merge/",
    "bpe_model": "bpe.model",
}
"""Keys of the config that name files, and the files that the published repositories hold for them."""

_ROW = re.compile(rf"^(\s*)({'|'.join(_NAMES)})(\s*:\s*)(.+?)(\s+#.*)?$")


@dataclass(frozen=True, slots=True)
class View:
    """A model directory; ``repaired`` names what was wrong in published files and is right in here."""

    folder: Path
    repaired: tuple[str, ...]


def make(cache: Path, items: tuple[Item, ...], folder: Path) -> View:
    """Make the model directory of these items in ``folder`` (made if need be). cache_hub is only read.

    Published configs are known to name files by absolute paths of their makers' machines: those keys are repaired.

    Raises:
        OSError: The folder cannot be written, or a file of the cache cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    repaired: tuple[str, ...] = ()
    places = frozenset(item.view for item in items)
    for item in items:
        target, source = folder / item.view, cache.absolute() / item.place
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
        text = _repaired(source, places) if item.view == CONFIG else None
        if text is None:
            target.symlink_to(source)
        else:
            target.write_text(text[0], encoding="utf-8")
            repaired += text[1]
    return View(folder, repaired)


def _repaired(source: Path, places: frozenset[str]) -> tuple[str, tuple[str, ...]] | None:
    """The config with its keys repaired and their names; None when nothing is wrong with it."""
    rows, found = source.read_text(encoding="utf-8").split("\n"), []
    for index, row in enumerate(rows):
        match = _ROW.match(row)
        if match is not None and (right := _right(match[2], match[4].strip("'\""), places)) is not None:
            rows[index] = f"{match[1]}{match[2]}{match[3]}{right}{match[5] or ''}"
            found.append(f"{CONFIG}: {match[2]}")
    return ("\n".join(rows), tuple(found)) if found else None


def _right(key: str, value: str, places: frozenset[str]) -> str | None:
    """The right value of a key; None when the one given will do."""
    path = PurePosixPath(value.replace("\\", "/"))
    absolute = path.is_absolute() or value[1:2] == ":"
    if not absolute and _there(str(path), places):
        return None
    for name in (path.name, _NAMES[key].rstrip("/")):
        if _there(name, places):
            return f"{name}/" if _NAMES[key].endswith("/") else name
    return _NAMES[key] if absolute else None


def _there(name: str, places: frozenset[str]) -> bool:
    return any(place == name or place.startswith(f"{name}/") for place in places)
