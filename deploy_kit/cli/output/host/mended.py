"""What ``doctor --fix`` did, and what ``doctor --prove`` saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deploy_kit.cli.output import findings
from deploy_kit.cli.output.host import verdict
from deploy_kit.cli.output.host.fit import wrapped
from deploy_kit.cli.output.host.page import Look, finding_lines
from deploy_kit.cli.output.program import complete, shown
from deploy_kit.cli.output.text import seconds
from deploy_kit.findings import Severity
from deploy_kit.lifecycle.fix import Deed, Mended, Result
from deploy_kit.lifecycle.prove import Outcome, Seen

if TYPE_CHECKING:
    from deploy_kit.config.request import Request

_SIGNS = {Result.DONE: ("✓", "32"), Result.FAILED: ("✗", "31"), Result.SHOWN: ("·", "36")}
_OTHER = ("!", "33")


def mended(done: Mended, request: Request, look: Look) -> Iterator[str]:
    """Each offer with what became of it, what changed, and what is left for a person."""
    words = look.words
    if not done.deeds:
        yield words("fix.nothing")
    for deed in done.deeds:
        yield from _deed(deed, look)
    if any(deed.result is Result.DONE for deed in done.deeds):
        for key, some in (("fix.gone", done.gone), ("fix.new", done.new)):
            if some:
                yield words(key, codes=", ".join(finding.code for finding in some))
        if not done.gone and not done.new:
            yield words("fix.unchanged")
    yield ""
    sign, code = verdict.mark(done.verdict)
    for line in wrapped(f"{sign} {verdict.text(done.verdict, request, done.facts, words)}", look.columns, "", "  "):
        yield look.paint(line, code)
    yield from _left(done, look)


def _deed(deed: Deed, look: Look) -> Iterator[str]:
    sign, code = _SIGNS.get(deed.result, _OTHER)
    said = look.words(f"fix.result.{deed.result.value}")
    yield f"{look.paint(f'{sign} {deed.offer.code}', code)}: {said}"
    for line in deed.detail.splitlines():
        yield from wrapped(line, look.columns, "    ")
    if deed.result is not Result.DONE:
        yield from (f"      {shown(command)}" for command in deed.commands)


def _left(done: Mended, look: Look) -> Iterator[str]:
    """What still stands in the way and is for a person to do; what was done and is not felt yet needs a person, too."""
    offered = {deed.offer.code: deed.offer.left for deed in done.deeds}
    unfelt = {deed.offer.code for deed in done.deeds if deed.result is Result.DONE}
    rest = [one for one in findings.ordered(done.verdict.findings) if one.severity is not Severity.INFO]
    rest = [one for one in rest if one.code in unfelt or offered.get(one.code, one.commands)]
    if not rest:
        return
    yield ""
    yield look.words("fix.left")
    for finding in rest:
        said, _ = findings.remedy(finding, look.words)
        yield from wrapped(f"{finding.code}: {said}", look.columns, "  ", "    ")
        yield from (f"      {shown(command)}" for command in offered.get(finding.code, finding.commands))


def mended_document(done: Mended) -> dict[str, Any]:
    """The same for programs."""
    return {
        "offers": [
            {
                "code": deed.offer.code,
                "commands": [list(complete(command)) for command in deed.commands],
                "left": [list(command) for command in deed.offer.left],
                "restarts_engine": deed.offer.stops,
                "result": deed.result.value,
                "detail": deed.detail,
            }
            for deed in done.deeds
        ],
        "gone": [finding.code for finding in done.gone],
        "new": [finding.code for finding in done.new],
    }


def proved(seen: Seen, look: Look) -> Iterator[str]:
    """What the engine's torch said of the card."""
    words, guard = look.words, dict(seen.guard)
    if seen.outcome is Outcome.USABLE:
        text = words(
            "fix.prove.usable",
            card=guard.get("name") or "GPU",
            capability=guard.get("capability") or "?",
            torch=guard.get("torch") or "?",
            cuda=guard.get("cuda") or "?",
            where=seen.where,
            seconds=seconds(seen.seconds),
        )
        yield from wrapped(f"✓ {text}", look.columns, "", "  ")
        return
    sign = "✗" if seen.outcome is Outcome.UNUSABLE else "!"
    key = f"fix.prove.{seen.outcome.value}"
    yield from wrapped(f"{sign} {words(key, where=seen.where)}", look.columns, "", "  ")
    for finding in seen.findings:
        yield from finding_lines(finding, look)
    yield from (f"      {shown(command)}" for command in seen.commands)


def proved_document(seen: Seen, look: Look) -> dict[str, Any]:
    """The same for programs."""
    gpu = seen.request
    request = None if gpu is None else {"kind": gpu.kind.value, "devices": list(gpu.devices), "required": gpu.required}
    return {
        "outcome": seen.outcome.value,
        "where": seen.where,
        "request": request,
        "guard": dict(seen.guard),
        "findings": [findings.document(one, look.words) for one in seen.findings],
        "commands": [list(complete(command)) for command in seen.commands],
        "seconds": round(seen.seconds, 3),
    }
