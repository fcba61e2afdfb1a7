"""A stack as a compose file: the one that ``up`` writes, and the one a person starts by hand from a checkout."""

from __future__ import annotations

from typing import Any

from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.plan.resolve import GPU_VOLUME
from deploy_kit.plan.stack import PORT, Mount, MountKind, Stack
from deploy_kit.render import manual_model, yaml_text

SERVICE = "tts"
_PORTS = f"services.{SERVICE}.ports"
PROBE_COMMAND = ("/opt/deploykit/server/bin/python", "-I", "-S", "/opt/deploykit/app/tts_server/probe.py")
_SECRET_TARGET = "/run/secrets/api_key"  # noqa: S105 - a path, not a secret
_TOKEN_TARGET = "/run/secrets/hub_token"  # noqa: S105 - a path, not a secret
_GPU_SETTINGS = ("TTS_GPUS", "TTS_GPU_HUB")
BUILT_IN = "espeak"


def text(stack: Stack, *, secret_file: str | None = None, token_file: str | None = None) -> str:
    """The compose file of a stack.

    Args:
        secret_file: Path of the API key on the host; needed when the stack has a secret version.
        token_file: Path of the hub's token on the host; needed when the stack has a token version.
    """
    reach = "ports-loopback" if stack.listen.loopback else "ports-wide"
    what = document(stack, secret_file=secret_file, token_file=token_file)
    return yaml_text.emit(what, comments("header-up") | about(stack) | {_PORTS: lines(reach)})


def document(stack: Stack, *, secret_file: str | None = None, token_file: str | None = None) -> dict[str, Any]:
    """What the compose file says, as plain data. Every ``$`` is doubled, so compose replaces nothing.

    It asks for no graphics card: that stands in the overlay.
    """
    service = _service(stack)
    volumes = {mount.source: volume(mount) for mount in _mounts(stack) if mount.kind is MountKind.VOLUME}
    result: dict[str, Any] = {"name": stack.name, "services": {SERVICE: service}, "volumes": volumes}
    secrets = (
        ("api_key", "TTS_API_KEY_FILE", _SECRET_TARGET, stack.secret_version, secret_file),
        ("hub_token", "TTS_HUB_TOKEN_FILE", _TOKEN_TARGET, stack.token_version, token_file),
    )
    for name, variable, target, version, file in secrets:
        if version is not None:
            service.setdefault("secrets", []).append({"source": name, "target": target})
            service["environment"][variable] = target
            result.setdefault("secrets", {})[name] = {"file": file}
    escaped: dict[str, Any] = escape(result)
    return escaped


def about(stack: Stack) -> dict[str, tuple[str, ...]]:
    """The comments that depend on what the service is."""
    if stack.engine == BUILT_IN:
        return {}
    return {f"services.{SERVICE}.mem_limit": lines("memory-model")}


def manual_text(stack: Stack) -> str:
    """The committed compose file: builds the image from the checkout, keeps cache_hub in a folder beside it."""
    header = "header-manual" if stack.engine == BUILT_IN else "header-manual-model"
    own = comments(header) | comments_of("manual") | about(stack) | {_PORTS: lines("ports-manual")}
    return yaml_text.emit(manual_document(stack), own)


def manual_document(stack: Stack) -> dict[str, Any]:
    """As `document`, but with a project name of its own, a build section, and settings from ``.env``."""
    if stack.engine != BUILT_IN:
        return manual_model.document(stack, _manual(stack, "deploykit-indextts"))
    return _manual(stack, f"deploykit-{stack.image.variant}")


def _manual(stack: Stack, project: str) -> dict[str, Any]:
    result = document(stack)
    service = result["services"][SERVICE]
    service["image"] = f"deploykit/{stack.image.variant}:manual"
    service["container_name"] = project
    del service["labels"], service["pull_policy"]
    build = {
        "context": "..",
        "dockerfile": f"images/{stack.image.variant}/Dockerfile",
        "args": {"BASE": f"${{DEPLOYKIT_BASE:-{stack.image.base}}}"},
    }
    service["user"] = f"${{DEPLOYKIT_UID:-{stack.user}}}:0"
    service["ports"] = [f"${{DEPLOYKIT_LISTEN:-{stack.listen}}}:{PORT}"]
    service["mem_limit"] = f"${{DEPLOYKIT_MEMORY:-{stack.limits.memory}}}"
    service["volumes"] = [
        {
            "type": "bind",
            "source": "${DEPLOYKIT_CACHE_HUB:-./cache_hub}",
            "target": "/cache_hub",
            "bind": {"create_host_path": False},
        },
        {"type": "volume", "source": "outputs", "target": "/outputs"},
        {
            "type": "bind",
            "source": "${DEPLOYKIT_API_KEY_FILE:-/dev/null}",
            "target": _SECRET_TARGET,
            "read_only": True,
            "bind": {"create_host_path": False},
        },
    ]
    service["environment"]["TTS_API_KEY_FILE"] = f"${{DEPLOYKIT_API_KEY_FILE:+{_SECRET_TARGET}}}"
    ordered = {"image": service.pop("image"), "build": build, **service}
    return {"name": project, "services": {SERVICE: ordered}, "volumes": {"outputs": {}}}


def _service(stack: Stack) -> dict[str, Any]:
    service: dict[str, Any] = {
        "image": stack.image.reference,
        "pull_policy": "never",
        "container_name": stack.name,
        "labels": {
            "io.deploykit.name": stack.name,
            "io.deploykit.stack": stack.digest,
        },
        "user": f"{stack.user}:0",
        "ports": [f"{stack.listen}:{PORT}"],
        "environment": environment(stack, gpu=False) | {"NVIDIA_VISIBLE_DEVICES": "void"},
        "volumes": [mounted(mount) for mount in _mounts(stack) if mount.kind is not MountKind.TMPFS],
        "tmpfs": [
            f"{mount.target}:size={mount.size},mode=1777" for mount in stack.mounts if mount.kind is MountKind.TMPFS
        ],
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": stack.limits.memory,
        "pids_limit": stack.limits.pids,
    }
    if stack.limits.cpus is not None:
        service["cpus"] = stack.limits.cpus
    return service | {
        "restart": "unless-stopped",
        "stop_grace_period": _seconds(stack.stop_grace_seconds),
        "healthcheck": {
            "test": ["CMD", *PROBE_COMMAND],
            "interval": _seconds(stack.probe.interval),
            "timeout": _seconds(stack.probe.timeout),
            "retries": stack.probe.retries,
            "start_period": _seconds(stack.probe.start_period),
            "start_interval": _seconds(stack.probe.start_interval),
        },
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }


def environment(stack: Stack, *, gpu: bool) -> dict[str, Any]:
    """The settings of the service: those that come with a graphics card, or the others."""
    return {name: value for name, value in stack.settings if (name in _GPU_SETTINGS) is gpu}


def _mounts(stack: Stack) -> tuple[Mount, ...]:
    """Those of the file without a graphics card."""
    return tuple(mount for mount in stack.mounts if mount.source != GPU_VOLUME)


def mounted(mount: Mount) -> dict[str, Any]:
    """A mount of the service."""
    if mount.kind is MountKind.BIND:
        known = {"type": "bind", "source": mount.source, "target": mount.target}
        return known | ({"read_only": True} if mount.read_only else {}) | {"bind": {"create_host_path": False}}
    return {"type": "volume", "source": mount.source, "target": mount.target}


def volume(mount: Mount) -> dict[str, Any]:
    """The declaration of a volume."""
    return {"name": mount.source, "external": True} if mount.external else {"name": mount.source}


def _seconds(value: float) -> str:
    return f"{round(value * 1000)}ms" if value % 1 else f"{round(value)}s"


def escape(node: Any) -> Any:
    """Data in which compose replaces nothing: every ``$`` is doubled."""
    if isinstance(node, dict):
        return {key: escape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [escape(item) for item in node]
    return node.replace("$", "$$") if isinstance(node, str) else node


def comments(header: str) -> dict[str, tuple[str, ...]]:
    """The comments of a compose file in every language, by path, under this header."""
    return {"": lines(header)} | comments_of("common")


def comments_of(group: str) -> dict[str, tuple[str, ...]]:
    """One group of comments of the catalogue's topic ``compose``: keys ``<group>:<path>``."""
    from deploy_kit.messages import topic

    prefix = f"{group}:"
    return {key.removeprefix(prefix): lines(key) for key in topic("en", "compose") if key.startswith(prefix)}


def lines(key: str) -> tuple[str, ...]:
    """A comment in every language."""
    return tuple(line for locale in LOCALES for line in Catalogue(locale)(f"compose.{key}").splitlines())
