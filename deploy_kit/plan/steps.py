"""The steps that lead from what is there to what a stack asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from deploy_kit.findings import Message


class Operation(str, Enum):
    """What a step does; a target implements those it needs. The order here is the order of execution."""

    INSTALL_PACKAGES = "install-packages"
    START_ENGINE = "start-engine"
    GET_BASE = "get-base"
    BUILD_IMAGE = "build-image"
    MAKE_ENVIRONMENT = "make-environment"
    UNPACK_PAYLOAD = "unpack-payload"
    MAKE_SECRET = "make-secret"  # noqa: S105 - a step, not a secret
    CREATE_VOLUME = "create-volume"
    WRITE_FILES = "write-files"
    STOP_SERVICE = "stop-service"
    START_SERVICE = "start-service"
    WAIT_READY = "wait-ready"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on one subject, why it is needed, and whether it interrupts a running service."""

    operation: Operation
    subject: str
    cause: Message
    interrupts: bool = False
