"""The commands, as a table. Parser, help, completion and dispatch are all made from it.

Plain classes instead of dataclasses: this module is all that ``--help`` loads, and `dataclasses` alone
costs as much time as a bare interpreter.
"""

from __future__ import annotations


class Option:
    """One option. ``kind``: ``flag``, ``text``, ``file``, ``integer``, ``number``, ``choice``, ``list``
    or ``files`` (may be given several times, as a list).

    Its help is ``help.option.<dest>``.
    """

    __slots__ = ("choices", "default", "flags", "kind", "metavar")

    def __init__(
        self,
        *flags: str,
        kind: str = "text",
        metavar: str = "",
        choices: tuple[str, ...] = (),
        default: str | int | bool | None = None,
    ) -> None:
        self.flags = flags
        self.kind = kind
        self.metavar = metavar
        self.choices = choices
        self.default = False if kind == "flag" else default

    @property
    def dest(self) -> str:
        """The attribute of the parsed arguments: the first long flag's name."""
        return next(flag for flag in self.flags if flag.startswith("--"))[2:].replace("-", "_")


class Argument:
    """One positional argument. ``kind``: ``text``, ``file`` or ``folder``. Help: ``help.argument.<command>.<name>``."""

    __slots__ = ("choices", "kind", "name", "optional")

    def __init__(self, name: str, *, kind: str = "text", choices: tuple[str, ...] = (), optional: bool = False) -> None:
        self.name = name
        self.kind = kind
        self.choices = choices
        self.optional = optional


class Command:
    """One command: its module in `deploy_kit.cli.commands`, what it takes, and which settings it lets flags override.

    ``settings`` holds keys of ``data/settings.json``, or `ALL`. ``passes``: what follows ``--`` is for the program
    that the command runs, and stands in the parsed ``passed``.
    """

    __slots__ = ("arguments", "module", "name", "options", "passes", "settings")

    def __init__(
        self,
        name: str,
        *,
        module: str = "",
        arguments: tuple[Argument, ...] = (),
        options: tuple[Option, ...] = (),
        settings: tuple[str, ...] = (),
        passes: bool = False,
    ) -> None:
        self.name = name
        self.module = module or name
        self.arguments = arguments
        self.options = options
        self.settings = settings
        self.passes = passes


OUTPUT = Option("--output", kind="choice", choices=("text", "json"), default="text")
CONFIG = Option("--config", kind="file", metavar="FILE")
LOCALE = Option("--locale", kind="choice", choices=("auto", "en", "zh"))
DEBUG = Option("--debug", kind="flag")
COMMON = (OUTPUT, CONFIG, LOCALE, DEBUG)
"""Every command takes these, before or after its name."""

LEADING = ("--name",)
"""Flags of settings that may stand before the command as well."""

YES = Option("-y", "--yes", kind="flag")
DRY_RUN = Option("--dry-run", kind="flag")
FACTS = Option("--facts", kind="file", metavar="FILE")
HOSTS = Option("--facts", kind="files", metavar="FILE|FOLDER")
PROGRESS = Option("--progress", kind="choice", choices=("auto", "tty", "plain", "json", "quiet"), default="auto")

ALL = ("*",)
WHERE = ("name",)
"""Commands about what runs find its target out by themselves."""

TIERS = ("lint", "unit", "golden", "server", "worker", "docker", "gpu", "image", "cluster", "browser", "windows")

SOURCES = ("container", "docker", "build", "kernel", "host", "event", "browser")
"""Where a text to be diagnosed may come from."""

COMMANDS = (
    Command(
        "up",
        options=(YES, DRY_RUN, FACTS, PROGRESS, Option("--wait-for-model", kind="flag")),
        settings=ALL,
    ),
    Command("down", options=(DRY_RUN, PROGRESS), settings=WHERE),
    Command("status", options=(Option("-w", "--watch", kind="flag"),), settings=WHERE),
    Command(
        "logs",
        options=(
            Option("-f", "--follow", kind="flag"),
            Option("--tail", kind="integer", metavar="N"),
            Option("--diagnose", kind="flag"),
        ),
        settings=WHERE,
    ),
    Command(
        "diagnose",
        arguments=(Argument("file", kind="file", optional=True),),
        options=(Option("--source", kind="choice", choices=SOURCES),),
    ),
    Command(
        "report",
        options=(Option("-o", "--output-file", kind="file", metavar="FILE.tar.gz"), DRY_RUN),
        settings=ALL,
    ),
    Command(
        "say",
        arguments=(Argument("text"),),
        options=(
            Option("-o", "--out", kind="file", metavar="FILE"),
            Option("--lang", metavar="TAG"),
            Option("--voice", metavar="ID"),
            Option("--speed", kind="number", metavar="FACTOR"),
            Option("-m", "--model", metavar="NAME"),
            Option("--emotion", metavar="NAME=WEIGHT,…"),
            Option("--emotion-text", metavar="TEXT"),
            Option("--reference", kind="file", metavar="FILE"),
            Option("--duration", kind="number", metavar="FACTOR"),
            Option("--seed", kind="integer", metavar="N"),
        ),
        settings=(*WHERE, "listen", "api_key_file"),
    ),
    Command(
        "doctor",
        options=(
            HOSTS,
            Option("--save", kind="file", metavar="FILE"),
            Option("-v", "--verbose", kind="flag"),
            Option("--offline", kind="flag"),
            Option("--fix", kind="flag"),
            Option("--prove", kind="flag"),
            YES,
            DRY_RUN,
            PROGRESS,
        ),
        settings=ALL,
    ),
    Command("plan", options=(FACTS,), settings=ALL),
    Command(
        "render",
        arguments=(Argument("folder", kind="folder", optional=True),),
        options=(Option("--check", kind="flag"), Option("--write", kind="flag"), FACTS),
        settings=ALL,
    ),
    Command("build", options=(YES, DRY_RUN, PROGRESS, Option("--sbom", kind="file", metavar="FILE")), settings=ALL),
    Command("verify", options=(PROGRESS,), settings=ALL),
    Command(
        "cache",
        arguments=(
            Argument("action", choices=("pull", "list", "verify", "prune", "purge", "import", "export")),
            Argument("path", kind="file", optional=True),
        ),
        options=(YES, DRY_RUN, PROGRESS, Option("--voices", kind="flag")),
        settings=ALL,
    ),
    Command(
        "init",
        arguments=(Argument("file", kind="file", optional=True),),
        options=(Option("--force", kind="flag"), DRY_RUN),
    ),
    Command("schema", arguments=(Argument("document", choices=("config", "doctor", "cluster"), optional=True),)),
    Command("completion", arguments=(Argument("shell", choices=("bash", "zsh", "fish")),)),
    Command(
        "test",
        options=(
            YES,
            Option("--tier", kind="list", metavar="NAME", choices=TIERS),
            Option("-k", "--keyword", metavar="EXPRESSION"),
            Option("--strict", kind="flag"),
            PROGRESS,
        ),
        passes=True,
    ),
)


def find(name: str) -> Command | None:
    """The command of this name, or None."""
    return next((command for command in COMMANDS if command.name == name), None)
