"""The graphics card of a stack, as a compose file of its own that is laid over the other.

Asked for as a reservation, which every Compose passes on: ``gpus: all`` is ignored without a word by old ones.
"""

from __future__ import annotations

from typing import Any

from deploy_kit.compat.verdict import DeviceRequest, RequestKind
from deploy_kit.plan.resolve import GPU_VOLUME, visible
from deploy_kit.plan.stack import Stack
from deploy_kit.render import compose, yaml_text


def text(stack: Stack) -> str:
    """The overlay of a stack that asks for a card."""
    return yaml_text.emit(document(stack), {"": compose.lines("header-overlay")})


def document(stack: Stack) -> dict[str, Any]:
    """What the overlay says, as plain data."""
    assert stack.gpu is not None
    hub = next(mount for mount in stack.mounts if mount.source == GPU_VOLUME)
    asked = request(stack.gpu)
    service = {
        "environment": compose.environment(stack, gpu=True) | asked.pop("environment", {}),
        "volumes": [compose.mounted(hub)],
        **asked,
    }
    escaped: dict[str, Any] = compose.escape(
        {"services": {compose.SERVICE: service}, "volumes": {GPU_VOLUME: compose.volume(hub)}}
    )
    return escaped


def request(gpu: DeviceRequest) -> dict[str, Any]:
    """The part of the service that asks for the card, in the form that the engine understands."""
    shown = {"environment": {"NVIDIA_VISIBLE_DEVICES": visible(gpu)}}
    if gpu.kind is RequestKind.RUNTIME:
        return shown | {"runtime": "nvidia"}
    if gpu.kind is RequestKind.CDI:  # here the variable stays void, so that no hook acts a second time
        return _reserved({"driver": "cdi", "device_ids": list(gpu.devices)})
    which: dict[str, Any] = {"device_ids": list(gpu.devices)} if gpu.devices else {"count": "all"}
    return shown | _reserved({"driver": "nvidia", **which})


def _reserved(device: dict[str, Any]) -> dict[str, Any]:
    devices = [device | {"capabilities": ["gpu"]}]
    return {"deploy": {"resources": {"reservations": {"devices": devices}}}}


def manual_text(gpu: DeviceRequest) -> str:
    """The committed overlay for this form: the volume is made by compose where ``up`` has not made it."""
    header = "header-overlay-cdi" if gpu.kind is RequestKind.CDI else "header-overlay-manual"
    return yaml_text.emit(manual_document(gpu), {"": compose.lines(header)})


def manual_document(gpu: DeviceRequest) -> dict[str, Any]:
    """As `document`, without a stack."""
    asked = request(gpu)
    hub = "/run/deploykit/gpu"
    service = {
        "environment": {"TTS_GPUS": visible(gpu), "TTS_GPU_HUB": hub} | asked.pop("environment", {}),
        "volumes": [{"type": "volume", "source": GPU_VOLUME, "target": hub}],
        **asked,
    }
    return {"services": {compose.SERVICE: service}, "volumes": {GPU_VOLUME: {"name": GPU_VOLUME}}}
