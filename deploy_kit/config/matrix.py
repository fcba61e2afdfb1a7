"""The user's rows over the table of cards: a file in JSON or YAML as canonical JSON, in which every number is text.

What the rows mean, and whether they can be, is for `compat.cards.matrix` to say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy_kit import files
from deploy_kit.errors import fail

_SIZE_CAP = 256 * 1024


def read(file: Path) -> str:
    """The file's content as canonical JSON. ``8.6`` is the name of an architecture, in quotes or not.

    Raises:
        Failure: CONFIG-MATRIX-FILE.
    """
    try:
        text = files.read(file, _SIZE_CAP).decode("utf-8-sig")
        return json.dumps(_plain(text), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    except OSError as error:
        raise fail("CONFIG-MATRIX-FILE", str(file), reason=error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise fail("CONFIG-MATRIX-FILE", str(file), reason=str(error).splitlines()[0]) from None


def _plain(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, parse_float=str, parse_int=str)
        except ValueError:  # YAML has braces as well
            pass
    import yaml

    try:
        return yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506 - it makes nothing but texts
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
