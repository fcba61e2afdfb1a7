"""Size of the image, and what a changed line costs, against a plain single-stage Dockerfile of the same parts."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO

from benchmarks.measure import Row
from deploy_kit.builder import payload

HERE = Path(__file__).parent
PLAIN = "deploykit-bench/plain"
OURS = "deploykit-bench/core"
ENGINE = "deploykit-bench/cu128"
PLAIN_ENGINE = "deploykit-bench/plain-engine"
CHECKOUT = "DEPLOYKIT_BENCH_ENGINE"
"""Names a whole checkout of IndexTTS at the pinned commit; without it the engine's images are not measured."""

_TURNS = 3
_PIECE = 4 << 20
CHANGED = "images/server/tts_server/http/app.py"


def rows(base: str) -> Iterator[Row]:
    """Compressed sizes, and the rebuild after one changed line of the server.

    Args:
        base: A base image that is in the local store.
    """
    with tempfile.TemporaryDirectory() as name, _secrets() as secrets:
        context = Path(name) / "context"
        context.mkdir()
        payload.stage(context)
        try:
            ours = lambda: _build(OURS, context, payload.dockerfile("core"), base, secrets)  # noqa: E731
            plain = lambda: _build(PLAIN, context, str(HERE / "plain/Dockerfile"), base, secrets)  # noqa: E731
            ours()
            plain()
            yield from _sizes()
            yield from _rebuilds(context / CHANGED, ours, plain)
        finally:
            subprocess.run(("docker", "image", "rm", "--force", OURS, PLAIN), check=False, capture_output=True)


def engine_rows(base: str) -> Iterator[Row]:
    """The cu128 image against upstream's own instructions on the same base, and what changes re-ship.

    Needs about 40 GB of disk, and half an hour on a small machine.
    """
    checkout = os.environ.get(CHECKOUT)
    if checkout is None:
        print(f"the engine's image is not measured: set {CHECKOUT} to a checkout of IndexTTS")
        return
    with tempfile.TemporaryDirectory() as name, _secrets() as secrets:
        context, source = Path(name) / "context", Path(name) / "source"
        context.mkdir()
        payload.stage(context, "cu128")
        shutil.copytree(checkout, source, ignore=shutil.ignore_patterns(".git"))
        ours = lambda: _build(  # noqa: E731
            ENGINE, context, payload.dockerfile("cu128"), base, (*secrets, f"--build-context=engine={source}")
        )
        try:
            ours()
            _build(PLAIN_ENGINE, source, str(HERE / "plain/engine.Dockerfile"), base, secrets)
            yield Row(
                "engine image against upstream's way, gzip",
                _gzipped(ENGINE) / 1e6,
                _gzipped(PLAIN_ENGINE) / 1e6,
                "MB",
                0.6,
            )
            yield _reshipped("a line of our code", ours, context / CHANGED, "\n# changed\n", 10)
            yield _reshipped("the engine's own code", ours, source / "indextts/infer_v2_5.py", "\n# changed\n", 5000)
        finally:
            subprocess.run(("docker", "image", "rm", "--force", ENGINE, PLAIN_ENGINE), check=False, capture_output=True)


def _reshipped(what: str, build: Callable[[], None], file: Path, more: str, aim: float) -> Row:
    before = set(_digests(ENGINE))
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    start = time.perf_counter()
    build()
    spent = time.perf_counter() - start
    new = _gzipped(ENGINE, but=before)
    return Row(
        f"engine image: new bytes after a change in {what}, gzip", new / 1e3, None, "kB", aim, f"built in {spent:.1f} s"
    )


def _sizes() -> Iterator[Row]:
    ours, plain = _gzipped(OURS), _gzipped(PLAIN)
    yield Row("image, gzip -6", ours / 1e6, None, "MB", 130)
    yield Row("image, zstd -19", _zstandard(OURS) / 1e6, None, "MB", 95)
    yield Row("image against plain, gzip", ours / 1e6, plain / 1e6, "MB", 1.0)


def _rebuilds(file: Path, ours: Callable[[], None], plain: Callable[[], None]) -> Iterator[Row]:
    spent: dict[str, list[float]] = {OURS: [], PLAIN: []}
    new: dict[str, list[int]] = {OURS: [], PLAIN: []}
    for turn in range(_TURNS):
        before = {image: set(_digests(image)) for image in spent}
        file.write_text(file.read_text(encoding="utf-8") + f"\n# changed line {turn}\n", encoding="utf-8")
        for image, build in ((OURS, ours), (PLAIN, plain)):
            start = time.perf_counter()
            build()
            spent[image].append(time.perf_counter() - start)
            new[image].append(_gzipped(image, but=before[image]))
    mid = {image: (statistics.median(spent[image]), statistics.median(new[image])) for image in spent}
    yield Row("rebuild after one changed line", mid[OURS][0], None, "s", 1.0)
    yield Row(
        "rebuild against plain", mid[OURS][0], mid[PLAIN][0], "s", None, "the plain one installs everything again"
    )
    yield Row("new bytes after one changed line, gzip", mid[OURS][1] / 1e3, None, "kB", 10)
    yield Row("new bytes against plain", mid[OURS][1] / 1e3, mid[PLAIN][1] / 1e3, "kB", None)


def _digests(image: str) -> list[str]:
    """The digests of an image's layers, as its configuration names them."""
    found = subprocess.run(
        ("docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", image),
        check=True,
        capture_output=True,
        text=True,
    )
    return list(json.loads(found.stdout))


def _gzipped(image: str, *, but: Collection[str] = ()) -> int:
    """Bytes of the layers as they travel, each compressed by itself; those in ``but`` are there already."""
    return sum(_squeezed(layer) for digest, layer in _layers(image) if digest not in but)


def _squeezed(layer: IO[bytes]) -> int:
    """Bytes under gzip -6, a piece at a time: a layer may be gigabytes."""
    squeeze, size = zlib.compressobj(6, zlib.DEFLATED, 31), 0
    while piece := layer.read(_PIECE):
        size += len(squeeze.compress(piece))
    return size + len(squeeze.flush())


def _zstandard(image: str) -> int:
    """Bytes of an image's layers under zstd -19, by the program of that name."""
    command = ("zstd", "-19", "-T0", "-q", "-c")
    return sum(
        len(subprocess.run(command, input=layer.read(), capture_output=True, check=True).stdout)
        for _, layer in _layers(image)
    )


def _layers(image: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Digest and content of each layer, to be read before the next is asked for."""
    with _saved(image) as archive:
        names = json.load(_member(archive, "manifest.json"))[0]["Layers"]
        for digest, name in zip(_digests(image), names):
            yield digest, _member(archive, name)


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    found = archive.extractfile(name)
    assert found is not None
    return found  # type: ignore[return-value]


@contextlib.contextmanager
def _saved(image: str) -> Iterator[tarfile.TarFile]:
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        subprocess.run(("docker", "save", "--output", file.name, image), check=True)
        with tarfile.open(file.name) as archive:
            yield archive


@contextlib.contextmanager
def _secrets() -> Iterator[tuple[str, ...]]:
    """The site's settings for both builds, taken from this host as ``up`` takes them."""
    from deploy_kit import detect
    from deploy_kit.builder import site
    from deploy_kit.config.request import BuildSettings, Listen

    facts = detect.observe(detect.here(), listen=Listen("127.0.0.1", 1), places={})
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o700)
    try:
        found = site.secrets(BuildSettings(base=""), facts.site, folder)
        yield tuple(f"--secret=id={secret.id},src={secret.path}" for secret in found)
    finally:
        shutil.rmtree(folder)


def _build(tag: str, context: Path, dockerfile: str, base: str, secrets: tuple[str, ...]) -> None:
    file = dockerfile if Path(dockerfile).is_absolute() else str(context / dockerfile)
    argv = ("docker", "buildx", "build", "--load", "--quiet", "--provenance=false", f"--file={file}", f"--tag={tag}")
    done = subprocess.run(
        (*argv, f"--build-arg=BASE={base}", *secrets, str(context)), capture_output=True, text=True, check=False,
        env=os.environ | {"BUILDX_BUILDER": "default"},
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"build of {tag} failed:\n{done.stderr[-3000:]}")
