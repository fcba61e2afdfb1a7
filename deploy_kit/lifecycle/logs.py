"""``logs``: what the service wrote, and what that means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_kit import proc
from deploy_kit.config.request import Request
from deploy_kit.errors import fail
from deploy_kit.lifecycle.site import running, state_of, surely_running
from deploy_kit.plan.stack import Target
from deploy_kit.run.state import State

if TYPE_CHECKING:
    from deploy_kit.diagnose import Match


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


def diagnosed(request: Request, *, lines: int) -> tuple[Match, ...]:
    """What the last lines of the log, and the service's end, amount to; the root first.

    Raises:
        Failure: HEALTH-NOT-RUNNING, when there is no log; ENGINE-UNREACHABLE-NOW, ENGINE-NAME-TAKEN.
    """
    from deploy_kit.lifecycle import explain

    state = state_of(request)
    found = surely_running(state)
    if found.container is None and not local_log(state):
        raise fail("HEALTH-NOT-RUNNING", state.name)
    try:
        return explain.service(state, lines=lines, family=explain.family_here(), found=found)
    except proc.CommandError as error:
        raise fail("ENGINE-UNREACHABLE-NOW", "docker", reason=error) from None


def local_log(state: State) -> bool:
    """Whether target local has written a log."""
    from deploy_kit.run import local

    return bool(local.tail(state, 1))
