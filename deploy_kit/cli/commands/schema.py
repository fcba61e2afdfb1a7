"""``schema``: the JSON Schema of ``deploykit.yaml``."""

from __future__ import annotations

import json

from deploy_kit.cli.session import Session
from deploy_kit.config.schema import schema


def run(session: Session) -> int:
    """Print the schema."""
    session.say(json.dumps(schema(session.words), indent=2, ensure_ascii=False))
    return 0
