"""``status``: what runs, where, and whether it can speak. One look at the engine and one at the service."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.config.request import Request
from deploy_kit.lifecycle.site import client, state_of, surely_running
from deploy_kit.plan.stack import Target


@dataclass(frozen=True, slots=True)
class Status:
    """``state`` is ``running``, ``restarting``, ``stopped`` or ``absent``; ``ready`` what ``/readyz`` says, with its
    ``detail`` (device, engines …); ``since`` the time of the start as the target tells it."""

    name: str
    target: str | None
    state: str
    ready: bool
    url: str
    variant: str | None
    device: str | None
    engine: str | None
    image: str | None
    since: str | None
    detail: dict[str, object]


def status(request: Request) -> Status:
    """Look at the stack that this request names.

    Raises:
        Failure: ENGINE-NAME-TAKEN, ENGINE-UNREACHABLE-NOW.
    """
    state = state_of(request)
    found, stack = surely_running(state), state.stack()
    speaker = client(state, request)
    target = found.target()
    word = "absent"
    if target is Target.LOCAL:
        word = "running"
    elif found.container is not None:
        word = found.container.status if found.container.status in ("running", "restarting") else "stopped"
    reply = speaker.ready() if word == "running" else None
    detail = reply.json() if reply is not None else {}
    return Status(
        name=state.name,
        target=target.value if target is not None else None,
        state=word,
        ready=reply is not None and reply.status == 200,
        url=speaker.url,
        variant=stack.image.variant if stack is not None else None,
        device=str(detail["device"]) if "device" in detail else (stack.device if stack is not None else None),
        engine=stack.engine if stack is not None else None,
        image=stack.image.reference if stack is not None and target is Target.COMPOSE else None,
        since=(found.container.started_at or None)
        if target is Target.COMPOSE and found.container is not None
        else None,
        detail=detail,
    )
