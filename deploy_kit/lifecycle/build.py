"""``build``: the base image and the image of a stack, as steps of ``up`` or alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_kit.config.request import BuildSettings, Request
from deploy_kit.errors import fail
from deploy_kit.facts import HostFacts
from deploy_kit.plan.stack import Target
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.progress import Reporter
from deploy_kit.run.job import Consent, Job
from deploy_kit.tools import docker
from deploy_kit.tools.docker import ImageInfo

if TYPE_CHECKING:
    from deploy_kit.builder.base import Base
    from deploy_kit.lifecycle.up import Prepared


def apply(step: Step, job: Job) -> None:
    """Carry out GET_BASE or BUILD_IMAGE.

    Raises:
        Failure: BASE-… or BUILD-…
    """
    if step.operation is Operation.GET_BASE:
        _base(job, job.report)
    else:
        image(job)


def describe(reference: str) -> str:
    """The bill of materials of a built image, as CycloneDX JSON.

    Raises:
        Failure: BUILD-SBOM-FAILED.
    """
    from deploy_kit.builder import sbom

    return sbom.describe(reference)


_ELSEWHERE = ("HOST-PORT", "HOST-MEMORY")
"""Findings about running the service; they do not stand in the way of building its image."""


def alone(prepared: Prepared, request: Request, report: Reporter, consent: Consent) -> ImageInfo:
    """Build the image without starting it, installing and starting the container engine first where that is needed.

    Raises:
        Failure: BUILD-NO-IMAGE for target local, a finding that blocks the build, or BASE-…, BUILD-…
    """
    from deploy_kit.lifecycle import explain, up
    from deploy_kit.lifecycle.perform import perform

    if prepared.stack.target is Target.LOCAL:
        raise fail("BUILD-NO-IMAGE", prepared.stack.name)
    with prepared.state.lock():
        prepared = up.ready_host(request, report, consent, ignore=_ELSEWHERE)
        job = up.job(prepared, request, report, consent)
        with explain.failures(prepared.state, prepared.facts):
            for step in prepared.steps:
                if step.operation in (Operation.GET_BASE, Operation.BUILD_IMAGE):
                    perform(step, job)
        built = docker.image(prepared.stack.image.reference)
    assert built is not None
    return built


def image(job: Job) -> ImageInfo:
    """Build the stack's image from its base."""
    from deploy_kit.builder import image as builder

    base = _base(job, lambda _: None)  # whoever had to get it said so then
    return builder.build(job.stack.image, base, _settings(job), job.facts.site, job.report)


def base_is_here(request: Request, facts: HostFacts) -> bool:
    """Whether a base image for this request is in the local store, under its own name, a mirror's or ours."""
    from deploy_kit.builder import base, region

    return base.local(region.with_preset(request.build, request.region, facts.site), facts) is not None


def _base(job: Job, report: Reporter) -> Base:
    from deploy_kit.builder import base

    return base.acquire(_settings(job), job.facts, report, consent=job.consent)


def _settings(job: Job) -> BuildSettings:
    """The user's settings, with the mirrors of the region where they leave something open."""
    from deploy_kit.builder import region

    return region.with_preset(job.request.build, job.request.region, job.facts.site)
