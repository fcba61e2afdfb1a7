"""From a stack to the text of files, and from files on disk to drift. Nothing here acts."""

from __future__ import annotations

from deploy_kit.plan.stack import Stack, Target

OVERLAY = "compose.gpu.yaml"
"""The file beside the stack's own that asks for the graphics card."""


def files(stack: Stack, *, secret_file: str | None = None, token_file: str | None = None) -> dict[str, str]:
    """The files of a stack: relative path to text. Only `Target.COMPOSE` has any.

    Args:
        secret_file: Path of the API key on the host, for stacks that have one.
        token_file: Path of the hub's token on the host, for stacks that have one.
    """
    if stack.target is not Target.COMPOSE:
        return {}
    from deploy_kit.render import compose

    found = {"compose.yaml": compose.text(stack, secret_file=secret_file, token_file=token_file)}
    if stack.gpu is not None:
        from deploy_kit.render import overlay

        found[OVERLAY] = overlay.text(stack)
    return found


def committed() -> dict[str, str]:
    """The rendered files of the repository: path from its root to text."""
    from deploy_kit.render import deliverables

    return deliverables.files()
