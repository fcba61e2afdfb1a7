"""``python -m tts_server``: bind, answer probes at once, then bring up the worker, the API and the page."""

from __future__ import annotations

import asyncio
import sys

from deploy_kit.errors import Failure


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 0 then, and that of the finding when the start is impossible."""
    from tts_server import settings
    from tts_server.start import life, logs

    try:
        told = settings.read()
        listener = life.bind(told)
    except Failure as failure:
        print(life.explain(failure), file=sys.stderr, flush=True)
        return int(failure.exit_code)
    logs.configure(told.log_level, told.log_format, told.log_file)
    asyncio.run(life.serve(told, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
