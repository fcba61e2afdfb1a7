"""`--target local`: a Python 3.11 (``uv`` brings one), the speech library, and for a model the C++ library; no
container engine."""

from __future__ import annotations

from deploy_kit.compat import needs
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.packages import packages_for
from deploy_kit.compat.rights import as_root, may_administer
from deploy_kit.compat.verdict import EngineSetup, Ground, Wish
from deploy_kit.compat.versions import at_least
from deploy_kit.data import table
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding, Severity


def judge(facts: HostFacts, wish: Wish) -> Ground:
    """Whether plain processes can speak here."""
    python, speech = _python(facts), _speech(facts)
    return Ground((*python, *_temporary(facts, wish), *_cpp(facts, wish), *speech.findings), speech.setup)


def _temporary(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    """A folder in which an environment can be made; one that is there needs none."""
    folder = facts.local.temporary
    if not folder.known or folder.value or not wish.build_bytes:
        return ()
    return (Finding.of("HOST-NO-TMP", Severity.BLOCKER, "TMPDIR", evidence=seen(folder)),)


def _cpp(facts: HostFacts, wish: Wish) -> tuple[Finding, ...]:
    library, floor = facts.local.glibcxx, table("compat")["glibcxx"]
    if wish.engine == needs.BUILT_IN or not library.known or at_least(library.value or "", floor):
        return ()
    plan = packages_for(facts.platform, "engine")  # a distribution with apt
    commands = (as_root(facts.privileges, "apt-get", "install", "libstdc++6"),) if plan else ()
    subject = f"GLIBCXX_{library.value}" if library.value else "libstdc++.so.6"
    evidence = seen(library)
    return (Finding.of("HOST-GLIBCXX", Severity.BLOCKER, subject, evidence=evidence, commands=commands, floor=floor),)


def _python(facts: HostFacts) -> tuple[Finding, ...]:
    """A missing interpreter stands in nobody's way: ``up`` asks, then fetches one for this user."""
    local = facts.local
    if not local.python.known or local.python.value:
        return ()
    evidence = seen(local.python, local.uv)
    return (Finding.of("HOST-PYTHON-INSTALL", Severity.INFO, "python3.11", evidence=evidence),)


def _speech(facts: HostFacts) -> Ground:
    library = facts.local.speech
    if not library.known or library.value:
        return Ground()
    plan = packages_for(facts.platform, "speech")
    if plan is None or not may_administer(facts.privileges):
        commands = (as_root(facts.privileges, "apt-get", "install", *plan.packages),) if plan else ()
        finding = Finding.of("HOST-SPEECH", Severity.BLOCKER, "espeak-ng", evidence=seen(library), commands=commands)
        return Ground((finding,))
    packages = " ".join(plan.packages)
    note = Finding.of("HOST-SPEECH-INSTALL", Severity.INFO, "espeak-ng", evidence=seen(library), packages=packages)
    return Ground((note,), EngineSetup(plan, start=False))
