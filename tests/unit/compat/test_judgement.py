"""Every host on record, judged: the codes it gets, the setup that is offered, and the words it is told in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_kit import codec, compat, errors
from deploy_kit.compat import Verdict, Wish
from deploy_kit.facts import Fact, HostFacts, State
from deploy_kit.findings import Finding, Severity
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.hosts import FACTS
from tests.support.recorded import RECORDED

WISH = Wish("espeak", "auto", "auto", "compose", "127.0.0.1", 7860, 1 << 30, compat.build_bytes("auto", "compose"))
LOCAL = replace(WISH, target="local", build_bytes=compat.build_bytes("auto", "local"))
VOICE = "HOST-BUILT-IN-VOICE"


def facts(name: str) -> HostFacts:
    return codec.loads(HostFacts, (FACTS / f"{name}.json").read_text(encoding="utf-8"))


def judge(name: str, wish: Wish = WISH, *, ours: bool = False) -> Verdict:
    return compat.judge(facts(name), wish, port_is_ours=ours)


def codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.findings if finding.code != VOICE]


COMPOSE = [
    ("ubuntu-2404-ready", []),
    ("ubuntu-2404-bare", ["ENGINE-INSTALL"]),
    ("ubuntu-2204-bare-root", ["ENGINE-INSTALL"]),
    ("debian-12-bare", ["ENGINE-INSTALL"]),
    ("debian-12-client-only", ["ENGINE-INSTALL"]),
    ("debian-13-ready", []),
    ("mint-22-bare", ["ENGINE-INSTALL"]),
    ("wsl2-bare", ["ENGINE-INSTALL"]),
    ("local-no-speech", ["ENGINE-INSTALL"]),
    ("no-sudo", ["ENGINE-NO-RIGHTS"]),
    ("unprivileged-container", ["ENGINE-IMPOSSIBLE"]),
    ("gvisor", ["ENGINE-IMPOSSIBLE"]),
    ("wsl1", ["HOST-WSL1"]),
    ("rootless", []),
    ("rootless-stopped", ["ENGINE-STOPPED"]),
    ("docker-desktop", []),
    ("podman-shim", ["ENGINE-PODMAN"]),
    ("podman-socket", ["ENGINE-PODMAN"]),
    ("engine-too-old", ["ENGINE-TOO-OLD"]),
    ("debian-12-own-engine", ["ENGINE-TOO-OLD"]),
    ("compose-missing", ["ENGINE-PLUGINS-INSTALL"]),
    ("compose-missing-vendor", ["ENGINE-PLUGINS-INSTALL"]),
    ("buildx-old-no-sudo", ["ENGINE-PLUGINS"]),
    ("forbidden-socket", ["ENGINE-FORBIDDEN"]),
    ("silent-engine", ["ENGINE-SILENT"]),
    ("stopped", ["ENGINE-START"]),
    ("stopped-no-sudo", ["ENGINE-STOPPED"]),
    ("remote-unreachable", ["ENGINE-UNREACHABLE"]),
    ("remote-ready", []),
    ("disk-small", ["HOST-DISK"]),
    ("disk-tight", ["HOST-DISK-TIGHT"]),
    ("memory-small", ["HOST-MEMORY"]),
    ("memory-tight", ["HOST-MEMORY-TIGHT"]),
    ("port-taken", ["HOST-PORT-TAKEN"]),
    ("port-taken-unseen", ["HOST-PORT-TAKEN-UNSEEN"]),
    ("port-published", ["HOST-PORT-TAKEN"]),
    ("address-unknown", ["HOST-ADDRESS"]),
    ("alpine-bare", ["ENGINE-MISSING"]),
    ("fedora-bare", ["ENGINE-MISSING"]),
    ("raspberry-32bit", ["HOST-32BIT"]),
    ("riscv", ["HOST-ARCH"]),
    ("macos", ["HOST-MACOS"]),
    ("windows", ["HOST-WINDOWS"]),
    ("winpe", ["HOST-WINPE"]),
    ("cpu-large", []),
]


@pytest.mark.parametrize(("name", "expected"), COMPOSE, ids=[name for name, _ in COMPOSE])
def test_a_host_is_judged_for_containers(name: str, expected: list[str]) -> None:
    assert codes(judge(name)) == expected


def test_every_host_on_record_is_judged() -> None:
    on_record = {path.stem for path in FACTS.glob("*.json")} - set(RECORDED)

    assert {name for name, _ in COMPOSE} == {name for name in on_record if not name.startswith("gpu-")}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ubuntu-2404-bare", ["HOST-PYTHON-INSTALL"]),
        ("unprivileged-container", ["HOST-PYTHON-INSTALL"]),
        ("local-no-speech", ["HOST-SPEECH-INSTALL"]),
        ("alpine-bare", ["HOST-MUSL"]),
        ("disk-small", ["HOST-DISK", "HOST-PYTHON-INSTALL"]),
    ],
)
def test_a_host_is_judged_for_plain_processes(name: str, expected: list[str]) -> None:
    assert codes(judge(name, LOCAL)) == expected


def test_a_missing_python_is_told_of_even_where_uv_is_there_but_stands_in_nobodys_way() -> None:
    host = facts("ubuntu-2404-bare")
    with_uv = replace(host, local=replace(host.local, uv=Fact(State.KNOWN, "/usr/bin/uv", "PATH")))
    verdict = compat.judge(with_uv, LOCAL, port_is_ours=False)

    assert codes(verdict) == ["HOST-PYTHON-INSTALL"]
    assert verdict.blockers == ()


@pytest.mark.parametrize(
    ("name", "packages", "suite", "start"),
    [
        ("ubuntu-2404-bare", "docker.io docker-buildx docker-compose-v2 iptables ca-certificates", None, True),
        ("mint-22-bare", "docker.io docker-buildx docker-compose-v2 iptables ca-certificates", None, True),
        (
            "debian-12-bare",
            "docker.io docker-cli docker-buildx docker-compose iptables ca-certificates",
            "trixie",
            True,
        ),
        ("compose-missing", "docker-compose-v2", None, False),
        ("compose-missing-vendor", "docker-compose-plugin", None, False),
    ],
)
def test_what_can_be_installed_is_offered(name: str, packages: str, suite: str | None, start: bool) -> None:
    verdict = judge(name)

    assert verdict.blockers == ()
    assert verdict.setup is not None
    assert verdict.setup.packages is not None
    assert (" ".join(verdict.setup.packages.packages), verdict.setup.packages.suite) == (packages, suite)
    assert verdict.setup.start is start


def test_a_stopped_engine_is_only_started() -> None:
    assert judge("stopped").setup == compat.EngineSetup(None, start=True)


def test_a_blocked_host_is_offered_no_setup() -> None:
    offered = [name for name, _ in COMPOSE if judge(name).blockers and judge(name).setup]

    assert offered == []


@pytest.mark.parametrize("name", ["no-sudo", "unprivileged-container", "gvisor", "podman-shim", "alpine-bare"])
def test_where_no_engine_can_come_the_words_or_commands_name_the_local_target(name: str) -> None:
    (finding,) = judge(name).blockers
    said = Catalogue("en").text(finding.sentence("remedy").key, finding.args)

    assert "--target local" in said or ("deploykit", "up", "--target", "local") in finding.commands


def test_a_port_that_we_hold_ourselves_is_no_obstacle() -> None:
    assert codes(judge("port-taken", ours=True)) == []


def test_a_taken_port_is_answered_with_the_exact_command_for_another() -> None:
    (finding,) = judge("port-taken").blockers

    assert finding.commands == (("deploykit", "up", "--listen", "127.0.0.1:7862"),)


def test_a_forbidden_socket_is_answered_with_the_users_own_name() -> None:
    assert judge("forbidden-socket").blockers[0].commands == (("sudo", "usermod", "-aG", "docker", "ada"),)


def test_an_image_that_is_there_needs_no_room() -> None:
    assert codes(judge("disk-small", replace(WISH, build_bytes=0))) == []


def test_unknown_facts_stand_in_nobodys_way() -> None:
    lost = codec.from_plain(HostFacts, _emptied(codec.to_plain(facts("ubuntu-2404-ready"))))

    for wish in (WISH, LOCAL):
        assert codes(compat.judge(lost, wish, port_is_ours=False)) == []


def _emptied(data: object) -> object:
    if isinstance(data, dict):
        if "state" in data and "source" in data:
            return {"state": "unknown", "value": None, "source": "", "reason": "lost"}
        return {key: _emptied(item) for key, item in data.items()}
    return [_emptied(item) for item in data] if isinstance(data, list) else data


def test_automatic_choices_are_resolved() -> None:
    verdict = judge("ubuntu-2404-ready")

    assert (verdict.variant, verdict.device) == ("core", "cpu")
    assert [(one.code, one.severity) for one in verdict.findings] == [(VOICE, Severity.INFO)]


def every_finding() -> list[Finding]:
    return [one for name, _ in COMPOSE for wish in (WISH, LOCAL) for one in judge(name, wish).findings]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_finding_says_what_why_and_what_to_do(locale: str) -> None:
    catalogue = Catalogue(locale)
    for finding in every_finding():
        for part in ("what", "why", "remedy"):
            text = catalogue.text(finding.sentence(part).key, finding.args)
            assert text.strip()
            assert "{" not in text
            assert "None" not in text, finding.code


def test_every_obstacle_rests_on_evidence() -> None:
    bare = {
        finding.code for finding in every_finding() if not finding.evidence and finding.severity is Severity.BLOCKER
    }

    assert bare == set()


def test_every_code_has_an_exit_code_of_its_family() -> None:
    families = {finding.code: errors.exit_code(finding) for finding in every_finding()}

    assert {code.split("-")[0] for code, number in families.items() if number == 4} == {"HOST"}
    assert {code.split("-")[0] for code, number in families.items() if number == 5} == {"ENGINE"}
