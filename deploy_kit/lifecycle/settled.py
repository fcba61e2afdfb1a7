"""The short way through ``up``: when nothing changed, two looks show it, and no judgement is needed.

Nothing is started, so nothing needs to be checked first; a restart of service, engine or host ends this way by itself,
because the start that was proved is another one then.
"""

from __future__ import annotations

from deploy_kit import proc
from deploy_kit.client import Client
from deploy_kit.compat.needs import BUILT_IN
from deploy_kit.config.request import Request
from deploy_kit.lifecycle import licence, model, offer
from deploy_kit.lifecycle.access import key_for, token_for
from deploy_kit.lifecycle.outcome import Outcome, outcome
from deploy_kit.lifecycle.site import Choice, stack_for, state_of, wish_of
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.run.state import State


def settled(request: Request) -> Outcome | None:
    """The outcome if the service runs exactly as asked for, is ready, and this start of it was proved; else None.

    Raises:
        Failure: CONFIG-KEY-FILE, CONFIG-TOKEN-FILE, ENGINE-NAME-TAKEN.
    """
    state = state_of(request)
    previous = state.stack()
    if previous is None:
        return None
    request = licence.remembered(request, state)
    key, token = key_for(request, state), token_for(request)
    if state.wish() != wish_of(request) or previous.token_version != state.token_version():
        return None
    if request.engine != BUILT_IN and previous.device == "cpu" and request.device == "auto":
        return None  # what kept the card away may have been mended
    stack = stack_for(request, Choice.again(request, previous), state, key, token=token)
    if stack != previous or (key is not None and (key.new or key.version != state.key_version())):
        return None
    try:
        if not _runs(stack, state):
            return None
    except proc.CommandError:  # the engine is away: the long way says why
        return None
    reply = Client(stack.listen).ready()
    if reply is None or reply.status != 200:
        return None
    return outcome(stack, model=model.read(reply.json(), stack.engine), offer=offer.remembered(request, state))


def _runs(stack: Stack, state: State) -> bool:
    if stack.target is Target.LOCAL:
        from deploy_kit.run import local

        return local.settled(stack, state)
    from deploy_kit.run import compose

    return compose.settled(stack, state)
