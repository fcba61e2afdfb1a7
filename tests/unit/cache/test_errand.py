"""What is asked of the cache, in the words of its own command line and as a container."""

from __future__ import annotations

import pytest

from deploy_kit.cache import container
from deploy_kit.cache.container import Box
from deploy_kit.cache.errand import ACTIONS, Errand, words
from deploy_kit.cli.table import find
from deploy_kit.plan.stack import Mount, MountKind


def test_a_pull_names_everything_that_decides_what_is_fetched_from_where() -> None:
    errand = Errand(
        "pull",
        engine="indextts-2.5",
        source="modelscope",
        region="cn",
        lock="/l",
        token_file="/t",
        accepted="interactive",
    )

    assert words(errand, "/cache_hub") == (
        *("pull", "--json", "--cache", "/cache_hub", "--lock", "/l", "--engine", "indextts-2.5", "--no-emotion-text"),
        *("--source", "modelscope", "--region", "cn", "--token-file", "/t", "--accept-license", "interactive"),
    )


def test_purge_knows_no_engine() -> None:
    assert words(Errand("purge", engine="indextts-2", voices=True, dry_run=True), "/c") == (
        *("purge", "--json", "--cache", "/c", "--voices", "--dry-run"),
    )


def test_a_path_that_looks_like_an_option_is_a_path() -> None:
    assert words(Errand("import", path="-x"), "/c")[-2:] == ("--", "-x")


def test_the_command_line_offers_every_action() -> None:
    command = find("cache")
    assert command is not None
    assert command.arguments[0].choices == ACTIONS


BOX = Box(
    "indextts-cache-7",
    "deploykit/core:abc",
    "10001:0",
    (
        Mount(MountKind.VOLUME, "cache_hub", container.CACHE),
        Mount(MountKind.BIND, '/srv/a,b "c"', container.PATH, read_only=True),
    ),
    ("HTTPS_PROXY",),
    "none",
)


def test_the_job_has_the_services_user_and_cache_and_no_rights() -> None:
    command = container.command(BOX, ("list", "--json"))

    assert command[:4] == ("run", "--rm", "--name", "indextts-cache-7")
    assert command[command.index("--user") :][:2] == ("--user", "10001:0")
    for word in ("--read-only", "ALL", "no-new-privileges", "type=volume,source=cache_hub,target=/cache_hub"):
        assert word in command
    assert command[-5:] == ("deploykit/core:abc", "-m", "tts_cache", "list", "--json")


def test_a_path_with_commas_and_quotes_is_one_field() -> None:
    assert 'type=bind,"source=/srv/a,b ""c""",target=/weights,readonly' in container.command(BOX, ())


def test_a_variable_is_handed_on_by_name_only() -> None:
    command = container.command(BOX, ())

    assert command[command.index("--env") + 1] == "HTTPS_PROXY"


@pytest.mark.parametrize("network", [None, "host", "none"])
def test_the_network_is_the_usual_one_or_the_one_named(network: str | None) -> None:
    command = container.command(Box("n", "i", "1:0", (), (), network), ())

    assert ("--network" in command) == (network is not None)
