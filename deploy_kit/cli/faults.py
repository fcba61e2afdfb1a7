"""What the user sees when a command did not end well: always a finding, never a bare traceback."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping

from deploy_kit.cli.main import BROKEN_PIPE, early_locale, split
from deploy_kit.cli.output import findings, program, streams
from deploy_kit.errors import ExitCode, Failure, fail
from deploy_kit.messages import Catalogue
from deploy_kit.redact import redact


def answer(error: BaseException, argv: list[str], environment: Mapping[str, str]) -> int:
    """Print the finding of an error and return its exit code."""
    program.typed(argv)
    failure = _failure(error, argv)
    code = ExitCode.INTERRUPTED if isinstance(error, KeyboardInterrupt) else failure.exit_code
    words = Catalogue(early_locale(argv, environment))
    try:
        if not (_wants_json(argv) and _document(failure, int(code), words)):
            for finding in (failure.finding, *failure.more):
                print(findings.text(finding, words, colour=findings.colours(sys.stderr)), file=sys.stderr)
        if "--debug" in argv and not isinstance(error, Failure):
            traceback.print_exception(type(error), error, error.__traceback__)
        sys.stderr.flush()
    except BrokenPipeError:
        streams.silence(sys.stderr)
        return BROKEN_PIPE
    except OSError:  # nobody can be told; the exit code still says it
        streams.silence(sys.stderr)
    return int(code)


def _document(failure: Failure, code: int, words: Catalogue) -> bool:
    """Print the failure as JSON; False when standard output takes nothing.

    Raises:
        BrokenPipeError: Whoever read us has gone.
    """
    found = [findings.document(finding, words) for finding in (failure.finding, *failure.more)]
    document = {"event": "failure", "exit_code": code, "findings": found}
    try:
        print(json.dumps(document, ensure_ascii=False, sort_keys=True), flush=True)
    except OSError as error:
        streams.silence(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise
        return False
    return True


def _failure(error: BaseException, argv: list[str]) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, KeyboardInterrupt):
        return fail("INTERNAL-INTERRUPTED", split(argv)[1] or "", commands=(("deploykit", *map(redact, argv)),))
    if isinstance(error, streams.Unwritable):
        return fail("USAGE-WRITE", "stdout", reason=error.strerror or str(error))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rpartition('deploy_kit/')[2]}:{frame.lineno}"
    return fail("INTERNAL-BUG", place, error=f"{type(error).__name__}: {error}")


def _wants_json(argv: list[str]) -> bool:
    words = argv[: argv.index("--")] if "--" in argv else argv
    return "--output=json" in words or " --output json " in f" {' '.join(words)} "
