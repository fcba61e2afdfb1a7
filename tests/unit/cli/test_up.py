"""``up`` and ``plan``: what is shown of a plan and of its outcome."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy_kit import codec
from deploy_kit.cli.commands import up as command
from deploy_kit.cli.main import main
from deploy_kit.cli.output import ask, program
from deploy_kit.client import Proof
from deploy_kit.errors import fail
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Finding, Message, Severity
from deploy_kit.lifecycle import licence, up
from deploy_kit.lifecycle.licence import Licence, Terms, again
from deploy_kit.lifecycle.model import ModelStatus, failure
from deploy_kit.lifecycle.offer import Offer, offer, remember, remembered
from deploy_kit.lifecycle.outcome import Outcome
from deploy_kit.plan.steps import Operation, Step
from deploy_kit.progress import Event, EventKind
from deploy_kit.run.state import State
from tests.support import samples

FACTS = Path(__file__).parents[2] / "facts"
STEPS = (
    Step(Operation.BUILD_IMAGE, "deploykit/core:1", Message.of("plan.image-missing")),
    Step(Operation.START_SERVICE, "indextts", Message.of("plan.service-missing"), interrupts=True),
)
OUTCOME = Outcome(
    changed=True, url="http://192.168.1.5:7860", variant="core", device="cpu", engine="espeak", target="compose",
    image="deploykit/core:1", image_bytes=300 * 10**6, timings=(("build-image", 12.0),),
    proof=Proof(22050, 3.2, 0.5, "espeak", 0.03), findings=(), key="the-key", firewall=(("ufw", "allow"),),
)  # fmt: skip


@pytest.fixture
def lifecycle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A lifecycle that plans `steps` with `blockers`, and whose `carry_out` can be replaced."""
    own = SimpleNamespace(steps=STEPS, blockers=(), act=lambda report: OUTCOME)

    def prepare(request: object, *, facts: object = None) -> SimpleNamespace:
        verdict = SimpleNamespace(findings=own.blockers, blockers=own.blockers)
        return SimpleNamespace(steps=own.steps, verdict=verdict, stack=samples.stack())

    monkeypatch.setattr(command, "settled", lambda request: None)
    monkeypatch.setattr(up, "prepare", prepare)

    def carry_out(prepared: object, request: object, report: object, consent: object, **wish: object) -> Outcome:
        own.wish = wish
        return own.act(report)

    monkeypatch.setattr(up, "carry_out", carry_out)
    monkeypatch.chdir(tmp_path)
    return own


def test_the_summary_names_everything_and_shows_the_key_once(lifecycle, capsys) -> None:
    assert main(["up"], {}) == 0
    out, err = capsys.readouterr()
    assert out.count("the-key") == 1
    assert "the-key" not in err
    for word in ("http://192.168.1.5:7860", "core", "espeak", "300.0 MB", "22050 Hz", "12 s", "ufw allow"):
        assert word in out


def test_the_summary_says_what_the_model_is_doing(lifecycle, capsys) -> None:
    told = ModelStatus("indextts-2.5", "fetching", done_bytes=10**9, total_bytes=7 * 10**9, eta_seconds=600)
    lifecycle.act = lambda report: replace(OUTCOME, engine="indextts-2.5", model=told)
    main(["up"], {})
    out = capsys.readouterr().out
    assert "1.0 GB of 7.0 GB, about 10 min to go" in out
    assert "built-in voice answers until then" in out


def test_a_fallback_is_loud_in_the_summary(lifecycle, capsys) -> None:
    told = ModelStatus("indextts-2.5", "ready", "cpu", fallback_code="GPU-UVM", fallback="CUDA cannot start.")
    lifecycle.act = lambda report: replace(OUTCOME, engine="indextts-2.5", model=told)
    main(["up"], {})
    assert "GPU-UVM): CUDA cannot start." in capsys.readouterr().out


def test_without_an_engine_the_summary_ends_with_the_command_for_one_and_its_cost(lifecycle, capsys) -> None:
    offer = Offer(
        "indextts-2.5", ("deploykit", "up", "--engine", "indextts-2.5"), 7 * 10**9, 20 * 10**9, 9 * 10**9, "cpu", 20
    )
    lifecycle.act = lambda report: replace(OUTCOME, offer=offer)
    main(["up"], {})
    out = capsys.readouterr().out
    assert "deploykit up --engine indextts-2.5" in out
    assert "7.0 GB to fetch" in out


OFFER = Offer("indextts-2.5", again("indextts-2.5", "newcomer", "compose"), 7 * 10**9, 20 * 10**9, 9 * 10**9, "cpu", 20)
TYPED = (
    *("--config", "my settings.yaml", "--locale", "en", "up", "--name=newcomer", "--listen", "127.0.0.1:9"),
    *("--cache-volume", "big one", "--gpus", "GPU-1", "--gpus", "GPU-2", "-y", "--progress", "quiet"),
)
RETURNED = (
    *("--config", "my settings.yaml", "--locale", "en", "--listen", "127.0.0.1:9"),
    *("--cache-volume", "big one", "--gpus", "GPU-1", "--gpus", "GPU-2", "-y", "--progress", "quiet"),
)


def ways_to_run_again() -> dict[str, tuple[str, ...]]:
    """The commands that say how `up` is run again with the model, each from the one who says it."""
    wanted = samples.request(engine="indextts-2.5", name="newcomer")
    offered = offer(samples.request(name="newcomer"), codec.loads(HostFacts, (FACTS / "cpu-large.json").read_bytes()))
    assert offered is not None
    unlicensed = failure(ModelStatus("indextts-2.5", "unlicensed"), samples.model_stack(name="newcomer"))
    refused = licence.refused(licence.terms(wanted), "newcomer", "compose")
    return {"offer": offered.command, "licence": refused.commands[0], "model": unlicensed.finding.commands[0]}


@pytest.mark.parametrize("who", ["offer", "licence", "model"])
def test_to_run_up_again_returns_every_flag_that_was_given(who: str) -> None:
    program.typed(TYPED)
    command_ = ways_to_run_again()[who]
    accept = ("--accept-license",) if who != "offer" else ()
    whole = ("deploykit", "up", "--engine", "indextts-2.5", "--name", "newcomer", *accept, *RETURNED)
    assert program.complete(command_) == whole
    assert program.shown(command_) == shlex.join(whole)


@pytest.mark.parametrize("who", ["offer", "licence", "model"])
@pytest.mark.parametrize("address", ["https://joe:s3cret@x.example/", "https://s3cret@x.example/"])
def test_to_run_up_again_returns_no_password(who: str, address: str) -> None:
    program.typed(("up", "--weights-source", address, f"--build-package-index={address}", "--device", "cpu"))
    assert "s3cret" not in program.shown(ways_to_run_again()[who])
    assert program.shown(ways_to_run_again()[who]).endswith(" --device cpu")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (("up", "--no-accept-license"), "deploykit up --accept-license"),
        (("up", "--dry-run", "--output", "json", "--wait-for-model"), "deploykit up --accept-license --wait-for-model"),
        (("build", "--yes", "--device=cpu"), "deploykit up --accept-license --device=cpu"),
        (("plan", "--listen"), "deploykit up --accept-license"),
    ],
)
def test_what_contradicts_or_only_looks_is_not_repeated(typed: tuple[str, ...], shown: str) -> None:
    program.typed(typed)
    assert program.shown(("deploykit", "up", "--accept-license")) == shown


def test_help_is_shown_without_settings() -> None:
    program.typed(("up", "--listen", "127.0.0.1:9"))
    assert program.shown(("deploykit", "up", "--help")) == "deploykit up --help"


def test_an_up_that_finds_nothing_to_do_says_the_offer_again(lifecycle, monkeypatch, capsys) -> None:
    monkeypatch.setattr(command, "settled", lambda request: replace(OUTCOME, changed=False, offer=OFFER))
    main(["up"], {})
    assert "deploykit up --engine indextts-2.5" in capsys.readouterr().out
    main(["up", "--progress", "quiet"], {})
    assert "indextts-2.5" not in capsys.readouterr().out


def test_what_was_offered_is_remembered_for_the_built_in_voice_only(tmp_path: Path) -> None:
    state, plain = State("indextts", tmp_path), samples.request()
    assert remembered(plain, state) is None
    state.folder.mkdir()
    remember(state, replace(OFFER, obstacles=(Finding.of("HOST-DISK", Severity.BLOCKER, "/", free=1, need=2),)))
    found = remembered(plain, state)
    assert found is not None
    assert (found.command, found.obstacles[0].code) == (OFFER.command, "HOST-DISK")
    assert remembered(samples.request(engine="indextts-2.5"), state) is None
    assert remembered(samples.request(variant="core"), state) is None
    remember(state, None)
    assert remembered(plain, state) is None
    (state.folder / "offer.json").write_text("{")
    assert remembered(plain, state) is None


def test_the_offer_keeps_what_was_typed_on_paper_and_in_json(lifecycle, capsys) -> None:
    lifecycle.act = lambda report: replace(OUTCOME, offer=OFFER)
    typed = ["up", "--name", "newcomer", "--listen", "127.0.0.1:9", "--cache-volume", "big"]
    whole = ["deploykit", "up", "--engine", "indextts-2.5", *typed[1:]]
    main(typed, {})
    assert f"    {shlex.join(whole)}\n" in capsys.readouterr().out
    main([*typed, "--output", "json"], {})
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["offer"]["command"] == whole


def test_the_hints_mean_the_stack_of_this_very_run(lifecycle, tmp_path, capsys) -> None:
    (tmp_path / "my own.yaml").write_text("name: radio\n")
    told = ModelStatus("indextts-2.5", "loading")
    lifecycle.act = lambda report: replace(OUTCOME, engine="indextts-2.5", model=told)
    main(["up", "--config", "my own.yaml"], {})
    out = capsys.readouterr().out
    assert "`deploykit status --watch --name radio --config 'my own.yaml'`" in out
    assert "deploykit logs -f --name radio --config 'my own.yaml'" in out


def test_to_wait_for_the_model_is_never_settled_before(lifecycle, monkeypatch, capsys) -> None:
    monkeypatch.setattr(command, "settled", lambda request: OUTCOME)
    main(["up", "--wait-for-model"], {})
    assert lifecycle.wish["wait_for_model"] is True


TERMS = Terms("indextts-2.5", (Licence("bilibili-model-use", "The Licence", "https://licence.example/", ("a/b",)),), 7)


@pytest.mark.parametrize(("argv", "answer"), [(["up"], True), (["up", "--yes"], False), (["up", "-y"], False)])
def test_yes_to_everything_is_no_yes_to_a_licence(
    lifecycle, monkeypatch, capsys, argv: list[str], answer: bool
) -> None:
    monkeypatch.setattr(ask, "_person", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: "y")
    main(argv, {})
    assert lifecycle.wish["ask"](TERMS) is answer
    assert ("https://licence.example/" in capsys.readouterr().err) is answer


def test_where_nobody_sits_a_licence_is_not_accepted(lifecycle, monkeypatch) -> None:
    monkeypatch.setattr(ask, "_person", lambda: False)
    main(["up"], {})
    assert lifecycle.wish["ask"](TERMS) is False


def test_the_next_commands_name_the_stack(lifecycle, capsys) -> None:
    main(["up", "--name", "radio"], {})
    assert "deploykit status --name radio" in capsys.readouterr().out


def test_json_is_events_and_then_the_outcome(lifecycle, capsys) -> None:
    def act(report):
        report(Event(EventKind.STEP, "build-image", "x"))
        return OUTCOME

    lifecycle.act = act
    assert main(["up", "--output", "json"], {}) == 0
    step, outcome = (json.loads(row) for row in capsys.readouterr().out.splitlines())
    assert (step["event"], outcome["event"]) == ("step", "outcome")
    assert (outcome["changed"], outcome["proof"]["rate"], outcome["key"]) == (True, 22050, "the-key")


def test_a_failure_ends_the_events_with_the_finding(lifecycle, capsys) -> None:
    def act(report):
        raise fail("CONFIG-EXISTS", "x")

    lifecycle.act = act
    assert main(["up", "--output", "json"], {}) == 2
    assert json.loads(capsys.readouterr().out)["event"] == "failure"


def test_ctrl_c_in_a_step_says_how_to_go_on(lifecycle, capsys) -> None:
    def act(report):
        raise KeyboardInterrupt

    lifecycle.act = act
    assert main(["up"], {}) == 130
    assert "deploykit up" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["plan"], ["up", "--dry-run"]])
def test_a_plan_shows_steps_with_their_causes_and_does_nothing(lifecycle, capsys, argv: list[str]) -> None:
    lifecycle.act = None
    assert main(argv, {}) == 0
    assert capsys.readouterr().out.splitlines() == [
        " 1. build the image: deploykit/core:1",
        "      there is no image of these inputs yet",
        " 2. start the service: indextts  [interrupts the service]",
        "      the service does not exist yet",
    ]


def test_an_empty_plan_says_so(lifecycle, capsys) -> None:
    lifecycle.steps = ()
    assert main(["plan"], {}) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_a_blocked_plan_exits_with_the_blockers_code(lifecycle, capsys) -> None:
    lifecycle.blockers = (Finding.of("ENGINE-NOT-THERE", Severity.BLOCKER, "docker"),)
    assert main(["plan", "--output", "json"], {}) == 5
    document = json.loads(capsys.readouterr().out)
    assert [step["operation"] for step in document["steps"]] == ["build-image", "start-service"]
    assert document["findings"][0]["code"] == "ENGINE-NOT-THERE"
