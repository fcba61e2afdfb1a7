"""Every address there is, and what may be done there. What is not in this table reaches no framework."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from tts_server.refusal import Refusal

_LONGEST_METHOD = 20


class Part(str, Enum):
    """Who answers."""

    PROBE = "probe"
    LOGIN = "login"
    API = "api"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Place:
    """One address or a family of them. ``name`` is what the log says: never what the client typed."""

    name: str
    part: Part
    methods: tuple[str, ...]
    pattern: re.Pattern[str]


def _place(name: str, part: Part, methods: str, pattern: str = "") -> Place:
    return Place(name, part, tuple(methods.split()), re.compile(pattern or re.escape(name), re.ASCII))


_FILES = r"/[\w-][\w.-]*(/[\w-][\w.-]*)*"
_READ = "GET HEAD"
PLACES = (
    *(_place(name, Part.PROBE, _READ) for name in ("/livez", "/healthz", "/readyz", "/health", "/startupz")),
    _place("/login", Part.LOGIN, "POST"),
    _place("/v1/audio/speech", Part.API, "POST"),
    _place("/v1/audio/voices", Part.API, _READ),
    _place("/v1/models", Part.API, _READ),
    _place("/v1/models/…", Part.API, _READ, r"/v1/models/[^/]+"),
    _place("/metrics", Part.API, _READ),
    _place("/openapi.json", Part.API, _READ),
    _place("/", Part.PAGE, _READ),
    _place("/theme.css", Part.PAGE, _READ),
    _place("/favicon.ico", Part.PAGE, _READ),
    _place("/assets/…", Part.PAGE, _READ, "/assets" + _FILES),
    _place("/static/…", Part.PAGE, _READ, "/static" + _FILES),
    _place("/gradio_api/file=…", Part.PAGE, _READ, r"/gradio_api/file=.+/[0-9a-f]{32}/speech\.wav"),
    _place("/gradio_api/queue/data", Part.PAGE, "GET"),
    _place("/gradio_api/queue/join", Part.PAGE, "POST"),
    _place("/gradio_api/run/predict", Part.PAGE, "POST"),
    _place("/gradio_api/cancel", Part.PAGE, "POST"),
    _place("/gradio_api/reset", Part.PAGE, "POST"),
)
"""The page's rows are what its browsers were seen to ask for. `tts_server.webui.gate` looks into their bodies."""


def find(path: str) -> Place | None:
    """The place of a path; None when there is none."""
    return next((place for place in PLACES if place.pattern.fullmatch(path)), None)


def admit(place: Place | None, method: str) -> Place:
    """The place, when this method may be used there. Raises `Refusal`."""
    if place is None:
        raise Refusal("not_found")
    if method not in place.methods:
        allowed = ", ".join(sorted(place.methods))
        raise Refusal("method_not_allowed", method=method[:_LONGEST_METHOD], allowed=allowed)
    return place
