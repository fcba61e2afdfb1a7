"""The JSON Schema of what ``doctor --target kubernetes --output json`` prints; its facts are those of ``--save``."""

from __future__ import annotations

from typing import Any

from deploy_kit.cli.output.cluster.document import SCHEMA, TARGET
from deploy_kit.cli.output.shape import TEXT, finding, listed, table, value
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.cluster.verdict import Pool


def schema() -> dict[str, Any]:
    """The schema as a JSON document. Readers leave names alone that they do not know: new ones may come."""
    definitions: dict[str, Any] = {"Finding": finding()}
    facts, pool = value(ClusterFacts, definitions), value(Pool, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deploykit doctor --target kubernetes --output json",
        **table(
            {
                "schema": {"const": SCHEMA},
                "facts": facts,
                "findings": listed({"$ref": "#/$defs/Finding"}),
                "preset": TEXT,
                "variant": TEXT,
                "device": {"enum": ["cuda", "cpu"]},
                "pools": listed(pool),
                "chosen": listed(TEXT),
                "values": {"type": "object"},
                "verdict": _verdict(),
                "exit_code": {"enum": [0, 4]},
            }
        ),
        "$defs": definitions,
    }


def _verdict() -> dict[str, Any]:
    return table(
        {
            "runs": {"type": "boolean"},
            "engine": TEXT,
            "target": {"const": TARGET},
            "sentence": TEXT,
            "more": listed(TEXT),
            "cards": {"anyOf": [TEXT, {"type": "null"}]},
        }
    )
