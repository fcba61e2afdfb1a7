"""``say``: a sentence from the running service."""

from __future__ import annotations

from deploy_kit.config.request import Request
from deploy_kit.lifecycle.site import client, state_of

_SECONDS = 600.0


def say(
    request: Request,
    text: str,
    *,
    lang: str | None = None,
    voice: str | None = None,
    speed: float | None = None,
) -> bytes:
    """The sentence as a WAV.

    Raises:
        Failure: SPEECH-UNREACHABLE, SPEECH-KEY, SPEECH-REFUSED.
    """
    speaker = client(state_of(request), request)
    return speaker.speak(text, timeout=_SECONDS, language=lang, voice=voice, speed=speed).body
