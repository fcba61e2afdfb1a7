"""The way in and the only way out: what happened becomes an exit code here and nowhere else."""

from __future__ import annotations

import os
import sys

from deploy_kit.cli.output import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_kit.cli.table import Command

BROKEN_PIPE = 141


def entry() -> int:
    """The console script."""
    streams.prepare()
    try:
        return main(sys.argv[1:], os.environ)
    finally:
        streams.settle()


def main(argv: list[str], environment: Mapping[str, str]) -> int:
    """Run one command line and return its exit code; nothing but an interpreter's end is raised."""
    try:
        code = main_inner(argv, environment)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us has gone
        streams.silence(sys.stdout)
        return BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the last resort: a finding for everything
        from deploy_kit.cli.faults import answer

        return answer(error, argv, environment)
    return code


def main_inner(argv: list[str], environment: Mapping[str, str]) -> int:
    """As `main`, but failures are raised."""
    lead, name, rest = split(argv)
    if name is None or name == "help":
        return _without_command(lead, rest[0] if rest else None, argv, environment)
    _refuse_unknown(lead, name)
    command = _command(name)
    from deploy_kit.cli.session import Session

    session = Session.open(command, [*lead, *rest], environment)
    if session is None:  # help was asked for and given
        return 0
    module = __import__(f"deploy_kit.cli.commands.{command.module}", fromlist=["run"])
    return int(module.run(session))


def split(argv: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """What stands before the command, the command, and what stands after it."""
    from deploy_kit.cli.table import COMMON, LEADING

    takes_value = {flag for option in COMMON if option.kind != "flag" for flag in option.flags} | set(LEADING)
    index = 0
    while index < len(argv) and argv[index].startswith("-"):
        index += 2 if argv[index] in takes_value else 1
    return list(argv[:index]), argv[index] if index < len(argv) else None, list(argv[index + 1 :])


def early_locale(argv: list[str], environment: Mapping[str, str]) -> str:
    """The language to speak before (or without) the config file."""
    from deploy_kit.messages import LOCALES, locale_from

    asked = environment.get("DEPLOYKIT_LOCALE", "")
    for index, word in enumerate(argv):
        if word == "--":
            break
        if word.startswith("--locale"):
            asked = word.partition("=")[2] or (argv[index + 1] if index + 1 < len(argv) else "")
    return asked if asked in LOCALES else locale_from(environment)


def _without_command(lead: list[str], topic: str | None, argv: list[str], environment: Mapping[str, str]) -> int:
    if "--version" in lead or "-V" in lead:
        from deploy_kit import __version__

        print(f"deploykit {__version__}")
        return 0
    if topic is not None:
        from deploy_kit.cli.session import Session

        Session.open(_command(topic), ["--help"], environment)
        return 0
    _refuse_unknown(lead, None)
    from deploy_kit.cli.help import overview
    from deploy_kit.messages import Catalogue

    print(overview(Catalogue(early_locale(argv, environment))))
    return 0


def _refuse_unknown(lead: list[str], name: str | None) -> None:
    """An unknown option before the command is refused here; before a known command its own parser knows better."""
    from deploy_kit.cli.table import find

    unknown = [word for word in lead if word.startswith("-") and word.partition("=")[0] not in _known_flags()]
    if unknown and (name is None or find(name) is None):
        from deploy_kit.errors import fail

        likely = _nearest(unknown[0], _known_flags())
        raise fail("USAGE-OPTION", unknown[0], commands=(("deploykit", "--help"),), nearest=likely)


def _command(name: str) -> Command:
    from deploy_kit.cli.table import COMMANDS, find

    if command := find(name):
        return command
    from deploy_kit.errors import fail

    likely = _nearest(name, tuple(command.name for command in COMMANDS))
    raise fail("USAGE-COMMAND", name, commands=(("deploykit", likely), ("deploykit", "--help")), nearest=likely)


def _known_flags() -> tuple[str, ...]:
    from deploy_kit.cli.table import COMMON, LEADING

    return (*LEADING, *(flag for option in COMMON for flag in option.flags), "--help", "-h", "--version", "-V")


def _nearest(word: str, words: tuple[str, ...]) -> str:
    from deploy_kit.config.values import nearest

    return nearest(word, words)
