"""From a wish and a verdict to a stack. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from deploy_kit.compat import needs
from deploy_kit.compat.verdict import DeviceRequest
from deploy_kit.config.request import Request
from deploy_kit.plan.stack import PORT, SCHEMA, Image, Limits, Mount, MountKind, Probe, Stack, Target

IMAGE_UID = 10001
"""The user that the image runs as when the caller is root (group 0, as every other UID)."""

GPU_VOLUME = "deploykit_gpu"
"""Where stacks of one engine tell each other what they hold of a card."""

_SITE = "/run/deploykit/site"
_GPU_HUB = "/run/deploykit/gpu"
_WEIGHTS = "/weights_source"
_LOCK = "/etc/deploykit/weights.json"
_ARCHIVES = (".tar.gz", ".tar.xz", ".tar.bz2", ".tar", ".tgz", ".zip")
_TMP_BYTES = 256 * 1024 * 1024
_MODEL_TMP_BYTES = 1024 * 1024 * 1024
_STOP_MARGIN_SECONDS = 10.0
_LONGEST_DRAIN_SECONDS = 600.0


def resolve(
    request: Request,
    *,
    variant: str,
    device: str,
    inputs: str,
    uid: int,
    folders: tuple[str, ...],
    secret_version: str | None,
    gpu: DeviceRequest | None = None,
    memory: int = 1 << 30,
    pids: int = 256,
    token_version: str | None = None,
    image: str | None = None,
) -> Stack:
    """The stack that serves this request.

    Args:
        variant: The image variant of the verdict.
        device: The device of the verdict.
        inputs: sha256 over everything the image (or, locally, the payload) is made of.
        uid: The calling user; root's services run as `IMAGE_UID` in a container.
        folders: cache_hub, outputs and the cards' reservations on this host, for `Target.LOCAL`; then the folder of
            what the service's downloads need of the site, for both.
        secret_version: The version of the API key in force, None without one.
        gpu: What the verdict asks a container engine for.
        memory: The limit in bytes where the request leaves it open, ``pids`` likewise.
        token_version: The version of the hub's token, None without one.
        image: The name of the image before its tag, where it is not that of the variant.
    """
    target = Target(request.target)
    in_container = target is not Target.LOCAL
    drain = _drain(request, device)
    settings = dict(request.service) | dict(_settings(request, variant, device, drain, gpu, in_container=in_container))
    return Stack(
        schema=SCHEMA,
        name=request.name,
        target=target,
        engine=request.engine,
        device=device,
        image=Image(variant, f"{image or f'deploykit/{variant}'}:{inputs[:12]}", inputs, request.build.base),
        listen=request.listen,
        user=IMAGE_UID if in_container and uid == 0 else uid,
        mounts=tuple(
            _container_mounts(request, gpu, folders) if in_container else _local_mounts(request, folders, device)
        ),
        limits=Limits(request.memory or memory, request.pids or pids, request.cpus),
        probe=Probe(),
        settings=tuple(sorted(settings.items())),
        stop_grace_seconds=drain + _STOP_MARGIN_SECONDS,
        secret_version=secret_version,
        gpu=gpu if in_container else None,
        token_version=token_version if in_container else None,
    )


def _drain(request: Request, device: str) -> float:
    """How long running sentences get when the service stops: on a CPU a model takes far longer for one."""
    scaled = request.drain_seconds * needs.slowness(request.engine, device)
    return max(request.drain_seconds, min(scaled, _LONGEST_DRAIN_SECONDS))


def _settings(
    request: Request, variant: str, device: str, drain: float, gpu: DeviceRequest | None, *, in_container: bool
) -> Iterator[tuple[str, str]]:
    yield "TTS_ENGINE", request.engine
    yield "TTS_VARIANT", variant
    yield "TTS_LISTEN", f"0.0.0.0:{PORT}" if in_container else str(request.listen)
    yield "TTS_DRAIN_SECONDS", f"{drain:g}"
    if request.engine == needs.BUILT_IN:
        return
    yield "TTS_REGION", request.region
    if request.weights.path is not None:
        yield "TTS_WEIGHTS_SOURCE", _inside(request.weights.path) if in_container else request.weights.path
    if request.weights.lock is not None:
        yield "TTS_WEIGHTS_LOCK", _LOCK if in_container else request.weights.lock
    if not in_container:
        if request.weights.token_file is not None:
            yield "TTS_HUB_TOKEN_FILE", request.weights.token_file
        if request.gpus and device == "cuda":
            yield "CUDA_VISIBLE_DEVICES", ",".join(request.gpus)
    elif gpu is not None:
        yield "TTS_GPUS", visible(gpu)
        yield "TTS_GPU_HUB", _GPU_HUB


def visible(gpu: DeviceRequest) -> str:
    """The cards of a request as NVIDIA's tools read them: ``all``, or what they are called by."""
    names = (name.removeprefix("nvidia.com/gpu=") for name in gpu.devices)
    return ",".join(names) or "all"


def _inside(path: str) -> str:
    """Where a folder or archive of the host is seen in a container; an archive keeps its kind."""
    suffix = next((suffix for suffix in _ARCHIVES if path.lower().endswith(suffix)), "")
    return _WEIGHTS + suffix


def _container_mounts(request: Request, gpu: DeviceRequest | None, folders: tuple[str, ...]) -> Iterator[Mount]:
    if request.cache_path is None:
        yield Mount(MountKind.VOLUME, request.cache_volume, "/cache_hub", external=True)
    else:
        yield Mount(MountKind.BIND, request.cache_path, "/cache_hub")
    yield Mount(MountKind.VOLUME, f"{request.name}_outputs", "/outputs")
    small = request.engine == needs.BUILT_IN
    yield Mount(MountKind.TMPFS, "", "/tmp", size=_TMP_BYTES if small else _MODEL_TMP_BYTES)  # noqa: S108 - inside
    if small:
        return
    if folders[3:]:
        yield Mount(MountKind.BIND, folders[3], _SITE, read_only=True)
    if request.weights.path is not None:
        yield Mount(MountKind.BIND, request.weights.path, _inside(request.weights.path), read_only=True)
    if request.weights.lock is not None:
        yield Mount(MountKind.BIND, request.weights.lock, _LOCK, read_only=True)
    if gpu is not None:
        yield Mount(MountKind.VOLUME, GPU_VOLUME, _GPU_HUB, external=True)


def _local_mounts(request: Request, folders: tuple[str, ...], device: str) -> Iterator[Mount]:
    cache, outputs, *more = folders
    yield Mount(MountKind.BIND, request.cache_path or cache, "TTS_CACHE_HUB")
    yield Mount(MountKind.BIND, outputs, "TTS_OUTPUTS")
    if device == "cuda" and more:
        yield Mount(MountKind.BIND, more[0], "TTS_GPU_HUB")
    if request.engine != needs.BUILT_IN and more[1:]:
        yield Mount(MountKind.BIND, more[1], "TTS_SITE", read_only=True)
