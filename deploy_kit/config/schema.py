"""The JSON Schema of ``deploykit.yaml``, made from the table of settings. Editors check the file with it."""

from __future__ import annotations

from typing import Any

from deploy_kit.config.table import Setting, settings
from deploy_kit.messages import Catalogue

_PATTERNS = {
    "name": r"^[a-z0-9][a-z0-9_-]{1,62}$",
    "label": r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    "context": r"^[^-]",
    "address": r"^(\[[0-9A-Fa-f:.]+\]|localhost|\*|[0-9.]+):[0-9]{1,5}$",
    "url": r"^https?://\S+$",
    "image": r"^[a-z0-9]\S*$",
}
_DEVICE = r"^(GPU|MIG)-[0-9a-fA-F-]{36}$"
_SIZE = r"^[0-9]+(\.[0-9]+)?\s*[KMGTkmgt]?[Ii]?[Bb]?$"


def schema(words: Catalogue) -> dict[str, Any]:
    """The schema as a JSON document; descriptions are in the language of ``words``."""
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deploykit.yaml",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {},
    }
    for setting in settings().values():
        group, _, name = setting.key.rpartition(".")
        place = document["properties"]
        if group:
            place = place.setdefault(group, _group())["properties"]
        place[name] = _property(setting) | {"description": words(f"settings.{setting.key}")}
    return document


def _group() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _property(setting: Setting) -> dict[str, Any]:
    found = _type(setting)
    if setting.default is None:
        return {"anyOf": [found, {"type": "null"}]}
    return found | {"default": _default(setting)}


def _type(setting: Setting) -> dict[str, Any]:
    match setting.kind:
        case "choice":
            return {"enum": list(setting.choices)}
        case "boolean":
            return {"type": "boolean"}
        case "gpus":
            items = {"type": "string", "pattern": _DEVICE}
            return {"anyOf": [{"const": "all"}, {"type": "array", "items": items}]}
        case "integer" | "number":
            return {"type": setting.kind} | _range(setting)
        case "size":
            return {"anyOf": [{"type": "string", "pattern": _SIZE}, {"type": "integer"} | _range(setting)]}
        case "list":
            return {"type": "array", "items": {"type": "string"}}
        case "path" | "source":
            return {"type": "string", "minLength": 1}
        case kind:
            reserved = {"not": {"enum": list(setting.reserved)}} if setting.reserved else {}
            return {"type": "string", "pattern": _PATTERNS[kind]} | reserved


def _range(setting: Setting) -> dict[str, float]:
    bounds = {"minimum": setting.minimum, "maximum": setting.maximum}
    return {name: value for name, value in bounds.items() if value is not None}


def _default(setting: Setting) -> object:
    if isinstance(setting.default, tuple):
        return list(setting.default)
    if setting.kind == "boolean":
        return setting.default == "true"
    if setting.kind == "integer":
        return int(str(setting.default))
    return float(str(setting.default)) if setting.kind == "number" else setting.default
