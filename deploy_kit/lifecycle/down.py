"""``down``: the service goes, volumes, files and keys stay."""

from __future__ import annotations

from deploy_kit.config.request import Request
from deploy_kit.lifecycle.site import state_of
from deploy_kit.plan.steps import Operation
from deploy_kit.progress import Event, EventKind, Reporter
from deploy_kit.run.state import State


def down(request: Request, report: Reporter) -> bool:
    """Stop the stack under whichever target it runs; False when nothing ran.

    Raises:
        Failure: HOST-STACK-BUSY, ENGINE-NAME-TAKEN, or what the engine says.
    """
    state = state_of(request)
    with state.lock():
        report(Event(EventKind.STEP, Operation.STOP_SERVICE.value, state.name))
        stopped = stop_all(state, report)
        report(Event(EventKind.DONE, Operation.STOP_SERVICE.value, state.name))
    return stopped


def stop_all(state: State, report: Reporter) -> bool:
    """Stop the container and the process of this stack, whichever exists."""
    from deploy_kit import proc
    from deploy_kit.run import compose, local

    stack = state.stack()
    stopped = local.stop(state, stack, report)
    if proc.which("docker"):
        try:
            stopped = compose.stop(state.name, state, stack, report) or stopped
        except proc.CommandError as error:
            if not stopped:
                raise _no_engine(error) from None
    return stopped


def _no_engine(error: Exception) -> Exception:
    from deploy_kit.errors import fail

    return fail("ENGINE-UNREACHABLE-NOW", "docker", reason=error)
