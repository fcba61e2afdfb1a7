"""The verdict in a sentence: which image, on which device, and why; and what happens meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from deploy_kit.cli.output.findings import sentence
from deploy_kit.compat import needs
from deploy_kit.errors import exit_code
from deploy_kit.findings import Finding, Severity
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.compat import Verdict
    from deploy_kit.config.request import Request
    from deploy_kit.facts import HostFacts


def mark(verdict: Verdict) -> tuple[str, str]:
    """A sign and its colour: runs, runs otherwise than hoped, does not run."""
    if verdict.blockers:
        return "✗", "31"
    return ("!", "33") if any(one.severity is Severity.WARNING for one in verdict.findings) else ("✓", "32")


def text(verdict: Verdict, request: Request, facts: HostFacts, words: Catalogue) -> str:
    """One sentence."""
    if verdict.blockers:
        return words("cli.verdict.blocked", engine=request.engine, reason=_reason(verdict.blockers[0], words))
    place = words(f"cli.verdict.{'local' if request.target == 'local' else 'image'}", variant=verdict.variant)
    if request.engine == needs.BUILT_IN:
        return words("cli.verdict.built_in", place=place)
    if verdict.device == "cuda":
        return words("cli.verdict.cuda", engine=request.engine, place=place, cards=cards(verdict, facts))
    why = next(_about_device(verdict), None)
    if why is None:
        return words("cli.verdict.cpu", engine=request.engine, place=place)
    return words("cli.verdict.instead", engine=request.engine, place=place, reason=_reason(why, words))


def more(verdict: Verdict, request: Request, words: Catalogue) -> Iterator[str]:
    """What happens first, and meanwhile."""
    if verdict.blockers:
        yield words("cli.verdict.meanwhile_blocked", code=int(exit_code(verdict.blockers[0])))
        return
    if verdict.setup is not None:
        packages = verdict.setup.packages.packages if verdict.setup.packages else ()
        key = "cli.verdict.first_install" if packages else "cli.verdict.first_start"
        yield words(key, packages=" ".join(packages))
    if request.engine != needs.BUILT_IN and verdict.device == "cpu":
        factor = f"{needs.real_time_factor(request.engine, 'cpu'):g}"
        yield words("cli.verdict.meanwhile_cpu", engine=request.engine, factor=factor)


def cards(verdict: Verdict, facts: HostFacts) -> str:
    """The names of the cards in use, equal ones counted."""
    devices = facts.gpu.devices.value or ()
    chosen = verdict.gpu.devices if verdict.gpu is not None else ()
    used = [one.name for one in devices if one.uuid in chosen or any(piece.uuid in chosen for piece in one.slices)]
    return counted(used or [one.name for one in devices]) or "GPU"


def counted(names: Iterable[str]) -> str:
    """Names, equal ones counted: ``2 × NVIDIA L4``."""
    found = Counter(names).items()
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in found)


def _about_device(verdict: Verdict) -> Iterator[Finding]:
    """The findings that say why no card computes: about the card itself, else about the image for it."""
    for family in ("GPU-", "BUILD-TORCH"):
        yield from (one for one in verdict.findings if one.code.startswith(family))


def _reason(finding: Finding, words: Catalogue) -> str:
    return sentence(finding.sentence("what"), words)
