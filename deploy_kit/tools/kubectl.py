"""kubectl: the client of a Kubernetes cluster, asked for JSON. Secrets never stand in its arguments."""

from __future__ import annotations

from collections.abc import Mapping

from deploy_kit import proc

QUICK = 10.0
"""Seconds that a server may take for one answer."""
_GRACE = 3.0
"""So much longer may the program take: a credential plug-in runs before it asks."""

ENVIRONMENT: Mapping[str, str | None] = {"KUBECTL_KUBERC": "false"}
"""The user's own defaults for options (kuberc) would be added to ours: some clash with them, some change them."""


def argv(
    *args: str, kubeconfig: str | None = None, context: str | None = None, timeout: float | None = None
) -> tuple[str, ...]:
    """The command line of ``kubectl ARGS`` on a cluster.

    Args:
        kubeconfig: A file to use instead of what kubectl finds by itself.
        context: One of its contexts, instead of the current one.
        timeout: Seconds that the server may take for an answer.
    """
    place = ("--kubeconfig", kubeconfig) if kubeconfig else ()
    where = ("--context", context) if context else ()
    until = (f"--request-timeout={timeout:g}s",) if timeout is not None else ()
    return ("kubectl", *place, *where, *until, *args)


def call(
    *args: str,
    kubeconfig: str | None = None,
    context: str | None = None,
    timeout: float = QUICK,
    check: bool = True,
    input: str | None = None,
    run: proc.Runner = proc.run,
) -> proc.Completed:
    """Run ``kubectl ARGS`` on a cluster; raises what `proc.run` raises.

    Args:
        timeout: Seconds that the server may take for an answer; the program itself gets a little longer.
        run: What runs it.
    """
    line = argv(*args, kubeconfig=kubeconfig, context=context, timeout=timeout)
    return run(line, timeout=timeout + _GRACE, input=input, env=ENVIRONMENT, check=check)
