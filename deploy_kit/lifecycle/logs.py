"""``logs``: what the service wrote."""

from __future__ import annotations

from deploy_kit.config.request import Request
from deploy_kit.errors import fail
from deploy_kit.lifecycle.site import running, state_of
from deploy_kit.plan.stack import Target


def follow(request: Request, *, follow: bool, tail: int) -> None:
    """Become the program that shows the log; does not return.

    Raises:
        Failure: HEALTH-NOT-RUNNING, when there is no log.
    """
    from deploy_kit.run import compose, local

    state = state_of(request)
    target = running(state).target()
    stack = state.stack()
    if target is Target.COMPOSE:
        compose.logs(state.name, follow=follow, tail=tail)
    elif target is Target.LOCAL or (stack is not None and stack.target is Target.LOCAL):
        local.logs(state, follow=follow, lines=tail)
    else:
        raise fail("HEALTH-NOT-RUNNING", state.name)
