"""``say``: a sentence from the running service."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from deploy_kit import files
from deploy_kit.client import Client, wav
from deploy_kit.compat import needs
from deploy_kit.config.request import Listen, Request
from deploy_kit.data import table
from deploy_kit.errors import fail
from deploy_kit.lifecycle.access import key_for
from deploy_kit.lifecycle.site import state_of
from deploy_kit.plan.stack import Stack
from deploy_kit.run.state import State

_SECONDS = 600.0
_LARGEST_REFERENCE = 32 * 1024 * 1024
_NOTE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sentence is to be spoken, beyond voice and language; None leaves it to the engine.

    ``emotion`` are weights by name (``happy`` …); ``emotion_text`` describes one in words; ``reference`` a sound file
    whose voice is taken; ``duration`` stretches the speech (1 is normal); ``seed`` makes it repeatable.
    """

    model: str | None = None
    emotion: tuple[tuple[str, float], ...] = ()
    emotion_text: str | None = None
    reference: Path | None = None
    duration: float | None = None
    seed: int | None = None

    def fields(self) -> dict[str, Any]:
        """The fields of a request.

        Raises:
            Failure: USAGE-EMOTION for a name that no engine knows, USAGE-READ when the reference cannot be read.
        """
        return {
            "emo_vector": _vector(self.emotion) if self.emotion else None,
            "emo_text": self.emotion_text,
            "reference_audio": None if self.reference is None else _base64(self.reference),
            "duration_factor": self.duration,
            "seed": self.seed,
        }


class Said(NamedTuple):
    """A sentence as a WAV, and what the engine remarked about it: codes whose sentences are ``server.note.<code>``."""

    sound: bytes
    notes: tuple[str, ...] = ()


def _vector(weights: tuple[tuple[str, float], ...]) -> list[float]:
    order = next(iter(table("engines").values()))["emotion"]["order"]
    given = dict(weights)
    if strangers := [name for name in given if name not in order]:
        raise fail("USAGE-EMOTION", strangers[0], known=", ".join(order))
    return [given.get(name, 0.0) for name in order]


def _base64(file: Path) -> str:
    import base64

    try:
        return base64.b64encode(files.read(file, _LARGEST_REFERENCE)).decode()
    except OSError as error:
        raise fail("USAGE-READ", str(file), reason=error.strerror or str(error)) from None


def say(
    request: Request,
    text: str,
    *,
    lang: str | None = None,
    voice: str | None = None,
    speed: float | None = None,
    manner: Manner = Manner(),
    explicit: Collection[str] = (),
) -> Said:
    """The sentence as a WAV, with what the engine remarked.

    Args:
        manner: What engines with a model can do beyond that.
        explicit: Settings given for this very call; they go before what the stack was last started with.

    Raises:
        Failure: SPEECH-UNREACHABLE, SPEECH-KEY, SPEECH-REFUSED, USAGE-SPEECH, CONFIG-KEY-FILE; as `wav`, when what
            came is no sound; as `Manner.fields`.
    """
    state = state_of(request)
    speaker, stack = _speaker(request, state, explicit), state.stack()
    reply = speaker.speak(
        text,
        timeout=_SECONDS if stack is None else _SECONDS * needs.slowness(stack.engine, "cpu"),
        language=lang,
        voice=voice,
        speed=speed,
        model=manner.model,
        fields=manner.fields(),
    )
    wav(reply.body, speaker.url)  # whoever answered there: only sound is written to the user's file
    return Said(reply.body, tuple(_NOTE.findall(reply.headers.get("x-tts-notes", ""))))


def _speaker(request: Request, state: State, explicit: Collection[str]) -> Client:
    """Address and key: what was given for this call, else what the stack was last started with, else the settings."""
    stack = state.stack()
    listen = request.listen if stack is None or "listen" in explicit else stack.listen
    if request.api_key_file is not None and (stack is None or "api_key_file" in explicit):
        key = key_for(request, state)
        return Client(listen, key.value if key is not None else None)
    if stack is None or not _same(listen, stack):
        return Client(listen, state.key() if stack is None else None)
    return Client(listen, state.key() if stack.secret_version else None)


def _same(listen: Listen, stack: Stack) -> bool:
    """Whether an address is one of the stack's own: its key is sent to nobody else."""
    if listen.port != stack.listen.port:
        return False
    return listen.host == stack.listen.host or (stack.listen.wildcard and listen.loopback)
