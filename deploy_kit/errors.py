"""The failures of deploykit: one exception, whose finding's family decides the exit code.

Exit codes are part of the contract with scripts and are documented in the README.
"""

from __future__ import annotations

from enum import IntEnum

from deploy_kit.findings import Finding, Severity, arguments


class ExitCode(IntEnum):
    """What the process answers; the numbers never change their meaning."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    DRIFT = 3
    HOST = 4
    ENGINE = 5
    BUILD = 6
    HEALTH = 7
    VERIFY = 8
    CACHE = 9
    LOCK = 10
    INTERRUPTED = 130


_FAMILIES = {
    "INTERNAL": ExitCode.INTERNAL,
    "USAGE": ExitCode.USAGE,
    "CONFIG": ExitCode.USAGE,
    "DRIFT": ExitCode.DRIFT,
    "HOST": ExitCode.HOST,
    "GPU": ExitCode.HOST,
    "CLUSTER": ExitCode.HOST,
    "ENGINE": ExitCode.ENGINE,
    "BASE": ExitCode.BUILD,
    "BUILD": ExitCode.BUILD,
    "HEALTH": ExitCode.HEALTH,
    "SPEECH": ExitCode.VERIFY,
    "VERIFY": ExitCode.VERIFY,
    "CACHE": ExitCode.CACHE,
    "LOCK": ExitCode.LOCK,
}


def exit_code(finding: Finding) -> ExitCode:
    """The exit code of a finding: its code's family (the part before the first dash)."""
    return _FAMILIES[finding.code.split("-", 1)[0]]


class Failure(Exception):
    """Work that cannot go on, with the finding that says why and what to do."""

    def __init__(self, finding: Finding, *more: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding
        self.more = more

    @property
    def exit_code(self) -> ExitCode:
        return exit_code(self.finding)


def fail(
    code: str,
    subject: str = "",
    *,
    commands: tuple[tuple[str, ...], ...] = (),
    **args: object,
) -> Failure:
    """A failure with a blocking finding of this code; the caller raises it."""
    return Failure(Finding(code, Severity.BLOCKER, subject, arguments({"subject": subject} | args), (), commands))
