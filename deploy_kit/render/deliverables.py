"""The rendered files that stand in the repository: deliverables, examples and golden files at once."""

from __future__ import annotations

from deploy_kit import data
from deploy_kit.compat import needs
from deploy_kit.compat.verdict import DeviceRequest, RequestKind
from deploy_kit.config import load
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.plan.resolve import resolve
from deploy_kit.plan.stack import Stack
from deploy_kit.render import compose, dockerfile, overlay


def files() -> dict[str, str]:
    """Path from the repository's root to text, for every rendered file that is committed."""
    return dockerfile.files() | composes()


def composes() -> dict[str, str]:
    """Those below ``compose/``."""
    return {
        "compose/compose.yaml": compose.manual_text(default_stack()),
        "compose/compose.indextts.yaml": compose.manual_text(model_stack()),
        "compose/compose.gpu.yaml": overlay.manual_text(DeviceRequest(RequestKind.RESERVATION)),
        "compose/compose.gpu-cdi.yaml": overlay.manual_text(DeviceRequest(RequestKind.CDI, ("nvidia.com/gpu=all",))),
        "compose/.env.example": _example(),
    }


def default_stack() -> Stack:
    """The stack of a user who configured nothing, on any host; its inputs are left open."""
    return _stack("espeak", "core", memory=needs.memory_limit("espeak", "cpu"))


def model_stack() -> Stack:
    """The stack of IndexTTS that a person starts by hand, with a graphics card or without."""
    engine = next(iter(data.table("engines")))
    memory = max(needs.memory_limit(engine, device) for device in ("cpu", "cuda"))
    return _stack(engine, "cu128", memory=memory)


def _stack(engine: str, variant: str, *, memory: int) -> Stack:
    request = load.load({"region": "global", "engine": engine}, {}, None).request
    return resolve(
        request,
        variant=variant,
        device="cpu",
        inputs="0" * 64,
        uid=0,
        folders=("", ""),
        secret_version=None,
        memory=memory,
        pids=needs.pids(engine),
    )


def _example() -> str:
    lines = [line for locale in LOCALES for line in Catalogue(locale)("compose.env-header").splitlines()]
    text = "".join(f"# {line}\n" if line else "#\n" for line in lines)
    for name, value in _variables().items():
        text += "\n" + "".join(f"# {Catalogue(locale)(f'compose.env:{name}')}\n" for locale in LOCALES)
        text += f"{name}={value}\n"
    return text


def _variables() -> dict[str, str]:
    stack = default_stack()
    return {
        "DEPLOYKIT_LISTEN": str(stack.listen),
        "DEPLOYKIT_API_KEY_FILE": "",
        "DEPLOYKIT_UID": str(stack.user),
        "DEPLOYKIT_MEMORY": str(stack.limits.memory),
        "DEPLOYKIT_CACHE_HUB": "./cache_hub",
        "DEPLOYKIT_BASE": stack.image.base,
        "DEPLOYKIT_ENGINE": model_stack().engine,
        "DEPLOYKIT_VARIANT": "cu128",
        "DEPLOYKIT_ACCEPT_LICENSE": "false",
        "DEPLOYKIT_WEIGHTS_SOURCE": "auto",
        "DEPLOYKIT_ENGINE_MEMORY": str(model_stack().limits.memory),
        "DEPLOYKIT_ENGINE_SOURCE": "",
    }
