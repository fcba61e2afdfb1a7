"""The first step of the start: the host's preflight once more, from within, and what this container lacks.

It tells and never stops: the service that cannot work says so in `/readyz`, and before an engine touches a card the
worker's guard judges it. The driver is spoken with only where a card may be used and one was handed in.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy_kit.compat import inside as compat_inside
from deploy_kit.compat.cards import Matrix, matrix
from deploy_kit.detect.machine import inside
from deploy_kit.detect.machine.context import here
from deploy_kit.findings import Evidence, Finding, Severity
from deploy_kit.messages import Catalogue
from tts_server.gpu.nvml import Nvml
from tts_server.settings import Settings, writable

_log = logging.getLogger(__name__)


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look, log each finding, and return them."""
    findings = tuple(_findings(settings))
    say = Catalogue(settings.locale)
    for finding in findings:
        sentences = (finding.sentence(part) for part in ("what", "why", "remedy"))
        text = " ".join(say.text(message.key, message.args) for message in sentences)
        level = logging.INFO if finding.severity is Severity.INFO else logging.WARNING
        _log.log(level, "%s %s", finding.code, text.replace("\n", " "))
    return findings


def workplace(settings: Settings) -> Path | None:
    """Where sound is kept while it is made: the outputs folder, else the temporary one; None when neither works."""
    if writable(settings.outputs):
        return settings.outputs
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return None


def _findings(settings: Settings) -> Iterator[Finding]:
    kind = (settings.engine, settings.variant, settings.device)
    driver = compat_inside.wants_card(*kind) and not Nvml().forbidden
    facts = inside.observe(here(), {"state": str(settings.outputs)}, driver=driver)
    engine, variant, device = kind
    yield from compat_inside.judge(facts, engine=engine, variant=variant, device=device, matrix=_matrix())
    if not writable(settings.cache_hub):
        yield _unwritable("CACHE-READ-ONLY", settings.cache_hub)
    if not writable(settings.outputs):
        yield _unwritable("HOST-OUTPUTS-READ-ONLY", settings.outputs)
    if workplace(settings) is None:
        yield _unwritable("HOST-TMP-READ-ONLY", Path("/tmp"))  # noqa: S108 - named, not used


def _matrix() -> Matrix | None:
    """The table of cards that the host judged by, where it is not the product's own."""
    text = os.environ.get("TTS_MATRIX")
    return None if not text else matrix(json.loads(text))


def _unwritable(code: str, folder: Path) -> Finding:
    seen = "not writable" if folder.exists() else "missing"
    return Finding.of(code, Severity.WARNING, str(folder), evidence=(Evidence(str(folder), seen),))
