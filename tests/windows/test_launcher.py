"""``deploykit.cmd``: refuses what must not be touched, by name and before anything starts; else hands over to WSL 2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy_kit import assets
from deploy_kit.data import table
from deploy_kit.messages import Catalogue
from tests.windows.conftest import CONTROL, VERSION, Windows

TEXT = (assets.root() / "deploykit.cmd").read_bytes()


@pytest.fixture
def winpe(windows: Windows) -> Iterator[Windows]:
    windows.registry("add", rf"{CONTROL}\MiniNT")
    yield windows
    windows.registry("delete", rf"{CONTROL}\MiniNT")


@pytest.fixture
def safe_mode(windows: Windows) -> Iterator[Windows]:
    windows.registry("add", rf"{CONTROL}\SafeBoot\Option", "/v", "OptionValue", "/t", "REG_DWORD", "/d", "1")
    yield windows
    windows.registry("delete", rf"{CONTROL}\SafeBoot\Option")


def test_windows_pe_is_refused_by_name_and_nothing_is_started(winpe: Windows) -> None:
    answer = winpe.run("up --yes")

    assert answer.code == 4
    assert answer.shown.startswith("deploykit: HOST-WINPE: this is Windows PE")
    assert "blue screen" in answer.shown
    assert winpe.calls == []


def test_safe_mode_is_refused_by_its_key(safe_mode: Windows) -> None:
    answer = safe_mode.run("up")

    assert (answer.code, safe_mode.calls) == (4, [])
    assert answer.shown.startswith("deploykit: HOST-SAFE-MODE: ")


@pytest.mark.parametrize("option", ["MINIMAL", "NETWORK"])
def test_safe_mode_is_refused_by_its_variable(windows: Windows, option: str) -> None:
    answer = windows.run("up", SAFEBOOT_OPTION=option)

    assert (answer.code, windows.calls) == (4, [])
    assert "HOST-SAFE-MODE" in answer.shown


def test_a_windows_before_10_is_refused_by_its_name(windows: Windows) -> None:
    windows.registry("delete", VERSION, "/v", "CurrentMajorVersionNumber")
    windows.registry("add", VERSION, "/v", "ProductName", "/d", "Windows 8.1 Enterprise")
    windows.registry("add", VERSION, "/v", "CurrentBuildNumber", "/d", "9600")

    answer = windows.run("up")

    assert (answer.code, windows.calls) == (4, [])
    assert "HOST-WINDOWS-OLD: Windows 8.1 Enterprise (build 9600) is too old" in answer.shown


def test_a_windows_10_from_before_wsl_2_is_refused(windows: Windows) -> None:
    windows.registry("add", VERSION, "/v", "CurrentBuildNumber", "/d", "17763")

    answer = windows.run("up")

    assert (answer.code, windows.calls) == (4, [])
    assert "(build 17763)" in answer.shown


def test_without_wsl_the_one_command_is_shown(windows: Windows) -> None:
    windows.wsl.rename(windows.wsl.with_suffix(".away"))

    answer = windows.run("up")

    assert answer.code == 4
    assert "\n    dism.exe /online /enable-feature /all /featurename:Microsoft-Windows-Subsystem-Linux" in answer.shown


def test_without_a_distribution_the_one_command_is_shown(windows: Windows) -> None:
    answer = windows.run("up", FAKE_WSL="no-distribution")

    assert answer.code == 4
    assert answer.shown.splitlines()[-1] == "    wsl.exe --install -d Ubuntu"


def test_docker_desktops_own_distribution_is_not_used(windows: Windows) -> None:
    answer = windows.run("up", FAKE_WSL="docker-desktop")

    assert answer.code == 4
    assert "wsl.exe --set-default Ubuntu" in answer.shown
    assert not any("/bin/sh" in call for call in windows.calls)


def test_a_folder_that_linux_does_not_see_is_said(windows: Windows) -> None:
    answer = windows.run("up", FAKE_WSL="no-path")

    assert answer.code == 4
    assert "does not see this folder" in answer.shown


def test_it_hands_over_to_the_launcher_in_linux_and_returns_its_code(windows: Windows) -> None:
    answer = windows.run("status --output json")

    assert (answer.code, answer.shown) == (3, "from Linux\n")
    asked = next(call for call in windows.calls if call[1] == "wslpath")
    assert asked[3].endswith("\\deploy kit\\deploykit")
    *words, _ = windows.calls[-1]
    assert words == ["-e", "/bin/sh", "/mnt/c/Program Files/deploykit", "status", "--output", "json"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ('say "Hello, world"', ("say", "Hello, world")),
        ('say "a & b | c > d < e"', ("say", "a & b | c > d < e")),
        ('say "(brackets) and a!b and a^b"', ("say", "(brackets) and a!b and a^b")),
        ("say x --emotion=happy=0.5,calm=0.2 a;b", ("say", "x", "--emotion=happy=0.5,calm=0.2", "a;b")),
        ('say "" -o -', ("say", "", "-o", "-")),
        (r'say "with \"quotes\" inside"', ("say", 'with "quotes" inside')),
        ("say a^^^^b 5!", ("say", "a^b", "5!")),
        (r"up --config C:\Users\me\deploykit.yaml", ("up", "--config", r"C:\Users\me\deploykit.yaml")),
    ],
)
def test_arguments_arrive_as_they_were_typed(windows: Windows, typed: str, words: tuple[str, ...]) -> None:
    assert windows.run(typed).code == 3
    assert windows.calls[-1][3:-1] == words


@pytest.mark.parametrize("name", ["R&D", "new (2)", "a^b!", "it's; so, = good"])
def test_the_folder_may_have_any_name(windows: Windows, name: str) -> None:
    there = windows.in_folder(name)

    assert (there.run("status").code, there.calls[-1][3:-1]) == (3, ("status",))
    asked = next(call for call in there.calls if call[1] == "wslpath")
    assert asked[3].endswith(f"\\{name}\\deploykit")


def test_a_folder_that_linux_does_not_see_is_shown_whatever_its_name(windows: Windows) -> None:
    answer = windows.in_folder("R&D (2)").run("up", FAKE_WSL="no-path")

    assert answer.code == 4
    assert answer.shown.splitlines()[0].endswith("\\R&D (2)\\")
    assert answer.shown.splitlines()[1].startswith("Copy or clone")


def test_a_windows_of_any_name_is_refused_by_it(windows: Windows) -> None:
    windows.registry("add", VERSION, "/v", "ProductName", "/d", "Windows (R) & Friends 7")
    windows.registry("add", VERSION, "/v", "CurrentBuildNumber", "/d", "7601")

    answer = windows.run("up")

    assert (answer.code, windows.calls) == (4, [])
    assert answer.shown.startswith("deploykit: HOST-WINDOWS-OLD: Windows (R) & Friends 7 (build 7601) is too old")


def test_what_is_piped_arrives_whole(windows: Windows) -> None:
    answer = windows.run("say -", piped="Hello from a pipe\n")

    assert (answer.code, answer.shown) == (3, "from Linux\nHello from a pipe\n")


def test_arguments_in_chinese_arrive(windows: Windows) -> None:
    assert windows.on_screen("say", "你好世界").code == 3
    assert windows.calls[-1][3:-1] == ("say", "你好世界")


def test_settings_in_variables_hold_in_linux_too(windows: Windows) -> None:
    windows.run("up", DEPLOYKIT_ENGINE="indextts-2.5", DEPLOYKIT_LISTEN="127.0.0.1:9")

    passed = windows.calls[-1][-1]
    assert "DEPLOYKIT_ENGINE/u" in passed
    assert "DEPLOYKIT_LISTEN/u" in passed


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SAFEBOOT_OPTION": "MINIMAL"}, "安全模式"),
        ({"FAKE_WSL": "no-distribution"}, "没有可以启动的发行版"),
        ({"FAKE_WSL": "no-path"}, "看不到这个目录"),
    ],
)
def test_chinese_is_said_below_the_english(windows: Windows, environment: dict[str, str], sentence: str) -> None:
    answer = windows.on_screen("up", DEPLOYKIT_LOCALE="zh", **environment)

    assert answer.code == 4
    assert "deploykit: HOST-" in answer.shown
    assert sentence in answer.shown
    assert "�" not in answer.shown


def test_chinese_is_not_said_to_others(windows: Windows) -> None:
    shown = windows.on_screen("up", SAFEBOOT_OPTION="MINIMAL").shown

    assert "Safe Mode" in shown
    assert shown.isascii()


def test_a_chinese_windows_is_answered_in_chinese_too_and_its_code_page_misleads_nobody(windows: Windows) -> None:
    """Wine goes on reading the file as GBK there, which mangles what is shown and must not mangle what is done."""
    refused = windows.on_screen("up", SAFEBOOT_OPTION="MINIMAL", LC_ALL="zh_CN.UTF-8")
    started = windows.on_screen("status", LC_ALL="zh_CN.UTF-8")

    english, below = refused.shown.partition("run deploykit again.\n")[::2]
    assert (refused.code, started.code) == (4, 3)
    assert english.startswith("deploykit: HOST-SAFE-MODE: ")
    assert len(below.strip().splitlines()) == 3
    assert "Windows" in below


def test_lines_end_as_batch_files_must() -> None:
    assert TEXT.count(b"\n") == TEXT.count(b"\r\n") > 100
    assert not TEXT.startswith(b"\xef\xbb\xbf")


def test_nothing_but_ascii_stands_before_the_end() -> None:
    head, _, tail = TEXT.partition(b"\r\n:zh_")
    assert head.isascii()
    assert b"goto" not in tail


def test_the_floor_is_that_of_the_rules() -> None:
    build = table("compat")["windows"].split(".")[-1].encode()
    assert b"LSS " + build in TEXT
    assert TEXT.count(build) == 3


def test_its_codes_are_those_of_the_catalogue() -> None:
    words = Catalogue("en")
    codes = {word for word in TEXT.decode().replace("：", ": ").split() if word.startswith("HOST-")}
    assert len(codes) == 5
    assert all(words.has(f"findings.{code.rstrip(':')}.what") for code in codes)
