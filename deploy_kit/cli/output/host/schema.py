"""The JSON Schema of what ``doctor --output json`` prints; the facts in it are those of ``doctor --save``."""

from __future__ import annotations

from typing import Any

from deploy_kit.cli.output.host.document import SCHEMA
from deploy_kit.cli.output.shape import TEXT, finding, listed, table, value
from deploy_kit.facts import HostFacts


def schema() -> dict[str, Any]:
    """The schema as a JSON document. Readers leave names alone that they do not know: new ones may come."""
    definitions: dict[str, Any] = {"Finding": finding()}
    facts = value(HostFacts, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deploykit doctor --output json",
        **table(
            {
                "schema": {"const": SCHEMA},
                "facts": facts,
                "findings": listed({"$ref": "#/$defs/Finding"}),
                "variant": TEXT,
                "device": {"enum": ["cuda", "cpu"]},
                "verdict": _verdict(),
                "exit_code": {"enum": [0, 4]},
            }
        ),
        "$defs": definitions,
    }


def _verdict() -> dict[str, Any]:
    request = table({"kind": TEXT, "devices": listed(TEXT), "required": {"type": "boolean"}})
    setup = table({"packages": listed(TEXT), "start": {"type": "boolean"}})
    null = {"type": "null"}
    return table(
        {
            "runs": {"type": "boolean"},
            "engine": TEXT,
            "target": TEXT,
            "sentence": TEXT,
            "more": listed(TEXT),
            "cards": {"anyOf": [TEXT, null]},
            "request": {"anyOf": [request, null]},
            "setup": {"anyOf": [setup, null]},
            "memory_bytes": {"type": "integer"},
            "pids": {"type": "integer"},
        }
    )
