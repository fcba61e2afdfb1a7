"""A stack as a compose file: the one that ``up`` writes, and the one a person starts by hand from a checkout."""

from __future__ import annotations

from typing import Any

from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.plan.stack import PORT, Mount, MountKind, Stack
from deploy_kit.render import yaml_text

SERVICE = "tts"
_PORTS = f"services.{SERVICE}.ports"
PROBE_COMMAND = ("/opt/deploykit/server/bin/python", "-I", "-S", "/opt/deploykit/app/tts_server/probe.py")
_SECRET_TARGET = "/run/secrets/api_key"  # noqa: S105 - a path, not a secret


def text(stack: Stack, *, secret_file: str | None = None) -> str:
    """The compose file of a stack.

    Args:
        secret_file: Path of the API key on the host; needed when the stack has a secret version.
    """
    reach = "ports-loopback" if stack.listen.loopback else "ports-wide"
    return yaml_text.emit(document(stack, secret_file=secret_file), comments("header-up") | {_PORTS: _lines(reach)})


def document(stack: Stack, *, secret_file: str | None = None) -> dict[str, Any]:
    """What the compose file says, as plain data. Every ``$`` is doubled, so compose replaces nothing."""
    service = _service(stack)
    volumes = {mount.source: _volume(mount) for mount in stack.mounts if mount.kind is MountKind.VOLUME}
    result: dict[str, Any] = {"name": stack.name, "services": {SERVICE: service}, "volumes": volumes}
    if stack.secret_version is not None:
        service["secrets"] = [{"source": "api_key", "target": _SECRET_TARGET}]
        service["environment"]["TTS_API_KEY_FILE"] = _SECRET_TARGET
        result["secrets"] = {"api_key": {"file": secret_file}}
    escaped: dict[str, Any] = _escape(result)
    return escaped


def manual_text(stack: Stack) -> str:
    """The committed compose file: builds the image from the checkout, keeps cache_hub in a folder beside it."""
    about = comments("header-manual") | comments_of("manual") | {_PORTS: _lines("ports-manual")}
    return yaml_text.emit(manual_document(stack), about)


def manual_document(stack: Stack) -> dict[str, Any]:
    """As `document`, but with a project name of its own, a build section, and settings from ``.env``."""
    project = f"deploykit-{stack.image.variant}"
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
        "environment": dict(stack.settings),
        "volumes": [_mount(mount) for mount in stack.mounts if mount.kind is not MountKind.TMPFS],
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


def _mount(mount: Mount) -> dict[str, Any]:
    if mount.kind is MountKind.BIND:
        return {"type": "bind", "source": mount.source, "target": mount.target, "bind": {"create_host_path": False}}
    return {"type": "volume", "source": mount.source, "target": mount.target}


def _volume(mount: Mount) -> dict[str, Any]:
    return {"name": mount.source, "external": True} if mount.external else {"name": mount.source}


def _seconds(value: float) -> str:
    return f"{round(value * 1000)}ms" if value % 1 else f"{round(value)}s"


def _escape(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _escape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_escape(item) for item in node]
    return node.replace("$", "$$") if isinstance(node, str) else node


def comments(header: str) -> dict[str, tuple[str, ...]]:
    """The comments of a compose file in every language, by path, under this header."""
    return {"": _lines(header)} | comments_of("common")


def comments_of(group: str) -> dict[str, tuple[str, ...]]:
    """One group of comments of the catalogue's topic ``compose``: keys ``<group>:<path>``."""
    from deploy_kit.messages import topic

    prefix = f"{group}:"
    return {key.removeprefix(prefix): _lines(key) for key in topic("en", "compose") if key.startswith(prefix)}


def _lines(key: str) -> tuple[str, ...]:
    return tuple(line for locale in LOCALES for line in Catalogue(locale)(f"compose.{key}").splitlines())
