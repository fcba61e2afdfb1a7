"""From a stack and what is there to ordered steps, each with its cause. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy_kit import codec
from deploy_kit.findings import Message
from deploy_kit.plan.observed import Observed, ServiceState, lasting
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.plan.steps import Operation, Step


def reconcile(stack: Stack, observed: Observed, *, environment: str | None = None) -> tuple[Step, ...]:
    """The steps that are still needed, in order; empty when there is nothing to do.

    Args:
        environment: The lock digest that the server's environment should have (`Target.LOCAL`).
    """
    preparation = (*_host(observed), *_parts(stack, observed, environment), *_storage(stack, observed))
    return (*preparation, *_service(stack, observed, rebuilt=_rebuilds(preparation)))


def _step(operation: Operation, subject: str, cause: str, /, *, interrupts: bool = False, **args: object) -> Step:
    return Step(operation, subject, Message.of(f"plan.{cause}", **args), interrupts)


def _host(observed: Observed) -> Iterator[Step]:
    if observed.packages:
        yield _step(Operation.INSTALL_PACKAGES, " ".join(observed.packages), "packages-missing")
    if not observed.engine_up:
        yield _step(Operation.START_ENGINE, "docker", "engine-down")


def _parts(stack: Stack, observed: Observed, environment: str | None) -> Iterator[Step]:
    if stack.target is Target.LOCAL:
        if observed.environment != environment:
            yield _step(Operation.MAKE_ENVIRONMENT, "server", _missing_or_changed("environment", observed.environment))
        if observed.image != stack.image.inputs:
            yield _step(
                Operation.UNPACK_PAYLOAD, stack.image.inputs[:12], _missing_or_changed("payload", observed.image)
            )
        return
    if observed.image != stack.image.inputs:
        if not observed.base:
            yield _step(Operation.GET_BASE, stack.image.base, "base-missing")
        yield _step(Operation.BUILD_IMAGE, stack.image.reference, _missing_or_changed("image", observed.image))


def _missing_or_changed(what: str, found: str | None) -> str:
    return f"{what}-missing" if found is None else f"{what}-changed"


def _storage(stack: Stack, observed: Observed) -> Iterator[Step]:
    if stack.secret_version is not None and observed.secret != stack.secret_version:
        yield _step(Operation.MAKE_SECRET, "api_key", _missing_or_changed("secret", observed.secret))
    if stack.token_version is not None and observed.token != stack.token_version:
        yield _step(Operation.MAKE_SECRET, "hub_token", "token-changed")
    for source in lasting(stack):
        if source not in observed.volumes:
            yield _step(Operation.CREATE_VOLUME, source, "volume-missing")
    if observed.files != stack.digest:
        yield _step(Operation.WRITE_FILES, stack.name, _missing_or_changed("files", observed.files))


def _rebuilds(steps: tuple[Step, ...]) -> bool:
    return any(
        step.operation in (Operation.BUILD_IMAGE, Operation.UNPACK_PAYLOAD, Operation.MAKE_ENVIRONMENT)
        for step in steps
    )


def _service(stack: Stack, observed: Observed, *, rebuilt: bool) -> Iterator[Step]:
    cause = _start_cause(stack, observed, rebuilt=rebuilt)
    service = observed.service
    if observed.elsewhere is not None:
        yield _step(Operation.STOP_SERVICE, observed.elsewhere.value, "target-changed", interrupts=True)
    if cause is not None:
        running = service is not None and service.state is not ServiceState.STOPPED
        if running and stack.target is Target.LOCAL:
            yield Step(Operation.STOP_SERVICE, stack.target.value, cause, interrupts=True)
        yield Step(Operation.START_SERVICE, stack.name, cause, interrupts=running)
    if cause is not None or not observed.ready:
        yield _step(Operation.WAIT_READY, stack.name, "not-ready" if cause is None else "just-started")
    if cause is not None or not (observed.ready and observed.proved):
        yield _step(Operation.PROVE, stack.name, "not-proved")


def _start_cause(stack: Stack, observed: Observed, *, rebuilt: bool) -> Message | None:
    service = observed.service
    if service is None:
        return Message.of("plan.service-missing")
    if service.stack != stack.digest:
        changed = differences(observed.previous, stack)
        return (
            Message.of("plan.service-changed", fields=", ".join(changed))
            if changed
            else Message.of("plan.service-other")
        )
    if rebuilt or service.inputs != stack.image.inputs:
        return Message.of("plan.image-rebuilt")
    if service.state is ServiceState.STOPPED:
        return Message.of("plan.service-stopped")
    if service.state is ServiceState.RESTARTING and not observed.ready:
        return Message.of("plan.service-crashing")
    return None


def differences(old: Stack | None, new: Stack) -> tuple[str, ...]:
    """The dotted names of the fields in which two stacks differ; empty without an old one."""
    return tuple(_differing("", codec.to_plain(old), codec.to_plain(new))) if old is not None else ()


def _differing(path: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differing(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif path == "settings" and isinstance(old, list) and isinstance(new, list):
        yield from _differing(path, dict(old), dict(new))
    elif old != new:
        yield path
