"""Progress as JSON, one event a line."""

from __future__ import annotations

import json
from typing import Any, TextIO

from deploy_kit.cli.output.findings import sentence
from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event


class JsonLines:
    """Writes each event as one JSON object."""

    def __init__(self, stream: TextIO, words: Catalogue) -> None:
        self._stream = stream
        self._words = words

    def show(self, event: Event) -> None:
        print(
            json.dumps(document(event, self._words), ensure_ascii=False, sort_keys=True), file=self._stream, flush=True
        )

    def close(self) -> None:
        """Nothing to put away."""


def document(event: Event, words: Catalogue) -> dict[str, Any]:
    """An event for programs; what is not set is left out."""
    found: dict[str, Any] = {"event": event.kind.value, "step": event.step}
    optional = {
        "subject": event.subject or None,
        "message": sentence(event.message, words) if event.message else None,
        "key": event.message.key if event.message else None,
        "text": event.text or None,
        "fraction": event.fraction,
        "seconds": None if event.seconds is None else round(event.seconds, 3),
    }
    return found | {name: value for name, value in optional.items() if value is not None}
