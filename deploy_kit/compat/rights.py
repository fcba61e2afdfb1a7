"""Who may do what here, as far as the facts tell; what is unknown is allowed to be tried."""

from __future__ import annotations

from deploy_kit.facts import PrivilegeFacts


def may_administer(privileges: PrivilegeFacts) -> bool:
    """Root, or sudo is there and not known to refuse us."""
    return privileges.uid.value == 0 or privileges.sudo.value is not False


def may_run_engine(privileges: PrivilegeFacts) -> bool:
    """Whether the kernel would let a container engine run."""
    return privileges.engine_capable.value is not False


def as_root(privileges: PrivilegeFacts, *command: str) -> tuple[str, ...]:
    """A command as this user has to type it."""
    return command if privileges.uid.value == 0 else ("sudo", *command)
