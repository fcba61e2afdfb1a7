"""From a wish and a verdict to a stack. Pure."""

from __future__ import annotations

from deploy_kit.config.request import Request
from deploy_kit.plan.stack import PORT, SCHEMA, Image, Limits, Mount, MountKind, Probe, Stack, Target

IMAGE_UID = 10001
"""The user that the image runs as when the caller is root (group 0, as every other UID)."""

_TMP_BYTES = 256 * 1024 * 1024
_STOP_MARGIN_SECONDS = 10.0


def resolve(
    request: Request,
    *,
    variant: str,
    device: str,
    inputs: str,
    uid: int,
    folders: tuple[str, str],
    secret_version: str | None,
) -> Stack:
    """The stack that serves this request.

    Args:
        variant: The image variant of the verdict.
        device: The device of the verdict.
        inputs: sha256 over everything the image (or, locally, the payload) is made of.
        uid: The calling user; root's services run as `IMAGE_UID` in a container.
        folders: cache_hub and outputs on this host, for `Target.LOCAL`.
        secret_version: The version of the API key in force, None without one.
    """
    target = Target(request.target)
    in_container = target is not Target.LOCAL
    listen = f"0.0.0.0:{PORT}" if in_container else str(request.listen)
    settings = dict(request.service) | {"TTS_ENGINE": request.engine, "TTS_VARIANT": variant, "TTS_LISTEN": listen}
    return Stack(
        schema=SCHEMA,
        name=request.name,
        target=target,
        engine=request.engine,
        device=device,
        image=Image(variant, f"deploykit/{variant}:{inputs[:12]}", inputs, request.build.base),
        listen=request.listen,
        user=IMAGE_UID if in_container and uid == 0 else uid,
        mounts=_container_mounts(request) if in_container else _local_mounts(request, folders),
        limits=Limits(request.memory or 1 << 30, request.pids or 256, request.cpus),
        probe=Probe(),
        settings=tuple(sorted(settings.items())),
        stop_grace_seconds=request.drain_seconds + _STOP_MARGIN_SECONDS,
        secret_version=secret_version,
    )


def _container_mounts(request: Request) -> tuple[Mount, ...]:
    if request.cache_path is None:
        cache = Mount(MountKind.VOLUME, request.cache_volume, "/cache_hub", external=True)
    else:
        cache = Mount(MountKind.BIND, request.cache_path, "/cache_hub")
    outputs = Mount(MountKind.VOLUME, f"{request.name}_outputs", "/outputs")
    return (cache, outputs, Mount(MountKind.TMPFS, "", "/tmp", size=_TMP_BYTES))  # noqa: S108 - inside the container


def _local_mounts(request: Request, folders: tuple[str, str]) -> tuple[Mount, ...]:
    cache, outputs = folders
    return (
        Mount(MountKind.BIND, request.cache_path or cache, "TTS_CACHE_HUB"),
        Mount(MountKind.BIND, outputs, "TTS_OUTPUTS"),
    )
