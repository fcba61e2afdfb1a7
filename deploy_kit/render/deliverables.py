"""The rendered files that stand in the repository: deliverables, examples and golden files at once."""

from __future__ import annotations

from deploy_kit.config import load
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.plan.resolve import resolve
from deploy_kit.plan.stack import Stack
from deploy_kit.render import compose, dockerfile


def files() -> dict[str, str]:
    """Path from the repository's root to text, for every rendered file that is committed."""
    return dockerfile.files() | {
        "compose/compose.yaml": compose.manual_text(default_stack()),
        "compose/.env.example": _example(),
    }


def default_stack() -> Stack:
    """The stack of a user who configured nothing, on any host; its inputs are left open."""
    request = load.load({"region": "global"}, {}, None).request
    return resolve(request, variant="core", device="cpu", inputs="0" * 64, uid=0, folders=("", ""), secret_version=None)


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
    }
