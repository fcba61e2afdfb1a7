"""The settings of the service: ``TTS_…`` variables, checked against the table that the host tool uses too."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_kit.data import table
from deploy_kit.errors import fail

_DEFAULT_LISTEN = "127.0.0.1:7860"
_SHOWN = 80
_KEY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the server was told. Seconds and characters; ``api_key`` empty means that nobody is asked."""

    host: str
    port: int
    engine: str
    variant: str
    locale: str
    max_chars: int
    queue: int
    request_seconds: float
    drain_seconds: float
    log_level: str
    log_format: str
    log_file: Path | None
    cache_hub: Path
    outputs: Path
    api_key: str
    device: str
    half: str
    emotion_text: str
    workers: int
    threads: int
    idle_seconds: float
    accept_license: bool
    weights_source: str
    weights_lock: Path | None
    hub_token_file: Path | None
    engine_python: str | None
    gpu_hub: Path | None
    site: Path | None


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment.

    Raises:
        deploy_kit.errors.Failure: A value that is not allowed, or a key file that cannot be read.
    """
    checked = {row["service_env"]: _checked(row, environment) for row in table("settings") if "service_env" in row}
    host, port = _address(environment.get("TTS_LISTEN") or _DEFAULT_LISTEN)
    return Settings(
        host=host,
        port=port,
        engine=checked["TTS_ENGINE"],
        variant=environment.get("TTS_VARIANT") or "core",
        locale="zh" if environment.get("TTS_LOCALE", "").lower().startswith("zh") else "en",
        max_chars=checked["TTS_MAX_CHARS"],
        queue=checked["TTS_QUEUE"],
        request_seconds=checked["TTS_REQUEST_SECONDS"],
        drain_seconds=checked["TTS_DRAIN_SECONDS"],
        log_level=checked["TTS_LOG_LEVEL"],
        log_format=_choice("TTS_LOG_FORMAT", environment.get("TTS_LOG_FORMAT") or "plain", ["plain", "json"]),
        log_file=_path(environment, "TTS_LOG_FILE"),
        cache_hub=Path(environment.get("TTS_CACHE_HUB") or "/cache_hub"),
        outputs=Path(environment.get("TTS_OUTPUTS") or "/outputs"),
        api_key=_key(environment.get("TTS_API_KEY_FILE")),
        device=checked["TTS_DEVICE"],
        half=checked["TTS_HALF"],
        emotion_text=checked["TTS_EMOTION_TEXT"],
        workers=checked["TTS_WORKERS"],
        threads=checked["TTS_THREADS"],
        idle_seconds=checked["TTS_IDLE_SECONDS"],
        accept_license=checked["TTS_ACCEPT_LICENSE"],
        weights_source=checked["TTS_WEIGHTS_SOURCE"],
        weights_lock=_path(environment, "TTS_WEIGHTS_LOCK"),
        hub_token_file=_path(environment, "TTS_HUB_TOKEN_FILE"),
        engine_python=environment.get("TTS_ENGINE_PYTHON") or None,
        gpu_hub=_path(environment, "TTS_GPU_HUB"),
        site=_path(environment, "TTS_SITE"),
    )


def writable(folder: Path) -> bool:
    """Whether a file can really be made there (a mode says little on a read-only root)."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _checked(row: dict[str, Any], environment: Mapping[str, str]) -> Any:
    name, kind = row["service_env"], row["type"]
    text = environment.get(name)
    if text is None or text == "":
        return row["default"]
    if kind == "choice":
        return _choice(name, text, row["choices"])
    if kind == "boolean":
        return _choice(name, text.lower(), ["true", "false"]) == "true"
    if kind == "source":
        return text
    try:
        value: float = int(text) if kind == "integer" else float(text)
    except ValueError:
        raise fail("CONFIG-SERVICE", name, value=text, allowed=kind) from None
    low, high = row.get("minimum", value), row.get("maximum", value)
    if not low <= value <= high:
        raise fail("CONFIG-SERVICE", name, value=text, allowed=f"{low} … {high}")
    return value


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name)
    return Path(text) if text else None


def _choice(name: str, text: str, choices: list[str]) -> str:
    if text not in choices:
        raise fail("CONFIG-SERVICE", name, value=text[:_SHOWN], allowed=", ".join(choices))
    return text


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not re.fullmatch("[!-~]+", host) or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        shown = text[:_SHOWN].encode("ascii", errors="backslashreplace").decode()
        raise fail("CONFIG-SERVICE", "TTS_LISTEN", value=shown, allowed="HOST:PORT")
    return host, int(port)


def _key(path: str | None) -> str:
    if not path:
        return ""
    try:
        content = _content(path)
    except (OSError, ValueError) as error:
        raise fail("CONFIG-KEY-FILE", path, reason=getattr(error, "strerror", None) or type(error).__name__) from None
    if content is None:
        raise fail("CONFIG-KEY-FILE", path, reason="not a regular file")
    if len(content) > _KEY_BYTES:
        raise fail("CONFIG-KEY-FILE", path, reason=f"more than {_KEY_BYTES} bytes")
    key = content.strip().decode("latin-1")
    if not key:  # an empty file must not open the service
        raise fail("CONFIG-KEY-FILE", path, reason="empty")
    if not re.fullmatch("[!-~]+", key):  # nothing else can be sent in a header
        raise fail("CONFIG-KEY-FILE", path, reason="characters other than visible ASCII")
    return key


def _content(path: str) -> bytes | None:
    """The start of a file, enough to see that it is too long; None when it is not a file. A pipe holds nobody up."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        return file.read(_KEY_BYTES + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else None
