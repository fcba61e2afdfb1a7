"""``python -m tts_worker.guard``: is the GPU usable from here? Exit code 0 when it is, 4 when it is not."""

from __future__ import annotations

import argparse
import json
import os
import sys

from deploy_kit.data import table
from tts_worker import log
from tts_worker.guard import child, kernel
from tts_worker.guard.verdict import Verdict
from tts_worker.guard.watch import Deadline

_UNUSABLE = 4


def main() -> None:
    """Judge, print, and leave without the driver's own farewell."""
    seconds = table("guard")["seconds"]
    parser = argparse.ArgumentParser(prog="tts_worker.guard", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the whole verdict as one JSON object")
    parser.add_argument("--driver-only", action="store_true", help="do not load torch")
    parser.add_argument("--half", choices=("float16", "bfloat16"), help="try this type as well")
    parser.add_argument("--driver-seconds", type=float, default=seconds["driver"])
    parser.add_argument("--kernel-seconds", type=float, default=seconds["kernel"])
    arguments = parser.parse_args()
    verdict = child.judge(arguments.driver_seconds)
    if verdict.code is None and not arguments.driver_only:
        late = Verdict("GPU-PROBE-HUNG", f"no end of the kernel within {arguments.kernel_seconds:g} s")
        with Deadline(arguments.kernel_seconds, lambda: _leave(late, arguments.json)):
            verdict = kernel.judge(verdict, arguments.half)
    _leave(verdict, arguments.json)


def _leave(verdict: Verdict, whole: bool) -> None:
    words = [verdict.code or "usable", verdict.name or "", verdict.detail]
    print(json.dumps(verdict.to_json()) if whole else " · ".join(filter(None, words)), flush=True)
    log.stream().flush()
    sys.stdout.flush()
    os._exit(_UNUSABLE if verdict.code else 0)


if __name__ == "__main__":
    main()
