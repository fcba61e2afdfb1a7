"""``python -m tts_cache``: the work on cache_hub, as a job in a container, beside a server, or by hand."""

from __future__ import annotations

import sys

from tts_cache.commands.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
