"""The kernel's own words about NVIDIA, nouveau and the signatures of modules, since the last start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from deploy_kit import proc
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Fact, known, unknown

_DEVICE = "/dev/kmsg"
_SECONDS = 3.0
_JOURNAL = ("journalctl", "-k", "-b", "-q", "--no-pager", "-o", "short-monotonic", "-n", "20000")
_COMMANDS = (("dmesg",), _JOURNAL)
_FIRST, _LAST = 100, 200
"""What is kept of a flood: the beginning, where the cause stands, and the end."""
_LINE_LENGTH = 400
_RECORD = re.compile(r"(\d{1,9}),\d+,(\d{1,18}),[^;\n]*;(.*)")
_STAMPED = re.compile(r"\[ *\d+\.\d+\] ")
_MATTERS = (
    "nvrm",
    "nvidia",
    "nouveau",
    "nova_core",
    "nova-core",
    "module verification failed",
    "unsigned module",
    "key was rejected by service",
    "required key not available",
    "version magic",
    "disagrees about version of symbol",
    "secure boot",
    "secureboot",
)
_CHATTER = ("audit:", "audit(", "ommand line:")
"""Reports of access rules, by the thousand on some desktops; and the kernel's own options, which may hold passwords."""
_PRIVATE = re.compile(r"(/home/|Serial Number:? ?)[^/\s,;:]+")


def read(context: Context) -> Fact[tuple[str, ...]]:
    """The lines that matter, oldest first: from the kernel's device, else as `dmesg` or the journal has them."""
    try:
        records = context.kernel.log(context.path(_DEVICE))
    except OSError as error:
        return _printed(context, f"{_DEVICE}: {error.strerror or error}")
    return _kept(_DEVICE, _stamped(records.splitlines()))


def _printed(context: Context, why: str) -> Fact[tuple[str, ...]]:
    """What programs may read that we may not."""
    for command in _COMMANDS:
        try:
            answer = context.run(command, timeout=_SECONDS, check=False, env={"LC_ALL": "C"})
        except proc.CommandError:
            continue
        if answer.ok and answer.stdout.strip():
            return _kept(command[0], (_without_host(line) for line in answer.stdout.splitlines()))
    return unknown(_DEVICE, why)


def _stamped(records: Iterable[str]) -> Iterator[str]:
    """The kernel's own records as `dmesg` prints them; other programs may write into its log as well."""
    for record in records:
        if (match := _RECORD.match(record)) and int(match[1]) < 8:
            seconds, rest = divmod(int(match[2]), 1_000_000)
            yield f"[{seconds:5d}.{rest:06d}] {match[3]}"


def _without_host(line: str) -> str:
    """The journal writes ``[   12.345678] name kernel: text``."""
    stamp = _STAMPED.match(line)
    name, kernel, text = line[stamp.end() if stamp else 0 :].partition(" kernel: ")
    return f"{stamp[0] if stamp else ''}{text}" if kernel and " " not in name else line


def _kept(source: str, lines: Iterable[str]) -> Fact[tuple[str, ...]]:
    found = [line[:_LINE_LENGTH] for line in lines if _matters(line)]
    if len(found) > _FIRST + _LAST:
        left = len(found) - _FIRST - _LAST
        found = [*found[:_FIRST], *found[-_LAST:]]
        return known(tuple(map(_redacted, found)), source, f"{left} lines between the first and the last left out")
    return known(tuple(map(_redacted, found)), source, "" if found else "nothing about NVIDIA or signatures")


def _matters(line: str) -> bool:
    small = line.lower()
    return any(word in small for word in _MATTERS) and not any(word in line for word in _CHATTER)


def _redacted(line: str) -> str:
    """Without people's names and the numbers that makers give to single cards."""
    return _PRIVATE.sub(r"\1***", line)
