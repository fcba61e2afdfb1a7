"""How a plan looks: the steps with their causes, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_kit.cli.output import findings
from deploy_kit.cli.output.plain import step_name
from deploy_kit.errors import exit_code

if TYPE_CHECKING:
    from deploy_kit.cli.session import Session
    from deploy_kit.lifecycle.up import Prepared
    from deploy_kit.plan.steps import Operation, Step

__all__ = ["show", "step_name"]


def show(session: Session, prepared: Prepared, only: tuple[Operation, ...] | None = None) -> int:
    """Print the plan (or its steps of these operations); the exit code of the first blocker, else 0."""
    steps = [step for step in prepared.steps if only is None or step.operation in only]
    found = findings.ordered(prepared.verdict.findings)
    if session.json:
        session.emit(
            {
                "stack": prepared.stack.digest,
                "steps": [_document(session, step) for step in steps],
                "findings": [findings.document(finding, session.words) for finding in found],
            }
        )
    else:
        for number, step in enumerate(steps, 1):
            session.say(_line(session, number, step))
        if not steps:
            session.say(session.words("cli.plan_nothing"))
        for finding in found:
            session.say("\n" + findings.text(finding, session.words))
    blockers = prepared.verdict.blockers
    return int(exit_code(blockers[0])) if blockers else 0


def _document(session: Session, step: Step) -> dict[str, object]:
    return {
        "operation": step.operation.value,
        "subject": step.subject,
        "cause": findings.sentence(step.cause, session.words),
        "cause_key": step.cause.key,
        "interrupts": step.interrupts,
    }


def _line(session: Session, number: int, step: Step) -> str:
    words = session.words
    head = f"{number:2}. {step_name(step.operation.value, words)}" + (f": {step.subject}" if step.subject else "")
    mark = f"  [{words('cli.plan_interrupts')}]" if step.interrupts else ""
    return f"{head}{mark}\n      {findings.sentence(step.cause, words)}"
