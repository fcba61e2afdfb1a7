"""helm, major versions 3 and 4: what installs the chart."""

from __future__ import annotations

from deploy_kit import proc

QUICK = 20.0
"""Seconds after which a question counts as not answered."""


def argv(
    *args: str, kubeconfig: str | None = None, context: str | None = None, namespace: str | None = None
) -> tuple[str, ...]:
    """The command line of ``helm ARGS`` on a cluster; None leaves a choice to what Helm finds by itself."""
    place = ("--kubeconfig", kubeconfig) if kubeconfig else ()
    where = ("--kube-context", context) if context else ()
    within = ("--namespace", namespace) if namespace else ()
    return ("helm", *args, *place, *where, *within)


def call(
    *args: str,
    kubeconfig: str | None = None,
    context: str | None = None,
    namespace: str | None = None,
    timeout: float = QUICK,
    check: bool = True,
    run: proc.Runner = proc.run,
) -> proc.Completed:
    """Run ``helm ARGS`` on a cluster; raises what `proc.run` raises."""
    line = argv(*args, kubeconfig=kubeconfig, context=context, namespace=namespace)
    return run(line, timeout=timeout, check=check)
