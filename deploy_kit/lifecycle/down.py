"""``down``: the service goes, volumes, files and keys stay."""

from __future__ import annotations

from deploy_kit import proc
from deploy_kit.config.request import Request
from deploy_kit.errors import fail
from deploy_kit.lifecycle.site import running, state_of, surely_running
from deploy_kit.plan.stack import Target
from deploy_kit.plan.steps import Operation
from deploy_kit.progress import Event, EventKind, Reporter
from deploy_kit.run.state import State


def down(request: Request, report: Reporter) -> bool:
    """Stop the stack under whichever target it runs; False when nothing ran.

    Raises:
        Failure: HOST-STACK-BUSY, ENGINE-NAME-TAKEN, ENGINE-UNREACHABLE-NOW, ENGINE-COMPOSE-FAILED.
    """
    state = state_of(request)
    if surely_running(state).target() is None:
        return False
    with state.lock():
        report(Event(EventKind.STEP, Operation.STOP_SERVICE.value, state.name))
        for target in Target:
            stop(target, state, report)
        report(Event(EventKind.DONE, Operation.STOP_SERVICE.value, state.name))
    return True


def stop(target: Target, state: State, report: Reporter) -> bool:
    """Stop what runs of this stack under one target; False when nothing did.

    Raises:
        Failure: ENGINE-NAME-TAKEN, ENGINE-COMPOSE-FAILED.
    """
    from deploy_kit.run import compose, local

    stack = state.stack()
    if target is Target.LOCAL:
        return local.stop(state, stack, report)
    if running(state).container is None:
        return False
    try:
        return compose.stop(state.name, state, stack, report)
    except proc.CommandError as error:
        raise fail("ENGINE-COMPOSE-FAILED", state.name, reason=error) from None
