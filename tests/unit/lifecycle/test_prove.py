"""``doctor --prove``: what is asked of the container engine, and what is made of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from deploy_kit import proc
from deploy_kit.compat import DeviceRequest, RequestKind
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Finding
from deploy_kit.lifecycle import build, prove, up
from deploy_kit.plan.stack import Target
from deploy_kit.tools import docker
from tests.support import samples

REQUEST = samples.request(engine="indextts-2.5")
USABLE = {"code": None, "name": "NVIDIA L4", "capability": "8.9", "torch": "2.8.0", "cuda": "12.8", "detail": ""}
Try = Callable[..., prove.Seen]


def quiet(event: object) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(
    ("gpu", "words"),
    [
        (DeviceRequest(RequestKind.RESERVATION), ("--gpus", "all")),
        (DeviceRequest(RequestKind.RESERVATION, ("GPU-a", "GPU-b")), ("--gpus", '"device=GPU-a,GPU-b"')),
        (DeviceRequest(RequestKind.CDI, ("nvidia.com/gpu=all",)), ("--device", "nvidia.com/gpu=all")),
        (DeviceRequest(RequestKind.RUNTIME), ("--runtime", "nvidia")),
    ],
)
def test_the_card_is_asked_for_as_the_service_asks(gpu: DeviceRequest, words: tuple[str, ...]) -> None:
    command = prove.container(samples.model_stack(gpu))
    assert prove.asked(gpu) == words
    assert command[command.index(words[0]) :][: len(words)] == words
    assert ("NVIDIA_VISIBLE_DEVICES=" in " ".join(command)) is (gpu.kind is not RequestKind.CDI)


def test_the_container_is_as_bare_as_the_services() -> None:
    command = " ".join(prove.container(samples.model_stack(DeviceRequest(RequestKind.RESERVATION))))
    for word in ("--rm", "--network none", "--read-only", "--cap-drop ALL", "no-new-privileges", "--pull never"):
        assert word in command
    assert command.endswith(samples.model_stack().image.reference)


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Try:
    """Prove with these answers of engine and person."""

    def go(
        answer: proc.Completed | proc.CommandError | None = None,
        *,
        device: str = "cuda",
        image: bool = True,
        agreed: bool = False,
        blockers: tuple[Finding, ...] = (),
    ) -> prove.Seen:
        stack = samples.model_stack(DeviceRequest(RequestKind.RESERVATION) if device == "cuda" else None)
        verdict = SimpleNamespace(device=device, findings=(fail("GPU-NONE").finding,), blockers=blockers)
        prepared = SimpleNamespace(stack=stack, verdict=verdict)
        assert stack.target is Target.COMPOSE

        def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
            assert answer is not None
            if isinstance(answer, proc.CommandError):
                raise answer
            return answer

        monkeypatch.setattr(up, "prepare", lambda request: prepared)
        monkeypatch.setattr(docker, "image", lambda reference: object() if image else None)
        monkeypatch.setattr(build, "alone", lambda *_: made.append("image"))
        monkeypatch.setattr(proc, "run", run)
        return prove.prove(REQUEST, quiet, lambda *_: agreed)

    made: list[str] = []
    go.made = made  # type: ignore[attr-defined]
    return go


def said(code: int, out: str = "", err: str = "") -> proc.Completed:
    return proc.Completed(("docker",), code, out, err, 1.0)


def test_a_card_that_calculates_is_named_with_torch(attempt: Try) -> None:
    seen = attempt(said(0, f"a warning of torch\n{json.dumps(USABLE)}\n"))
    assert (seen.outcome, seen.findings) == (prove.Outcome.USABLE, ())
    assert dict(seen.guard)["torch"] == "2.8.0"


def test_the_guards_code_is_passed_on(attempt: Try) -> None:
    verdict = USABLE | {"code": "GPU-FORWARD-COMPAT", "detail": "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"}
    seen = attempt(said(4, json.dumps(verdict)))
    assert seen.outcome is prove.Outcome.UNUSABLE
    assert dict(seen.findings[0].args)["cause"] == "GPU-FORWARD-COMPAT"


def test_an_engine_that_refuses_the_card_is_told_from_a_guard_that_died(attempt: Try) -> None:
    refused = attempt(said(125, err='docker: Error response from daemon: could not select device driver "nvidia".'))
    died = attempt(said(139, err="Segmentation fault"))
    causes = [dict(seen.findings[0].args)["cause"] for seen in (refused, died)]
    assert causes == ["GPU-NOT-GRANTED", "GPU-PROBE-CRASHED"]


def test_no_end_is_an_answer(attempt: Try) -> None:
    seen = attempt(proc.CommandTimeout(("docker",), "no end after 330 s"))
    assert dict(seen.findings[0].args)["cause"] == "GPU-PROBE-HUNG"


def test_without_an_image_the_command_is_shown(attempt: Try) -> None:
    seen = attempt(image=False)
    assert (seen.outcome, seen.commands) == (prove.Outcome.NO_IMAGE, (("deploykit", "build"),))


def test_the_image_is_made_first_where_that_is_agreed_to(attempt: Try) -> None:
    seen = attempt(said(0, json.dumps(USABLE)), image=False, agreed=True)
    assert seen.outcome is prove.Outcome.USABLE
    assert attempt.made == ["image"]  # type: ignore[attr-defined]


def test_where_no_card_would_be_used_there_is_nothing_to_prove(attempt: Try) -> None:
    seen = attempt(device="cpu")
    assert seen.outcome is prove.Outcome.NO_CARD
    assert [finding.code for finding in seen.findings] == ["GPU-NONE"]
    assert seen.refused  # for that finding is a blocker here: a card was demanded


@pytest.mark.parametrize(("code", "tried"), [("ENGINE-IMPOSSIBLE", False), ("GPU-SNAP", False), ("HOST-DISK", True)])
def test_what_bars_the_way_to_the_card_is_said_and_what_does_not_bars_nothing(
    attempt: Try, code: str, tried: bool
) -> None:
    seen = attempt(said(0, json.dumps(USABLE)), blockers=(fail(code).finding,))
    assert seen.outcome is (prove.Outcome.USABLE if tried else prove.Outcome.NO_CARD)


def test_the_built_in_voice_needs_no_card() -> None:
    assert prove.prove(samples.request(), quiet, lambda *_: True).outcome is prove.Outcome.NO_MODEL


def test_what_building_fails_with_is_a_failure(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise fail("BUILD-FAILED")

    with pytest.raises(Failure):
        attempt_with(attempt, monkeypatch, refuse)


def attempt_with(attempt: Try, monkeypatch: pytest.MonkeyPatch, build_it: Callable[..., None]) -> prove.Seen:
    attempt(image=False)
    monkeypatch.setattr(build, "alone", build_it)
    return prove.prove(REQUEST, quiet, lambda *_: True)
