"""The JSON Schema of what ``doctor --output json`` prints; the facts in it are those of ``doctor --save``."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Any

from deploy_kit.cli.output.host.document import SCHEMA
from deploy_kit.facts import Fact, HostFacts, State
from deploy_kit.findings import Severity

_TEXT = {"type": "string"}
_COMMANDS = {"type": "array", "items": {"type": "array", "items": _TEXT}}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: _TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
}


def schema() -> dict[str, Any]:
    """The schema as a JSON document. Readers leave names alone that they do not know: new ones may come."""
    definitions: dict[str, Any] = {"Finding": _finding()}
    facts = _type(HostFacts, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deploykit doctor --output json",
        **_object(
            {
                "schema": {"const": SCHEMA},
                "facts": facts,
                "findings": {"type": "array", "items": {"$ref": "#/$defs/Finding"}},
                "variant": _TEXT,
                "device": {"enum": ["cuda", "cpu"]},
                "verdict": _verdict(),
                "exit_code": {"enum": [0, 4]},
            }
        ),
        "$defs": definitions,
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _finding() -> dict[str, Any]:
    texts = dict.fromkeys(("code", "subject", "what", "why", "remedy"), _TEXT)
    seen = {"type": "array", "items": _object({"source": _TEXT, "observed": _TEXT})}
    severity = {"enum": [one.value for one in Severity]}
    return _object(texts | {"severity": severity, "commands": _COMMANDS, "evidence": seen})


def _verdict() -> dict[str, Any]:
    request = _object({"kind": _TEXT, "devices": {"type": "array", "items": _TEXT}, "required": {"type": "boolean"}})
    setup = _object({"packages": {"type": "array", "items": _TEXT}, "start": {"type": "boolean"}})
    null = {"type": "null"}
    return _object(
        {
            "runs": {"type": "boolean"},
            "engine": _TEXT,
            "target": _TEXT,
            "sentence": _TEXT,
            "more": {"type": "array", "items": _TEXT},
            "cards": {"anyOf": [_TEXT, null]},
            "request": {"anyOf": [request, null]},
            "setup": {"anyOf": [setup, null]},
            "memory_bytes": {"type": "integer"},
            "pids": {"type": "integer"},
        }
    )


def _type(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type(one, definitions) for one in args]}
    if origin is tuple:
        return {"type": "array", "items": _type(args[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(args[1], definitions)}
    if origin is Fact:
        return _fact(_type(args[0], definitions))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # its place, should it hold itself
        hints = typing.get_type_hints(kind)
        fields = {one.name: _type(hints[one.name], definitions) for one in dataclasses.fields(kind)}
        definitions[kind.__name__] = _object(fields)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _fact(value: dict[str, Any]) -> dict[str, Any]:
    """A fact: a value only where it is known; ``source`` says where it was seen, ``reason`` why there is none."""
    states = [one.value for one in State]
    return _object(
        {"state": {"enum": states}, "value": {"anyOf": [value, {"type": "null"}]}, "source": _TEXT, "reason": _TEXT}
    )
