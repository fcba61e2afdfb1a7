"""What ``doctor --fix`` offers, asks, runs, and never runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy_kit import codec, proc
from deploy_kit.compat import Verdict
from deploy_kit.facts import HostFacts, known
from deploy_kit.findings import Message
from deploy_kit.lifecycle import doctor, fix
from deploy_kit.progress import Event
from tests.support import samples
from tests.support.hosts import FACTS

HOSTS = sorted(path.stem for path in FACTS.glob("*.json"))
REQUEST = samples.request(engine="indextts-2.5")
Command = tuple[str, ...]


def host(name: str, *, root: bool = False, sudo: bool | None = None) -> HostFacts:
    facts = codec.loads(HostFacts, (FACTS / f"{name}.json").read_text(encoding="utf-8"))
    rights = facts.privileges
    if root:
        rights = dataclasses.replace(rights, uid=known(0, "test"), user=known("root", "test"))
    if sudo is not None:
        rights = dataclasses.replace(rights, sudo=known(sudo, "test"))
    return dataclasses.replace(facts, privileges=rights)


def judged(facts: HostFacts) -> tuple[HostFacts, Verdict]:
    return doctor.examine(REQUEST, facts)


def offered(name: str, **rights: bool) -> tuple[fix.Offer, ...]:
    return fix.offers(*judged(host(name, **rights)))


class Person:
    """Answers every question the same way and remembers what was asked."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.asked: list[tuple[Message, tuple[Command, ...]]] = []

    def __call__(self, message: Message, commands: tuple[Command, ...]) -> bool:
        self.asked.append((message, commands))
        return self.answer


def quiet(event: Event) -> None:
    """Nobody listens."""


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """Every command that was run instead of being run."""
    commands: list[Command] = []

    def run(argv: Command, *more: object, **options: object) -> proc.Completed:
        commands.append(tuple(argv))
        said = {"info": "false", "ps": "web\ndb\n"}.get(argv[1] if len(argv) > 1 else "", "")
        return proc.Completed(tuple(argv), 0, said, "", 0.0)

    for name in ("run", "stream", "foreground"):
        monkeypatch.setattr(proc, name, run)
    return commands


@pytest.mark.parametrize(
    ("name", "code", "commands"),
    [
        ("gpu-cdi-off", "GPU-TOOLKIT-UNUSED", ["nvidia-ctk runtime configure", "systemctl restart docker"]),
        (
            "gpu-no-toolkit",
            "GPU-NO-TOOLKIT",
            ["apt-get install --yes nvidia-container-toolkit", "nvidia-ctk", "systemctl"],
        ),
        ("gpu-cdi-stale-29", "GPU-CDI-STALE", ["nvidia-ctk cdi generate"]),
        ("gpu-cdi-stale", "GPU-CDI-STALE", ["systemctl restart nvidia-cdi-refresh.service"]),
        ("gpu-no-uvm", "GPU-UVM", ["nvidia-modprobe -u -c=0"]),
        ("gpu-not-loaded", "GPU-NOT-LOADED", ["modprobe nvidia"]),
        ("forbidden-socket", "ENGINE-FORBIDDEN", ["usermod -aG docker ada"]),
        ("stopped-no-sudo", "ENGINE-STOPPED", ["systemctl start docker"]),
        ("clock-wrong", "HOST-CLOCK", ["timedatectl set-ntp true"]),
    ],
)
def test_what_can_be_mended_is_offered(name: str, code: str, commands: list[str]) -> None:
    offer = next(one for one in offered(name) if one.code == code)
    shown = [" ".join(command).removeprefix("sudo ") for command in offer.commands]
    assert len(shown) == len(commands)
    assert all(text.startswith(start) for text, start in zip(shown, commands, strict=True))


@pytest.mark.parametrize("name", HOSTS)
def test_nothing_is_ever_removed_no_driver_installed_and_nothing_restarted_but_the_engine(name: str) -> None:
    for offer in offered(name):
        for command in offer.commands:
            assert fix.allowed(tuple(word for word in command if word not in fix._UNASKED.values()))
            assert not {"reboot", "remove", "purge", "autoremove", "-R", "shutdown"} & set(command)
            assert not any(word.startswith(("nvidia-driver", "linux-", "nvidia-open", "akmod")) for word in command)


@pytest.mark.parametrize(
    "command",
    [
        ("sudo", "reboot"),
        ("apt-get", "remove", "podman-docker"),
        ("sudo", "apt-get", "install", "nvidia-driver-570"),
        ("sudo", "ubuntu-drivers", "install", "--gpgpu"),
        ("systemctl", "restart", "sshd"),
        ("systemctl", "enable", "--now", "evil"),
        ("modprobe", "nouveau"),
        ("snap", "remove", "docker"),
        ("sh", "-c", "anything"),
        ("sudo", "usermod", "-aG", "docker", "$USER"),
    ],
)
def test_what_a_person_has_to_do_is_not_done_for_him(command: Command) -> None:
    assert not fix.allowed(command)


def test_what_comes_after_a_command_that_is_left_to_a_person_is_left_too() -> None:
    done, left = fix._split((("dkms", "autoinstall"), ("modprobe", "nvidia")))
    assert (done, left) == ((), (("dkms", "autoinstall"), ("modprobe", "nvidia")))


def test_a_missing_engine_is_offered_as_up_offers_it() -> None:
    (offer, *_) = offered("ubuntu-2404-bare")
    assert offer.code == "ENGINE-INSTALL"
    assert offer.setup is not None
    assert any("docker.io" in command for command in fix.commands(offer, host("ubuntu-2404-bare")))


def mend(name: str, person: Person, *, dry_run: bool = False, **rights: bool) -> fix.Mended:
    facts = host(name, **rights)
    return fix.mend(REQUEST, quiet, person, dry_run=dry_run, examine=lambda: judged(facts))


def test_a_dry_run_shows_everything_and_runs_and_asks_nothing(ran: list[Command]) -> None:
    person = Person()
    (deed,) = mend("gpu-cdi-off", person, dry_run=True).deeds
    assert (deed.result, person.asked, ran) == (fix.Result.SHOWN, [], [])
    assert deed.commands[0][-3:] == ("runtime", "configure", "--runtime=docker")


def test_a_no_is_a_no(ran: list[Command]) -> None:
    (deed,) = mend("gpu-cdi-stale-29", Person(answer=False)).deeds
    assert (deed.result, ran) == (fix.Result.DECLINED, [])


def test_what_is_run_is_what_was_shown(ran: list[Command]) -> None:
    person = Person()
    (deed,) = mend("gpu-cdi-stale-29", person).deeds
    assert deed.result is fix.Result.DONE
    assert tuple(ran) == person.asked[0][1] == deed.commands


def test_the_containers_that_stop_are_named(ran: list[Command]) -> None:
    person = Person()
    mend("gpu-cdi-off", person)
    message = person.asked[0][0]
    assert message.key == "fix.ask-restart-stops"
    assert dict(message.args)["containers"] == "db, web"


def test_without_rights_nothing_is_tried_and_the_commands_are_shown(ran: list[Command]) -> None:
    (deed,) = mend("gpu-cdi-off", Person(), sudo=False).deeds
    assert (deed.result, ran) == (fix.Result.NO_RIGHTS, [])
    assert deed.commands


def test_what_this_user_may_not_mend_is_not_promised() -> None:
    counts = [fix.possible(*judged(host("forbidden-socket", sudo=sudo))) for sudo in (True, False)]
    assert counts == [1, 0]


def test_a_toolkit_that_no_source_has_is_not_tried(monkeypatch: pytest.MonkeyPatch, ran: list[Command]) -> None:
    answer = proc.Completed((), 100, "", "E: No packages found", 0.0)
    monkeypatch.setattr(proc, "run", lambda argv, **_: answer)
    (deed,) = mend("gpu-no-toolkit", Person()).deeds
    assert (deed.result, ran) == (fix.Result.NO_SOURCE, [])


def test_a_command_that_fails_is_told_and_the_next_offer_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argv: Command, *_: object, **__: object) -> proc.Completed:
        raise proc.CommandFailed(proc.Completed(tuple(argv), 1, "", "no such device", 0.0))

    monkeypatch.setattr(proc, "foreground", fail)
    deeds = mend("gpu-no-uvm", Person()).deeds
    assert [(deed.result, "no such device" in deed.detail) for deed in deeds] == [(fix.Result.FAILED, True)]


def test_what_failed_half_way_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(argv: Command, *more: object, **options: object) -> proc.Completed:
        raise proc.CommandMissing(argv, "not found on PATH")

    for name in ("run", "stream", "foreground"):
        monkeypatch.setattr(proc, name, refuse)
    hosts = iter((host("gpu-cdi-off"), *2 * [host("stopped")]))

    done = fix.mend(REQUEST, quiet, Person(), examine=lambda: judged(next(hosts)))

    assert [deed.result for deed in done.deeds][:1] == [fix.Result.FAILED]
    assert done.facts == host("stopped")


def test_what_was_tried_once_is_not_tried_again(ran: list[Command]) -> None:
    done = mend("gpu-cdi-stale-29", Person())
    assert len(done.deeds) == 1
    assert (done.gone, done.new) == ((), ())


PROGRAMS = {
    "apt-cache": "exit 0",
    "apt-get": "touch $STATE/toolkit",
    "nvidia-ctk": "[ -e $STATE/toolkit ] && touch $STATE/configured",
    "systemctl": "[ -e $STATE/configured ] && touch $STATE/restarted",
    "docker": "case $1 in info) echo false;; ps) echo web;; esac",
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs on PATH that change a small machine, and write down how they were called."""
    folder, state = tmp_path / "bin", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    for name, text in PROGRAMS.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"$STATE/calls"\n{text}\n')
        program.chmod(0o755)
    monkeypatch.setenv("STATE", str(state))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return state


def looking(state: Path) -> Callable[[], tuple[HostFacts, Verdict]]:
    """The machine as it is now, on record."""

    def look() -> tuple[HostFacts, Verdict]:
        name = "gpu-ready" if (state / "restarted").exists() else "gpu-no-toolkit"
        return judged(host(name, root=True))

    return look


def test_a_host_without_the_toolkit_is_mended_end_to_end(machine: Path) -> None:
    person, events = Person(), list[Event]()

    done = fix.mend(REQUEST, events.append, person, examine=looking(machine))

    calls = (machine / "calls").read_text().splitlines()
    assert [call for call in calls if not call.startswith(("docker", "apt-cache"))] == [
        "apt-get install --yes nvidia-container-toolkit",
        "nvidia-ctk runtime configure --runtime=docker",
        "systemctl restart docker",
    ]
    assert dict(person.asked[0][0].args)["containers"] == "web"
    assert [finding.code for finding in done.gone] == ["GPU-NO-TOOLKIT", "HOST-EXPECT-CPU"]
    assert (done.before.device, done.verdict.device) == ("cpu", "cuda")
    assert [event.kind.value for event in events if event.step == fix.STEP][-1] == "done"


def test_a_link_that_breaks_ends_the_chain(machine: Path) -> None:
    (machine.parent / "bin/nvidia-ctk").write_text("#!/bin/sh\necho 'cannot write daemon.json' >&2\nexit 1\n")

    done = fix.mend(REQUEST, quiet, Person(), examine=looking(machine))

    assert [deed.result for deed in done.deeds] == [fix.Result.FAILED]
    assert "cannot write daemon.json" in done.deeds[0].detail
    assert not (machine / "restarted").exists()
