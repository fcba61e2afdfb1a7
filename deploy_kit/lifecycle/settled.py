"""The short way through ``up``: when nothing changed, two looks show it, and no judgement is needed.

Nothing is started, so nothing needs to be checked first; a restart of service, engine or host ends this way by itself,
because the start that was proved is another one then.
"""

from __future__ import annotations

from deploy_kit import proc
from deploy_kit.client import Client
from deploy_kit.config.request import Request
from deploy_kit.lifecycle.access import key_for
from deploy_kit.lifecycle.outcome import Outcome, outcome
from deploy_kit.lifecycle.site import stack_for, state_of
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.run.state import State


def settled(request: Request) -> Outcome | None:
    """The outcome if the service runs exactly as asked for, is ready, and this start of it was proved; else None.

    Raises:
        Failure: CONFIG-KEY-FILE, ENGINE-NAME-TAKEN.
    """
    state = state_of(request)
    previous = state.stack()
    if previous is None:
        return None
    key = key_for(request, state)
    variant = previous.image.variant if request.variant == "auto" else request.variant
    device = previous.device if request.device == "auto" else request.device
    stack = stack_for(request, variant, device, state, key)
    if stack != previous or (key is not None and (key.new or key.version != state.key_version())):
        return None
    try:
        if not _runs(stack, state):
            return None
    except proc.CommandError:  # the engine is away: the long way says why
        return None
    reply = Client(stack.listen).ready()
    return outcome(stack) if reply is not None and reply.status == 200 else None


def _runs(stack: Stack, state: State) -> bool:
    if stack.target is Target.LOCAL:
        from deploy_kit.run import local

        return local.settled(stack, state)
    from deploy_kit.run import compose

    return compose.settled(stack, state)
