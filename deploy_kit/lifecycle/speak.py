"""``say``: a sentence from the running service."""

from __future__ import annotations

from collections.abc import Collection

from deploy_kit.client import Client, wav
from deploy_kit.config.request import Listen, Request
from deploy_kit.lifecycle.access import key_for
from deploy_kit.lifecycle.site import state_of
from deploy_kit.plan.stack import Stack
from deploy_kit.run.state import State

_SECONDS = 600.0


def say(
    request: Request,
    text: str,
    *,
    lang: str | None = None,
    voice: str | None = None,
    speed: float | None = None,
    explicit: Collection[str] = (),
) -> bytes:
    """The sentence as a WAV.

    Args:
        explicit: Settings given for this very call; they go before what the stack was last started with.

    Raises:
        Failure: SPEECH-UNREACHABLE, SPEECH-KEY, SPEECH-REFUSED, USAGE-SPEECH, CONFIG-KEY-FILE; as `wav`, when what
            came is no sound.
    """
    speaker = _speaker(request, state_of(request), explicit)
    sound = speaker.speak(text, timeout=_SECONDS, language=lang, voice=voice, speed=speed).body
    wav(sound, speaker.url)  # whoever answered there: only sound is written to the user's file
    return sound


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
