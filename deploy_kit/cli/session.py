"""One run of one command: its arguments, its settings, its language, and where it writes."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_kit.cli.main import early_locale
from deploy_kit.cli.parser import SETTING, parse
from deploy_kit.cli.table import Command
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Message
from deploy_kit.messages import Catalogue

if TYPE_CHECKING:
    from deploy_kit.cli.output.progress import Progress
    from deploy_kit.config.load import Loaded
    from deploy_kit.config.request import Request
    from deploy_kit.facts import HostFacts
    from deploy_kit.lifecycle.licence import Terms
    from deploy_kit.progress import Reporter


class Session:
    """What a command needs to know about its caller.

    ``words`` speaks the user's language; after `loaded` also a language that the config file chose.
    """

    def __init__(
        self, command: Command, options: argparse.Namespace, environment: Mapping[str, str], words: Catalogue
    ) -> None:
        self.command = command
        self.options = options
        self.environment = environment
        self.words = words
        self._loaded: Loaded | None = None
        self._progress: Progress | None = None

    @classmethod
    def open(cls, command: Command, argv: list[str], environment: Mapping[str, str]) -> Session | None:
        """Parse the arguments; None when they asked for help, which was printed.

        Raises:
            Failure: The arguments do not fit.
        """
        from deploy_kit.cli.output import program

        program.typed((command.name, *argv))
        words = Catalogue(early_locale(argv, environment))
        options = parse(command, argv, words)
        return None if options is None else cls(command, options, environment, words)

    @property
    def json(self) -> bool:
        return bool(self.options.output == "json")

    def loaded(self) -> Loaded:
        """Config file, environment and flags, joined. Read once; warnings are shown then.

        Raises:
            Failure: Something in them is wrong.
        """
        if self._loaded is None:
            from deploy_kit.config.load import find, load

            folder = _folder()
            file = find(self.options.config, self.environment, folder)
            self._loaded = load(self._flags(), self.environment, file, folder=folder)
            self.words = Catalogue(self._loaded.locale)
            self._warn()
        self._refuse_target(self._loaded)
        return self._loaded

    @property
    def request(self) -> Request:
        return self.loaded().request

    def readable_request(self) -> Request:
        """As much of the settings as can be read where something in them is wrong: without the config file, then
        without the environment, then the name alone, else the defaults."""
        from deploy_kit.config.load import load

        flags = self._flags()
        named = {"name": flags["name"]} if "name" in flags else {}
        for given, environment in ((flags, self.environment), (flags, {}), (named, {})):
            with contextlib.suppress(Failure):
                return load(given, environment, None).request
        return load({}, {}, None).request

    def facts(self) -> HostFacts | None:
        """The facts of ``--facts FILE``; None when the host itself is to be looked at.

        Raises:
            Failure: The file cannot be read or holds no facts.
        """
        file: str | None = getattr(self.options, "facts", None)
        if file is None:
            return None
        from deploy_kit.cli import saved

        return saved.facts(Path(file))

    @contextlib.contextmanager
    def reporting(self) -> Iterator[Reporter]:
        """A reporter for long work, closed at the end; a terminating signal ends the work like Ctrl-C does."""
        from deploy_kit.cli.output import progress

        self._progress = progress.Progress(self.options.progress, self.json, self.words)
        with progress.interruptible(), contextlib.closing(self._progress):
            yield self._progress.report

    def consent(self, message: Message, commands: tuple[tuple[str, ...], ...]) -> bool:
        """Show what is about to be done to the host and ask. ``--yes`` answers; without a terminal the answer is no."""
        from deploy_kit.cli.output import ask

        if self._progress is not None:
            self._progress.pause()
        return ask.consent(self, message, commands)

    def accept(self, terms: Terms) -> bool:
        """Show the licences of model weights and ask a person; nobody answers for one."""
        from deploy_kit.cli.output import ask

        if self._progress is not None:
            self._progress.pause()
        return ask.licence(self, terms)

    def flags_given(self) -> frozenset[str]:
        """The settings that stand on the command line."""
        return frozenset(self._flags())

    def say(self, text: str) -> None:
        """A line of the result."""
        print(text)

    def emit(self, document: Any) -> None:
        """The result as one JSON line."""
        print(json.dumps(document, ensure_ascii=False, sort_keys=True))

    def text(self, message: Message) -> str:
        return self.words.text(message.key, message.args)

    def _flags(self) -> dict[str, object]:
        given = vars(self.options).items()
        flags = {name[len(SETTING) :]: value for name, value in given if name.startswith(SETTING) and value is not None}
        if self.options.locale is not None:
            flags["locale"] = self.options.locale
        return flags

    def _refuse_target(self, loaded: Loaded) -> None:
        """A target that only other commands know yet is refused by name."""
        from deploy_kit.config.table import settings

        target, command = settings()["target"], self.command.name
        if not target.known_to(command, loaded.request.target):
            raise fail(
                "CONFIG-TARGET",
                loaded.origins["target"],
                commands=(("deploykit", target.commands[loaded.request.target][0], "--target", loaded.request.target),),
                target=loaded.request.target,
                command=command,
                allowed=", ".join(one for one in target.choices if target.known_to(command, one)),
                known=", ".join(target.commands[loaded.request.target]),
            )

    def _warn(self) -> None:
        if self._loaded is None or not self._loaded.findings:
            return
        from deploy_kit.cli.output import findings

        for finding in self._loaded.findings:
            print(findings.text(finding, self.words), file=sys.stderr)


def _folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise fail("USAGE-NO-FOLDER") from None
