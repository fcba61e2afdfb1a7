"""Which engine the docker client would talk to: DOCKER_HOST, else the current context, else the system's socket."""

from __future__ import annotations

import json
from typing import Any

from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, known, unknown

DEFAULT = "unix:///var/run/docker.sock"
_UNIX = "unix://"


def observe(context: Context) -> Fact[str]:
    """The endpoint's address, found as the client finds it."""
    if host := context.env.get("DOCKER_HOST"):
        return known(host, "DOCKER_HOST")
    name = context.env.get("DOCKER_CONTEXT") or config(context).get("currentContext") or "default"
    if not isinstance(name, str):
        return unknown(f"{config_folder(context)}/config.json", "currentContext names no context")
    if name == "default":
        return known(DEFAULT, "default context")
    return _named(context, name)


def _named(context: Context, name: str) -> Fact[str]:
    from hashlib import sha256

    meta = f"{config_folder(context)}/contexts/meta/{sha256(name.encode()).hexdigest()}/meta.json"
    host: Any = _json(context, meta)
    for key in ("Endpoints", "docker", "Host"):
        host = host.get(key) if isinstance(host, dict) else None
    source = f"docker context {name}"
    return known(str(host), source) if host else unknown(source, f"{meta} names no endpoint")


def config_folder(context: Context) -> str:
    return context.env.get("DOCKER_CONFIG") or f"{context.home}/.docker"


def config(context: Context) -> dict[str, Any]:
    """The docker client's configuration; empty when there is none."""
    return _json(context, f"{config_folder(context)}/config.json")


def socket_path(endpoint: Fact[str]) -> str | None:
    """The path of a UNIX endpoint, None for any other."""
    address = endpoint.value or ""
    return address[len(_UNIX) :] if address.startswith(_UNIX) else None


def _json(context: Context, path: str) -> dict[str, Any]:
    try:
        data = json.loads(context.read(path) or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
