"""``build``: the base image and the image of a stack, as steps of ``up`` or alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_kit.plan.steps import Operation, Step
from deploy_kit.run.job import Job
from deploy_kit.tools.docker import ImageInfo

if TYPE_CHECKING:
    from deploy_kit.builder.base import Base


def apply(step: Step, job: Job) -> None:
    """Carry out GET_BASE or BUILD_IMAGE.

    Raises:
        Failure: BASE-… or BUILD-…
    """
    if step.operation is Operation.GET_BASE:
        _base(job)
    else:
        image(job)


def image(job: Job) -> ImageInfo:
    """Build the stack's image from its base."""
    from deploy_kit.builder import image as builder

    return builder.build(job.stack.image, _base(job), job.request.build, job.facts.site, job.report)


def _base(job: Job) -> Base:
    from deploy_kit.builder import base

    return base.acquire(job.request.build, job.facts, job.report, consent=job.consent)
