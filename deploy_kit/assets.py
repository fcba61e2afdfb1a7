"""Where the files lie that are not Python: the one module that tells a wheel from a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def package() -> Path:
    """The folder of the package ``deploy_kit`` itself."""
    return Path(__file__).resolve().parent


@cache
def root() -> Path:
    """The folder that holds ``images/``: inside the package when installed from a wheel, else the checkout."""
    packed = package() / "assets"
    return packed if (packed / "images").is_dir() else package().parent
