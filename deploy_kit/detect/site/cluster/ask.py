"""Questions to one cluster, and why one has no answer."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploy_kit import proc
from deploy_kit.cluster.facts import Trouble
from deploy_kit.data import table
from deploy_kit.facts import Fact, known, unknown
from deploy_kit.tools import kubectl

T = TypeVar("T")

_LOG_LINE = re.compile(r"[EWIF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\] ")
"""How Kubernetes' programs begin a line of their log."""

_PREAMBLE = re.compile(r"((error|Error): |Error from server \(\w+\): |Unable to connect to the server: )+")
"""What they put before what they have to say; our own word says it already."""


class NoAnswer(Exception):
    """A question that was not answered; ``text`` is what the program said."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.trouble, self.text = trouble, text

    @property
    def reason(self) -> str:
        return f"{self.trouble.value}: {self.text}" if self.text else self.trouble.value


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster to ask: ``run`` runs kubectl, ``until`` when (by the monotonic clock) all questions must be done."""

    run: proc.Runner
    kubeconfig: str | None
    context: str | None
    until: float = field(default_factory=lambda: time.monotonic() + look("whole_seconds"))

    def get(self, path: str) -> dict[str, Any]:
        """What the server gives for a path of its API; raises NoAnswer."""
        return objects(self.kubectl("get", "--raw", path))[0]

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every object of a list that may be long, asked page by page; raises NoAnswer."""
        mark, joint = "", "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{joint}limit={look('page'):g}{mark}")
            yield from page.get("items") or ()
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return
            mark = f"&continue={_quoted(more)}"

    def items(self, path: str) -> list[dict[str, Any]]:
        return list(self.pages(path))

    def kubectl(self, *args: str, input: str | None = None) -> str:
        """What a kubectl command prints; raises NoAnswer."""
        seconds = min(look("seconds"), self.until - time.monotonic())
        if seconds <= 0:
            raise NoAnswer(Trouble.SILENT, f"no end after {look('whole_seconds'):g} s")
        line = kubectl.argv(*args, kubeconfig=self.kubeconfig, context=self.context, timeout=max(1.0, seconds))
        return said(self.run, line, seconds + look("grace_seconds"), input)


def look(name: str) -> float:
    """One of the figures for looking."""
    return float(table("kubectl")["look"][name])


def said(run: proc.Runner, argv: tuple[str, ...], seconds: float, input: str | None = None) -> str:
    """What a program prints; raises NoAnswer."""
    try:
        result = run(argv, timeout=seconds, input=input, env=kubectl.ENVIRONMENT, check=False)
    except proc.CommandMissing as error:
        raise NoAnswer(Trouble.MISSING, str(error)) from None
    except proc.CommandTimeout as error:
        raise NoAnswer(Trouble.SILENT, str(error)) from None
    if not result.ok:
        raise no_answer(f"{result.stderr}\n{result.stdout}")
    return result.stdout


def no_answer(text: str) -> NoAnswer:
    """The reason that a program's words of failure give."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for word, patterns in table("kubectl")["troubles"]:
        for line in lines:
            if any(re.search(pattern, line) for pattern in patterns):
                return NoAnswer(Trouble(word), _short(line))
    plain = [line for line in lines if not _LOG_LINE.match(line)] or lines
    return NoAnswer(Trouble.FAILING, _short(plain[-1]) if plain else "it ends without a word")


def _short(line: str) -> str:
    size = int(look("detail"))
    line = _PREAMBLE.sub("", _LOG_LINE.sub("", line), count=1)
    return line if len(line) <= size else f"{line[: size - 1]}…"


def objects(text: str) -> list[dict[str, Any]]:
    """One JSON object after the other; raises NoAnswer for anything else, and for nothing."""
    decoder, found, place = json.JSONDecoder(), [], 0
    text = text.strip()
    try:
        while place < len(text):
            one, place = decoder.raw_decode(text, place)
            found.append(one)
            while text[place : place + 1].isspace():
                place += 1
    except (ValueError, RecursionError):
        raise NoAnswer(Trouble.FAILING, f"no JSON: {_short(text[:80])}") from None
    if not found or not all(isinstance(one, dict) for one in found):
        raise NoAnswer(Trouble.FAILING, "no JSON object")
    return found


def fact(source: str, work: Callable[[], T]) -> Fact[T]:
    """What ``work`` finds, or the reason why it does not."""
    try:
        return known(work(), source)
    except NoAnswer as error:
        return unknown(source, error.reason)
    except Exception as error:  # noqa: BLE001  # whatever a cluster answers, a probe never raises
        return unknown(source, f"{Trouble.FAILING.value}: {type(error).__name__}: {error}")


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
