"""What apt is told to do: the host's own mirror, a pin before a source, and the same commands shown as run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.compat import PackagePlan
from deploy_kit.errors import Failure
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.progress import Event
from deploy_kit.tools import apt

PLAN = PackagePlan(("docker.io", "docker-cli"), "trixie", None, ("docker.io",), "bookworm")
PLAIN = PackagePlan(("docker.io",))

DEB822 = """\
# comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/tool.gpg] https://tool.example/apt bookworm main
deb-src http://src.example/debian bookworm main
deb [trusted=yes] http://mirror.example/debian bookworm main non-free-firmware # own mirror
"""


def host(folder: Path, **files: str) -> Path:
    lists = folder / "etc/apt/sources.list.d"
    lists.mkdir(parents=True)
    for name, text in files.items():
        place = folder / "etc/apt/sources.list" if name == "main" else lists / name.replace("_", ".")
        place.write_text(text, encoding="utf-8")
    return folder


def test_the_mirror_is_the_hosts_own_in_the_new_format(tmp_path: Path) -> None:
    found = apt.archive(host(tmp_path, debian_sources=DEB822), "bookworm")

    assert found is not None
    assert found.uri == "http://mirror.example/debian"
    assert found.options == (("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg"),)


def test_the_mirror_is_the_hosts_own_in_the_old_format_and_not_a_strangers(tmp_path: Path) -> None:
    found = apt.archive(host(tmp_path, main=ONE_LINE), "bookworm")

    assert found is not None
    assert (found.uri, found.options) == ("http://mirror.example/debian", (("Trusted", "yes"),))


def test_a_stranger_alone_is_not_taken_for_the_distribution(tmp_path: Path) -> None:
    assert apt.archive(host(tmp_path, main="deb https://tool.example/apt bookworm main\n"), "bookworm") is None


def test_a_release_that_no_source_names_has_no_archive(tmp_path: Path) -> None:
    assert apt.archive(host(tmp_path, main=ONE_LINE), "trixie") is None


def test_the_pin_is_written_before_the_source_and_both_before_anything_is_fetched(tmp_path: Path) -> None:
    pin, source, update, install = apt.commands(PLAN, False, root=host(tmp_path, debian_sources=DEB822))

    assert pin[2].endswith("/etc/apt/preferences.d/deploykit-trixie")
    assert "Pin-Priority: 50" in pin
    assert source[2].endswith("/etc/apt/sources.list.d/deploykit-trixie.sources")
    assert "URIs: http://mirror.example/debian" in source
    assert "Suites: trixie-security" in source
    assert update[:2] == ("apt-get", "update")
    assert "Dir::Etc::SourceList=/etc/apt/sources.list.d/deploykit-trixie.sources" in update
    assert install[-4:] == ("-t", "trixie", "docker.io", "docker-cli")


def test_the_writing_commands_write_exactly_what_they_show(tmp_path: Path) -> None:
    pin, *_ = apt.commands(PLAN, False, root=host(tmp_path, debian_sources=DEB822))
    target = tmp_path / "pin"
    script = pin[2].replace("/etc/apt/preferences.d/deploykit-trixie", str(target))
    proc.run((*pin[:2], script, *pin[3:]), timeout=60)

    assert target.read_text(encoding="utf-8") == "".join(f"{line}\n" for line in pin[4:])


def test_every_command_goes_through_sudo_or_none(tmp_path: Path) -> None:
    root = host(tmp_path, debian_sources=DEB822)
    direct = apt.commands(PLAN, False, root=root)

    assert apt.commands(PLAN, True, root=root) == tuple(("sudo", *command) for command in direct)


def test_a_plain_plan_touches_no_sources() -> None:
    assert [command[:2] for command in apt.commands(PLAIN, False)] == [
        ("apt-get", "update"),
        ("env", "DEBIAN_FRONTEND=noninteractive"),
    ]


class Apt:
    """Plays apt: answers by the first word of each command that matches, and keeps what was run."""

    def __init__(self, answers: dict[str, tuple[int, str]]) -> None:
        self.answers = answers
        self.ran: list[tuple[str, ...]] = []

    def __call__(self, argv: Sequence[str], on_line: object, **options: object) -> proc.Completed:
        self.ran.append(tuple(argv))
        for word, (code, text) in self.answers.items():
            if word in argv:
                return proc.Completed(tuple(argv), code, text, "", 0)
        return proc.Completed(tuple(argv), 0, "", "", 0)


def quiet(event: Event) -> None:
    """Nobody listens."""


def play(monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, str]]) -> Apt:
    apt_played = Apt(answers)
    monkeypatch.setattr(proc, "stream", apt_played)
    monkeypatch.setattr(
        apt, "_from_apt", lambda release: apt.Source("http://mirror.example/debian", release, ("main",))
    )
    monkeypatch.setattr(apt, "archive", lambda root, release: None)
    return apt_played


def test_what_is_shown_is_what_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(monkeypatch, {})
    apt.install(PLAN, quiet, sudo=False)

    assert tuple(played.ran) == apt.commands(PLAN, False)


def test_a_failed_update_leaves_neither_source_nor_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(monkeypatch, {"update": (0, "Err:1 http://mirror.example/debian trixie\nW: Failed to fetch x")})
    with pytest.raises(Failure) as caught:
        apt.install(PLAN, quiet, sudo=False)

    assert caught.value.finding.code == "ENGINE-INSTALL-FAILED"
    removed = ("/etc/apt/sources.list.d/deploykit-trixie.sources", "/etc/apt/preferences.d/deploykit-trixie")
    assert played.ran[-1] == ("rm", "-f", *removed)


def test_another_archives_failed_update_does_not_stop_a_plain_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(monkeypatch, {"update": (100, "E: The repository 'https://old.example' has no Release file.")})
    apt.install(PLAIN, quiet, sudo=False)

    assert played.ran[-1][-1] == "docker.io"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("E: Failed to fetch http://m.example/x  Temporary failure resolving 'm.example'", "ENGINE-INSTALL-OFFLINE"),
        ("E: Unable to locate package docker-buildx", "ENGINE-INSTALL-FAILED"),
        ("dpkg: error processing package docker.io (--configure)", "ENGINE-INSTALL-FAILED"),
    ],
)
def test_a_failed_install_says_so_with_apts_own_words(text: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, {"install": (100, f"Reading package lists...\n{text}")})
    with pytest.raises(Failure) as caught:
        apt.install(PLAIN, quiet, sudo=False)
    finding = caught.value.finding

    assert finding.code == code
    for locale in LOCALES:
        assert text in Catalogue(locale).text(finding.sentence("why").key, finding.args)
        assert Catalogue(locale).text(finding.sentence("remedy").key, finding.args)


def test_a_host_without_a_known_mirror_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "_from_apt", lambda release: None)
    with pytest.raises(Failure) as caught:
        apt.commands(PLAN, False, root=host(tmp_path))

    assert caught.value.finding.code == "ENGINE-SOURCE-UNKNOWN"
    for locale in LOCALES:
        for part in ("what", "why", "remedy"):
            assert Catalogue(locale).text(caught.value.finding.sentence(part).key, caught.value.finding.args)


@pytest.mark.parametrize("line", ["bookworm", "bookworm-security"])
def test_a_password_in_a_source_reaches_no_command(line: str, tmp_path: Path) -> None:
    plain = (
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian-security bookworm-security main",
    )
    main = "\n".join(text.replace("http://", "http://joe:s3cret@") if f" {line} " in text else text for text in plain)

    with pytest.raises(Failure) as caught:
        apt.commands(PLAN, False, root=host(tmp_path, main=main + "\n"))

    assert caught.value.finding.code == "ENGINE-SOURCE-PASSWORD"
    assert "s3cret" not in str(caught.value.finding)
