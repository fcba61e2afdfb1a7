"""The frames between the server and a worker: a length-prefixed JSON header and a payload of samples.

A frame is ``header length`` (4 bytes, big endian), ``payload length`` (4 bytes), the JSON header, the payload.
Both lengths are capped, so a corrupted stream ends in `WireError` and never in an allocation of gigabytes.

Server to worker:
    ``load`` {engine options; IndexTTS: device, model_dir, half, emotion_text, threads, warm_up} ·
    ``speak`` {id, seconds, text, language, pause; espeak: voice, speed, pitch; IndexTTS: reference, seed, emotion,
    random, duration, silence_ms, segment_tokens, normalize, sampling} · ``ack`` {id, seq} · ``cancel`` {id} ·
    ``shutdown`` {}
Worker to server:
    ``hello`` {protocol, engine, pid} · ``phase`` {name} · ``ready`` {rate; espeak: voices, version; IndexTTS: device,
    name, half, emotion_text, vram_bytes, rss_bytes, torch, engine_version} · ``audio`` {id, seq} + samples ·
    ``done`` {id, seconds; IndexTTS: seed, segments, notes, timings, vram_bytes, rss_bytes} · ``error`` {id, code,
    detail}; an ``id`` of null means that the load was refused, and the worker ends.
Samples are mono, signed 16-bit little endian, at the rate that ``ready`` named.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PROTOCOL = 2
HEADER_CAP = 256 * 1024
PAYLOAD_CAP = 4 * 1024 * 1024
UNACKNOWLEDGED_FRAMES = 4
"""How many audio frames a worker may send ahead of their acknowledgement: back-pressure."""

_PREFIX = struct.Struct(">II")


class WireError(Exception):
    """The stream holds no valid frame; the peer must be given up."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: its kind, its fields, and (for ``audio``) raw samples."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """The bytes of a frame.

    Raises:
        WireError: Header or payload is over its cap.
    """
    header = json.dumps({"kind": frame.kind, **frame.fields}).encode("ascii")
    if len(header) > HEADER_CAP or len(frame.payload) > PAYLOAD_CAP:
        raise WireError(f"frame {frame.kind} too large: header {len(header)}, payload {len(frame.payload)} bytes")
    return _PREFIX.pack(len(header), len(frame.payload)) + header + frame.payload


def lengths(prefix: bytes) -> tuple[int, int]:
    """Header and payload length from the first `PREFIX_SIZE` bytes.

    Raises:
        WireError: A length is over its cap.
    """
    header, payload = _PREFIX.unpack(prefix)
    if header > HEADER_CAP or payload > PAYLOAD_CAP:
        raise WireError(f"announced header of {header} and payload of {payload} bytes")
    return header, payload


PREFIX_SIZE = _PREFIX.size


def decode(header: bytes, payload: bytes) -> Frame:
    """The frame of a header and its payload.

    Raises:
        WireError: The header is no JSON object with a ``kind``.
    """
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise WireError(f"header is no JSON: {error}") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        raise WireError("header without a kind")
    return Frame(fields.pop("kind"), fields, payload)


def read(receive: Callable[[int], bytes]) -> Frame | None:
    """Read one frame through a blocking ``receive(n)`` (``socket.recv`` or ``file.read``); None at end of file.

    Raises:
        WireError: The stream ends inside a frame or holds none.
    """
    prefix = _exactly(receive, PREFIX_SIZE)
    if not prefix:
        return None
    header_size, payload_size = lengths(prefix)
    header = _exactly(receive, header_size)
    payload = _exactly(receive, payload_size)
    if len(header) < header_size or len(payload) < payload_size:
        raise WireError("stream ended inside a frame")
    return decode(header, payload)


def _exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        chunk = receive(size - len(parts))
        if not chunk:
            if parts:
                raise WireError("stream ended inside a frame")
            break
        parts += chunk
    return bytes(parts)
