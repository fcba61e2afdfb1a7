"""The errand as a job in a container: the service's image, user and mount of the cache, and nothing more. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.plan.stack import Mount

CACHE = "/cache_hub"
NOTHING = "/tmp/none"  # noqa: S108 - inside
"""Where the job looks when there is no cache: an empty one that nobody makes."""

PATH = "/weights"
LOCK = "/etc/deploykit/weights.json"
TOKEN = "/run/secrets/hub_token"  # noqa: S105 - a path, not a secret
AUTHORITIES = "/run/deploykit/ca.pem"
LABEL = "io.deploykit.job"
_PYTHON = "/opt/deploykit/server/bin/python"
_HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--log-driver", "none")


@dataclass(frozen=True, slots=True)
class Box:
    """How the job's container is made. ``handed`` are names of variables whose values docker takes from its own
    environment: no process list shows them. ``network`` None is the engine's usual one. Mounts are volumes or binds.
    """

    name: str
    image: str
    user: str
    mounts: tuple[Mount, ...]
    handed: tuple[str, ...] = ()
    network: str | None = None


def command(box: Box, words: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments of ``docker``."""
    found = ["run", "--rm", "--name", box.name, "--label", f"{LABEL}=cache", "--user", box.user, *_HARDENED]
    found += ["--tmpfs", "/tmp:size=64m,mode=1777"]  # noqa: S108 - inside
    if box.network is not None:
        found += ["--network", box.network]
    for mount in box.mounts:
        found += ["--mount", _mount(mount)]
    for name in box.handed:
        found += ["--env", name]
    return (*found, "--entrypoint", _PYTHON, box.image, "-m", "tts_cache", *words)


def _mount(mount: Mount) -> str:
    fields = [f"type={mount.kind.value}", f"source={mount.source}", f"target={mount.target}"]
    if mount.read_only:
        fields.append("readonly")
    return ",".join(_quoted(field) for field in fields)


def _quoted(field: str) -> str:
    """A field of docker's comma-separated form."""
    return '"' + field.replace('"', '""') + '"' if any(letter in field for letter in ',"') else field
