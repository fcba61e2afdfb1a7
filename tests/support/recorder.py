"""A runner that answers from a record instead of running anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploy_kit import proc


@dataclass
class Recorder:
    """``answers`` maps the beginning of a command line to what it prints, to its exit code, or to how it fails.

    ``asked`` is every command line in order; one without an answer is a program that is not installed.
    """

    answers: Mapping[str, str | int | proc.CommandError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        input: str | None = None,
        env: Mapping[str, str | None] | None = None,
        check: bool = True,
    ) -> proc.Completed:
        line = " ".join(argv)
        self.asked.append(line)
        found = [answer for start, answer in self.answers.items() if line.startswith(start)]
        if not found:
            raise proc.CommandMissing(argv, "not found on PATH")
        answer = found[0]
        if isinstance(answer, proc.CommandError):
            raise answer
        result = proc.Completed(tuple(argv), answer if isinstance(answer, int) else 0, str(answer), "", 0.0)
        if check and not result.ok:
            raise proc.CommandFailed(result)
        return result
