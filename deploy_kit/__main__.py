"""``python -m deploy_kit`` is the command line."""

from __future__ import annotations

import sys

from deploy_kit.cli.main import entry

sys.exit(entry())
