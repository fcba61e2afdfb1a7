"""JSON Schemas of what commands print, made from the values themselves."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Any

from deploy_kit.facts import Fact, State
from deploy_kit.findings import Severity

TEXT: dict[str, Any] = {"type": "string"}
_COMMANDS = {"type": "array", "items": {"type": "array", "items": TEXT}}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
    Any: {},
}


def table(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has all of these. Readers leave names alone that they do not know: new ones may come."""
    return {"type": "object", "required": sorted(properties), "properties": properties}


def listed(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def finding() -> dict[str, Any]:
    """A finding, as every command prints it."""
    texts = dict.fromkeys(("code", "subject", "what", "why", "remedy"), TEXT)
    seen = listed(table({"source": TEXT, "observed": TEXT}))
    severity = {"enum": [one.value for one in Severity]}
    return table(texts | {"severity": severity, "commands": _COMMANDS, "evidence": seen})


def value(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """A value of this type; what has a name goes to ``definitions``."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [value(one, definitions) for one in args]}
    if origin is tuple:
        return listed(value(args[0], definitions))
    if origin is dict:
        return {"type": "object", "additionalProperties": value(args[1], definitions)}
    if origin is Fact:
        return _fact(value(args[0], definitions))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [one.value for one in kind]}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # its place, should it hold itself
        hints = typing.get_type_hints(kind)
        fields = {one.name: value(hints[one.name], definitions) for one in dataclasses.fields(kind)}
        definitions[kind.__name__] = table(fields)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _fact(known: dict[str, Any]) -> dict[str, Any]:
    """A fact: a value only where it is known; ``source`` says where it was seen, ``reason`` why there is none."""
    states = [one.value for one in State]
    return table(
        {"state": {"enum": states}, "value": {"anyOf": [known, {"type": "null"}]}, "source": TEXT, "reason": TEXT}
    )
