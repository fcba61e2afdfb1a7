"""Containers of the image under test: started locked down, spoken to from inside, always removed."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from deploy_kit import proc
from deploy_kit.tools import docker

PYTHON = "/opt/deploykit/server/bin/python"
PROBE = ("/opt/deploykit/app/tts_server/probe.py",)
HARDENED = (
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--pids-limit=256",
    "--memory=1g",
    "--tmpfs=/tmp:mode=1777",
    "--tmpfs=/cache_hub:mode=2775",
    "--tmpfs=/outputs:mode=2775",
)
_READY_SECONDS = 60.0
_READ = """
import os, sys, urllib.error, urllib.request
port = os.environ["TTS_LISTEN"].rpartition(":")[2]
try:
    reply = urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30)
except urllib.error.HTTPError as error:
    reply = error
sys.stdout.buffer.write(reply.read())
"""
_SPEAK = """
import base64, json, os, sys, urllib.request
key = os.environ.get("TTS_API_KEY_FILE")
headers = {"Content-Type": "application/json"}
if key:
    headers["Authorization"] = "Bearer " + open(key).read().strip()
port = os.environ["TTS_LISTEN"].rpartition(":")[2]
request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/audio/speech", sys.argv[1].encode(), headers)
sys.stdout.write(base64.b64encode(urllib.request.urlopen(request, timeout=30).read()).decode())
"""


def image_config(image: str) -> dict[str, Any]:
    """The ``Config`` of an image, with its ``Size`` in bytes beside it."""
    row = json.loads(docker.call("image", "inspect", image).stdout)[0]
    return {**row["Config"], "Size": row["Size"]}


def history(image: str) -> str:
    """Every command and setting that made the image, as the engine remembers it."""
    return docker.call("history", "--no-trunc", "--format={{.CreatedBy}} {{.Comment}}", image).stdout


@contextlib.contextmanager
def started(image: str, *options: str, network: str = "bridge") -> Iterator[str]:
    """A hardened container of the image; removed whatever happens, with its volumes."""
    name = f"deploykit-verify-{uuid.uuid4().hex[:8]}"
    try:
        docker.call("run", "--detach", f"--name={name}", f"--network={network}", *HARDENED, *options, image, timeout=60)
        yield name
    finally:
        docker.call("rm", "--force", "--volumes", name, timeout=60, check=False)


def probe(name: str) -> proc.Completed:
    """The image's own health check, run once."""
    return docker.call("exec", name, PYTHON, "-I", "-S", *PROBE, check=False)


def await_ready(name: str) -> None:
    """Wait until the health check passes.

    Raises:
        AssertionError: It stopped, or was not ready in time; with its last log lines.
    """
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        info = docker.container(name)
        assert info is not None, f"{name} is gone"
        assert info.status in ("created", "running"), f"it stopped with {info.exit_code}: {_last_words(name)}"
        if info.status == "running" and probe(name).ok:
            return
        time.sleep(0.2)
    raise AssertionError(f"not ready after {_READY_SECONDS:g} s: {_last_words(name)}")


def readiness(name: str) -> dict[str, Any]:
    """What the service says of itself, ready or not."""
    return dict(json.loads(docker.call("exec", name, PYTHON, "-I", "-c", _READ, timeout=60).stdout))


def speak(name: str, text: str, **wish: str) -> bytes:
    """A WAV of the text, asked for from inside the container, so that it works on remote engines too."""
    import base64

    body = json.dumps({"input": text, "response_format": "wav", **wish})
    return base64.b64decode(docker.call("exec", name, PYTHON, "-I", "-c", _SPEAK, body, timeout=60).stdout)


def _last_words(name: str) -> str:
    return " | ".join(docker.logs_tail(name, 5))
