"""Other places and other ways: a folder as cache, the hand-started compose file, an engine without room."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.conftest import Stack, docker
from tests.support.command import ROOT, free_port


def test_a_folder_can_be_the_cache(cli: Stack, tmp_path: Path) -> None:
    cache = tmp_path / "made by up" / "cache_hub"
    cli.environment["DEPLOYKIT_CACHE_PATH"] = str(cache)

    cli("up", "--yes")
    docker("exec", cli.name, "sh", "-c", "echo kept > /cache_hub/weights")
    cli("down")

    assert (cache / "weights").read_text() == "kept\n"


def test_settings_come_from_the_file_of_the_folder(cli: Stack, tmp_path: Path) -> None:
    (tmp_path / "deploykit.yaml").write_text("service:\n  max_chars: 100\n")

    cli("up", "--yes", cwd=tmp_path)

    assert cli.ask("/v1/audio/speech", {"input": "Short enough."})[0] == 200
    assert cli.ask("/v1/audio/speech", {"input": "This one is longer than that. " * 4})[0] == 400


_TAGGED = (
    *("images", "--filter", "label=io.deploykit.inputs", "--filter", "dangling=false"),
    *("--format", "{{.Repository}}:{{.Tag}}"),
)


@contextlib.contextmanager
def by_hand(folder: Path, **settings: str) -> Iterator[Stack]:
    """The committed compose file, started as its header says with an image that is here and a cache_hub beside it."""
    port, project = free_port(), f"dk-manual-{os.getpid()}"
    cache = folder / "cache_hub"
    cache.mkdir(mode=0o2775)
    cache.chmod(0o2775)
    image = docker(*_TAGGED).split()[0]
    document = (ROOT / "compose/compose.yaml").read_text()
    named = document.replace('container_name: "deploykit-core"', f'container_name: "{project}"')
    assert named != document
    (folder / "compose.yaml").write_text(named)
    environment = os.environ | {"DEPLOYKIT_LISTEN": f"127.0.0.1:{port}", "COMPOSE_PROJECT_NAME": project, **settings}
    docker("tag", image, "deploykit/core:manual")
    compose = ("docker", "compose", "--file", str(folder / "compose.yaml"))
    try:
        subprocess.run((*compose, "up", "--detach", "--no-build"), env=environment, check=True, capture_output=True)
        cli = Stack(project, port, "")
        cli.until_ready()
        yield cli
        subprocess.run((*compose, "down", "--volumes"), env=environment, check=True, capture_output=True)
    finally:
        docker("rm", "--force", project, check=False)
        docker("image", "rm", "deploykit/core:manual", check=False)


def test_the_committed_compose_file_starts_without_deploykit(tmp_path: Path) -> None:
    with by_hand(tmp_path) as cli:
        status, sound = cli.ask("/v1/audio/speech", {"input": "Hello from plain compose."})
        docker("exec", cli.name, "sh", "-c", "echo kept > /cache_hub/weights")

    assert status == 200
    assert sound[:4] == b"RIFF"
    assert (tmp_path / "cache_hub/weights").read_text() == "kept\n"


def test_the_committed_compose_file_takes_a_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a-key-by-hand")
    key.chmod(0o640)
    with by_hand(tmp_path, DEPLOYKIT_API_KEY_FILE=str(key)) as cli:
        without, _ = cli.ask("/v1/audio/speech", {"input": "Hello."})
        having, _ = cli.ask("/v1/audio/speech", {"input": "Hello."}, key="a-key-by-hand")

    assert (without, having) == (401, 200)


@contextlib.contextmanager
def second_engine(size: str) -> Iterator[str]:
    """Another daemon beside the first, whose images lie on a file system of this size; gives its address.

    It has a network of its own: with ``--bridge=none`` alone it would take away the first daemon's docker0.
    """
    folder = Path(tempfile.mkdtemp(prefix="dk-engine-"))
    root = folder / "root"
    root.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(root)), check=True)
    host = f"unix://{folder}/docker.sock"
    paths = (f"--data-root={root}", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid", f"--host={host}")
    log = (folder / "log").open("wb")
    daemon = subprocess.Popen(
        ("unshare", "--net", "dockerd", *paths, "--bridge=none", "--iptables=false"), stdout=log, stderr=log
    )
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(("docker", "--host", host, "version"), capture_output=True, check=False).returncode != 0:
            assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.2)
        yield host
    finally:
        daemon.terminate()
        daemon.wait(timeout=60)
        log.close()
        subprocess.run(("umount", "--lazy", str(root)), check=True)
        subprocess.run(("rm", "-rf", "--one-file-system", str(folder)), check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="a second engine takes root")
def test_an_engine_without_room_is_refused_before_anything_is_built(cli: Stack) -> None:
    with second_engine("200m") as host:
        cli.environment["DOCKER_HOST"] = host
        done = cli("up", "--yes", "--output", "json", check=False)
        images = subprocess.run(
            ("docker", "--host", host, "images", "--quiet"), capture_output=True, text=True, check=True
        ).stdout

    assert done.code == 4
    assert "HOST-DISK" in done.out + done.err
    assert images == ""
    assert not [row for row in done.out.splitlines() if json.loads(row).get("event") == "step"]
