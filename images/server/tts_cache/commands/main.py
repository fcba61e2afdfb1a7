"""From arguments to an exit code."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from types import FrameType

from deploy_kit.errors import ExitCode, Failure, fail
from deploy_kit.messages import Catalogue, locale_from
from tts_cache.commands.parser import parser
from tts_cache.commands.task import Task
from tts_cache.events import Teller

Work = Callable[[Task], int]


def main(argv: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run one command.

    Returns:
        The exit code of deploykit's contract: 0, 2 for wrong arguments, 9 for the cache, 130 when interrupted.
    """
    locale = environment.get("TTS_LOCALE") or locale_from(environment)
    words = Catalogue(locale if locale in ("en", "zh") else "en")
    options = parser(environment, words).parse_args(argv)
    if options.locale:
        words = Catalogue(options.locale)
    tell = Teller(None if options.json else words)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _work(options.command)(Task.of(options, environment, tell, words))
    except Failure as failure:
        tell.failed(failure)
        return int(failure.exit_code)
    except KeyboardInterrupt:
        tell("stopped")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody listens any more; what was fetched is kept
        return int(ExitCode.INTERRUPTED)
    except OSError as error:
        unwritable = fail("CACHE-READ-ONLY", str(error.filename or options.cache))
        tell.failed(unwritable)
        return int(unwritable.exit_code)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise KeyboardInterrupt


def _work(name: str) -> Work:
    """The command's function; only its module is loaded."""
    if name == "pull":
        from tts_cache.commands import pull

        return pull.pull
    if name in ("list", "verify", "accept"):
        from tts_cache.commands import look

        return {"list": look.show, "verify": look.verify, "accept": look.accept}[name]
    if name in ("prune", "purge"):
        from tts_cache.commands import sweep

        return {"prune": sweep.prune, "purge": sweep.purge}[name]
    from tts_cache.commands import move

    return {"import": move.take, "export": move.give}[name]
