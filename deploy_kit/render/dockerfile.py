"""The committed files of an image variant: its Dockerfile and the allow list of its build context."""

from __future__ import annotations

import jinja2

from deploy_kit import __version__, assets, data
from deploy_kit.builder import payload
from deploy_kit.plan.stack import PORT

VARIANTS = ("core", "cpu", "cu126", "cu128")
_OURS = ("Apache-2.0", "GPL-3.0-or-later")
_MODEL = "LicenseRef-bilibili-Model-Use"
_CUDA = "LicenseRef-NVIDIA-CUDA"


def files() -> dict[str, str]:
    """Every file that stands rendered in the repository's ``images/``: path from its root, text."""
    rendered: dict[str, str] = {}
    for variant in VARIANTS:
        path = payload.dockerfile(variant)
        rendered |= {path: text(variant), f"{path}.dockerignore": payload.ignore_file(variant)}
    return rendered


def text(variant: str) -> str:
    """The Dockerfile of a variant.

    Raises:
        jinja2.UndefinedError: The template asks for a value that is not given.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets.root() / "images"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    engine = payload.has_engine(variant)
    row = data.table("matrix")["variants"].get(variant, {})
    cuda = row.get("cuda")
    return environment.get_template("Dockerfile.j2").render(
        variant=variant,
        base=data.table("base")["reference"],
        layers=payload.layers(),
        app=payload.APP,
        timestamp=payload.TIMESTAMP,
        port=PORT,
        version=__version__,
        engine=engine,
        cuda=cuda,
        index=row.get("index") == "pytorch",
        environment=payload.ENGINE,
        sdists=payload.SDISTS,
        licences=(*_OURS, *((_MODEL,) if engine else ()), *((_CUDA,) if cuda else ())),
    )
