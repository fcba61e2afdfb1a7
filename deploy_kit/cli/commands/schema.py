"""``schema``: the JSON Schema of ``deploykit.yaml``, or of what ``doctor`` prints about a host or a cluster."""

from __future__ import annotations

import json
from typing import Any

from deploy_kit.cli.session import Session


def run(session: Session) -> int:
    """Print the schema."""
    session.say(json.dumps(_schema(session), indent=2, ensure_ascii=False))
    return 0


def _schema(session: Session) -> dict[str, Any]:
    if session.options.document == "doctor":
        from deploy_kit.cli.output.host import schema

        return schema.schema()
    if session.options.document == "cluster":
        from deploy_kit.cli.output.cluster import schema as cluster

        return cluster.schema()
    from deploy_kit.config import schema as config

    return config.schema(session.words)
