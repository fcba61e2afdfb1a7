"""Facts and findings of a host, without changing it."""

from __future__ import annotations

from dataclasses import replace

from deploy_kit import compat, detect
from deploy_kit.config.request import Request
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import places
from deploy_kit.lifecycle.site import holds, running, state_of


def observe(request: Request) -> HostFacts:
    """Look at this host."""
    state = state_of(request)
    disks = {"engine": "/var/lib/docker", "state": str(state.folder)}
    return detect.observe(detect.here(), listen=request.listen, places=disks)


def wish(request: Request, *, built: bool = False) -> compat.Wish:
    """What the request asks of a host; what is ``built`` already needs no more room."""
    return compat.Wish(
        engine=request.engine,
        device=request.device,
        variant=request.variant,
        target=request.target,
        listen_host=request.listen.host,
        listen_port=request.listen.port,
        memory_bytes=request.memory or 1 << 30,
        build_bytes=0 if built else compat.build_bytes(request.variant, request.target),
    )


def examine(request: Request, facts: HostFacts | None = None) -> tuple[HostFacts, compat.Verdict]:
    """The facts of this host (or the saved ones) and what they allow."""
    if facts is not None:
        return facts, compat.judge(facts, wish(request), port_is_ours=False)
    facts = observe(request)
    state = state_of(request)
    found = running(state)
    ours = holds(found, state.stack(), request.listen)
    return facts, judge(request, facts, built=found.target() is not None, port_is_ours=ours)


def judge(request: Request, facts: HostFacts, *, built: bool, port_is_ours: bool) -> compat.Verdict:
    """What this host allows, the folders that the user named included: facts files know nothing of those."""
    verdict = compat.judge(facts, wish(request, built=built), port_is_ours=port_is_ours)
    return replace(verdict, findings=(*places.findings(request), *verdict.findings))
