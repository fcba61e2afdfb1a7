"""Facts and findings of a host, without changing it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_kit import compat, detect
from deploy_kit.compat import cards, needs
from deploy_kit.config.request import Request
from deploy_kit.data import table
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import places
from deploy_kit.lifecycle.site import state_of

if TYPE_CHECKING:
    from deploy_kit.detect.site.destinations import Wanted


def observe(request: Request, *, network: bool = False) -> HostFacts:
    """Look at this host.

    Args:
        network: Ask the places in the network, too, that a deployment fetches from.
    """
    state = state_of(request)
    disks = {"engine": "/var/lib/docker", "state": str(state.folder)}
    if request.cache_path is not None and request.engine != needs.BUILT_IN:
        disks["cache"] = request.cache_path
    return detect.observe(
        detect.here(),
        listen=request.listen,
        places=disks,
        driver=request.device != "cpu",
        network=_wanted(request) if network else False,
    )


def _wanted(request: Request) -> Wanted:
    from deploy_kit.detect.site.destinations import Wanted

    return Wanted.of(request)


def wish(request: Request, *, built: bool = False, stored: bool = False) -> compat.Wish:
    """What the request asks of a host.

    Args:
        built: The image (or the local environment) is there and needs no more room.
        stored: So is the store of the weights: what it lacks is for whoever fetches to judge.

    Raises:
        Failure: CONFIG-MATRIX.
    """
    service = dict(request.service)
    return compat.Wish(
        engine=request.engine,
        device=request.device,
        variant=request.variant,
        target=request.target,
        listen_host=request.listen.host,
        listen_port=request.listen.port,
        memory_bytes=request.memory or 0,
        build_bytes=0 if built else compat.build_bytes(request.variant, request.target),
        gpus=request.gpus,
        workers=int(service.get("TTS_WORKERS", "0")),
        emotion_text=service.get("TTS_EMOTION_TEXT", "auto"),
        weights_bytes=0 if stored else needs.weights_bytes(request.engine),
        unlocked=unlocked(),
        matrix=None if request.matrix is None else cards.matrix(json.loads(request.matrix)),
    )


def unlocked() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The variants that cannot be built from this copy, each with the command that would change it."""
    from deploy_kit.builder import payload

    variants = table("matrix")["variants"]
    return tuple((name, payload.lock_command(name)) for name in variants if payload.own_lock(name) is None)


def examine(
    request: Request, facts: HostFacts | None = None, *, network: bool = False
) -> tuple[HostFacts, compat.Verdict]:
    """The facts of this host (or the saved ones) and what they allow: just what `up` would find.

    What keeps `up` from making a plan at all is a finding as well.
    """
    if facts is not None:
        return facts, compat.judge(facts, wish(request), port_is_ours=False)
    from deploy_kit.lifecycle import up

    try:
        prepared = up.prepare(request, network=network)
    except Failure as failure:
        facts, verdict = _regardless(request, network=network)
        known = {finding.code for finding in verdict.findings}
        more = tuple(one for one in (failure.finding, *failure.more) if one.code not in known)
        return facts, replace(verdict, findings=(*more, *verdict.findings))
    return prepared.facts, prepared.verdict


def _regardless(request: Request, *, network: bool) -> tuple[HostFacts, compat.Verdict]:
    """The judgement without the secrets that cannot be read; without knowing what is there when not even that helps."""
    from deploy_kit.lifecycle import up

    plain = replace(request, api_key_file=None, weights=replace(request.weights, token_file=None))
    if plain != request:
        with contextlib.suppress(Failure):
            prepared = up.prepare(plain, network=network)
            return prepared.facts, prepared.verdict
    facts = observe(request, network=network)
    return facts, judge(request, facts, built=False, port_is_ours=False)


def judge(
    request: Request, facts: HostFacts, *, built: bool, port_is_ours: bool, stored: bool = False
) -> compat.Verdict:
    """What this host allows, the folders that the user named included: facts files know nothing of those."""
    asked = replace(wish(request, built=built, stored=stored), source_here=_source_here(request))
    verdict = compat.judge(facts, asked, port_is_ours=port_is_ours)
    return replace(verdict, findings=(*places.findings(request), *verdict.findings))


def _source_here(request: Request) -> bool:
    from deploy_kit.builder import engine_source

    return request.engine != needs.BUILT_IN and engine_source.at_hand(request.build.engine_source)
