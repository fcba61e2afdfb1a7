"""How ``up`` ended."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.client import Client, Proof
from deploy_kit.findings import Finding
from deploy_kit.lifecycle import access
from deploy_kit.lifecycle.model import ModelStatus
from deploy_kit.lifecycle.offer import Offer
from deploy_kit.plan.stack import Stack


@dataclass(frozen=True, slots=True)
class Outcome:
    """What runs now and what it took.

    ``timings`` are (operation, seconds); ``image_bytes`` the engine's figure for a fresh image; ``proof`` is None when
    nothing had to be proved; ``key`` is a newly made API key, to be shown once; ``firewall`` the commands that narrow
    a port which other machines can reach; ``model`` what the engine beside the built-in voice is doing; ``offer`` the
    engine that could be brought here and what that costs, where none was chosen.
    """

    changed: bool
    url: str
    variant: str
    device: str
    engine: str
    target: str
    image: str
    image_bytes: int | None
    timings: tuple[tuple[str, float], ...]
    proof: Proof | None
    findings: tuple[Finding, ...]
    key: str | None
    firewall: tuple[tuple[str, ...], ...]
    model: ModelStatus | None = None
    offer: Offer | None = None


def outcome(
    stack: Stack,
    *,
    timings: tuple[tuple[str, float], ...] = (),
    proof: Proof | None = None,
    findings: tuple[Finding, ...] = (),
    key: access.Key | None = None,
    image_bytes: int | None = None,
    model: ModelStatus | None = None,
    offer: Offer | None = None,
    changed: bool | None = None,
) -> Outcome:
    """The outcome of an ``up`` that ended with this stack; without timings nothing had to be done."""
    return Outcome(
        changed=bool(timings) if changed is None else changed,
        url=Client(stack.listen).url,
        variant=stack.image.variant,
        device=stack.device,
        engine=stack.engine,
        target=stack.target.value,
        image=stack.image.reference,
        image_bytes=image_bytes,
        timings=timings,
        proof=proof,
        findings=findings,
        key=key.value if key is not None and key.new else None,
        firewall=access.firewall(stack),
        model=model,
        offer=offer,
    )
