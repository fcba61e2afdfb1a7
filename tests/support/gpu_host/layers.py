"""Images of this machine's engine in the store of another one, without copying them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

_DRIVER = "overlay2"


def borrow(reference: str, store: Path, into: Path) -> bool:
    """Put an image into the empty store of an engine that is not running; False where that cannot be done.

    Files of layers are never written to, so that both engines can have them as hard links.
    """
    identity = _docker("image", "inspect", "--format", "{{.Id}}", reference).removeprefix("sha256:")
    ours, theirs = store / "image" / _DRIVER, into / "image" / _DRIVER
    config = ours / "imagedb/content/sha256" / identity
    if not config.is_file() or into.stat().st_dev != store.stat().st_dev:
        return False
    (theirs / "imagedb/content/sha256").mkdir(parents=True)
    shutil.copy2(config, theirs / "imagedb/content/sha256" / identity)
    (into / _DRIVER / "l").mkdir(parents=True)
    for chain in _chains(json.loads(config.read_bytes())["rootfs"]["diff_ids"]):
        record = ours / "layerdb/sha256" / chain
        shutil.copytree(record, theirs / "layerdb/sha256" / chain)
        _layer(store / _DRIVER, into / _DRIVER, (record / "cache-id").read_text(encoding="ascii"))
    name = {reference.rpartition(":")[0]: {reference: f"sha256:{identity}"}}
    (theirs / "repositories.json").write_text(json.dumps({"Repositories": name}), encoding="utf-8")
    return True


def send(reference: str, inside: Callable[..., tuple[str, ...]]) -> None:
    """Copy an image to an engine that runs: minutes, and its size on disk once more."""
    with subprocess.Popen(("docker", "save", reference), stdout=subprocess.PIPE) as source:
        subprocess.run(inside("docker", "load", "--quiet"), stdin=source.stdout, check=True, timeout=900)


def mountpoint(volume: str) -> Path:
    """Where a volume of this machine's engine lies."""
    return Path(_docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume))


def store() -> Path:
    """Where this machine's engine keeps its images."""
    return Path(_docker("info", "--format", "{{.DockerRootDir}}"))


def _chains(layers: list[str]) -> Iterator[str]:
    """The names of layers in the store: each over those below it."""
    chain = ""
    for layer in layers:
        chain = f"sha256:{hashlib.sha256(f'{chain} {layer}'.encode()).hexdigest()}" if chain else layer
        yield chain.removeprefix("sha256:")


def _layer(ours: Path, theirs: Path, name: str) -> None:
    target = theirs / name
    target.mkdir()
    subprocess.run(("cp", "--archive", "--link", str(ours / name / "diff"), str(target)), check=True)
    (target / "work").mkdir()
    for file in ("link", "lower", "committed"):
        if (ours / name / file).is_file():
            shutil.copy2(ours / name / file, target / file)
    link = (target / "link").read_text(encoding="ascii")
    (theirs / "l" / link).symlink_to(f"../{name}/diff")


def _docker(*args: str) -> str:
    done = subprocess.run(("docker", *args), capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()
