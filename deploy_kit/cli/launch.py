"""What the launcher calls when ``.venv`` is missing or older than its lock. Runs on the host's bare Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy_kit.cli.faults import answer
from deploy_kit.cli.output import streams
from deploy_kit.messages import Catalogue, system_locale
from deploy_kit.tools import environment


def main(argv: list[str]) -> int:
    """Make the environment of the host tool. Arguments: the checkout, the environment's folder, the interpreter."""
    streams.prepare()
    root, folder, python = Path(argv[0]), Path(argv[1]), argv[2]
    asked = os.environ.get("DEPLOYKIT_LOCALE", "")
    words = Catalogue(asked if asked in ("en", "zh") else system_locale())

    def tell() -> None:
        print(words("cli.env_making", name=folder), file=sys.stderr, flush=True)

    try:
        environment.ensure(folder, root / "requirements/host.txt", python, path=root, begin=tell)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the launcher's user gets a finding as well
        return answer(error, [], os.environ)
    return 0
