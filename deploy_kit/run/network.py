"""What the service needs of its site to fetch weights: proxies, trusted certificates, the hub's address.

They change without the stack changing and may hold passwords, so they stand in a folder of their own that the service
reads when it fetches: no label, no environment and no digest knows them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from deploy_kit.config.request import Request
from deploy_kit.facts import SiteFacts
from deploy_kit.plan.stack import Stack
from deploy_kit.run.state import State

_HUB = "HF_ENDPOINT"


def save(request: Request, facts: SiteFacts, stack: Stack, state: State, *, shared_with_group: bool) -> None:
    """Write the folder anew for a stack that reads it.

    Raises:
        Failure: BUILD-CA-UNREADABLE, HOST-STATE-UNWRITABLE.
    """
    if all(mount.source != str(state.site) for mount in stack.mounts):
        return
    from deploy_kit.builder import site

    variables = site.proxy_environment(facts)
    if endpoint := os.environ.get(_HUB):
        variables[_HUB] = endpoint
    bundle = site.ca_bundle(request.build, facts)
    authorities = Path(bundle).read_bytes() if bundle is not None else None
    state.save_site(json.dumps(variables), authorities, shared_with_group=shared_with_group)
