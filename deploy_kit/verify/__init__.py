"""The checks that users run on their image: a testinfra suite, and what runs it and reads its result."""

from deploy_kit.verify.runner import Check, Outcome, Report, run

__all__ = ["Check", "Outcome", "Report", "run"]
