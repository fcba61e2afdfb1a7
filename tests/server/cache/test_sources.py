"""Several sources: the quicker goes first, a broken one is left for the next, and only the right one gets the token."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tts_cache.hubs.choice import Trial, ranked
from tts_cache.hubs.sources import Source

from tests.server.cache.conftest import ENGINE, QUICK, Cache
from tests.support.hub import Hub


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("wrong", 0), ("other", 0), ("page", 0), ("loop", 0), ("dead", 0), ("limited", 3600), ("drip", 300)],
        *[("status", code) for code in (401, 403, 404, 500)],
    ],
)
def test_what_one_source_cannot_do_the_next_does(cache: Cache, hub: Hub, second: Hub, kind: str, value: int) -> None:
    hub.fail(kind, "gpt.pth", value=value)

    ran = cache.pull(f"{hub.url},{second.url}")

    assert ran.done
    cache.holds()
    assert [note["file"] for note in ran.notes("source-failed")] in ([], ["gpt.pth"])
    assert "gpt.pth" in {one.path.rpartition("/")[2] for one in second.seen}


def test_bytes_of_one_source_are_continued_at_the_next(cache: Cache, hub: Hub, second: Hub) -> None:
    hub.fail("cut", "gpt.pth")
    cache.pull(hub.url)
    assert any((cache.folder / "partial").iterdir())
    assert hub.bytes_sent("gpt.pth") > 200_000

    assert cache.pull(second.url).done

    cache.holds()
    assert second.bytes_sent("gpt.pth") < 100_000


def test_wrong_bytes_of_one_source_do_not_spoil_the_next(cache: Cache, hub: Hub, second: Hub) -> None:
    """Half a file from a liar, the rest from an honest source: noticed, and fetched whole from the honest one."""
    hub.fail("drip", "gpt.pth", value=300)
    cache.pull(hub.url)
    partial = next(path for path in (cache.folder / "partial").iterdir() if path.suffix != ".json")
    partial.write_bytes(b"\0" * partial.stat().st_size)

    assert cache.pull(second.url).done

    cache.holds()


def test_a_clearly_quicker_source_goes_first(cache: Cache, hub: Hub, second: Hub) -> None:
    hub.fail("drip", value=20_000)

    ran = cache.pull(f"{hub.url},{second.url}")

    assert ran.done
    chosen = next(event["name"] for event in ran.events if event["event"] == "source")
    assert chosen == second.url.removeprefix("http://")


@pytest.mark.parametrize(("speed", "first"), [(1.0, True), (1.9, True), (2.1, False)])
def test_of_nearly_equal_sources_the_first_named_goes_first(speed: float, first: bool) -> None:
    """By the figures of their trials: two servers of one busy machine are not equally quick."""
    named, other = (Trial(Source(name, f"http://{name}", "plain"), 1e6, reached=True) for name in ("named", "other"))
    other = replace(other, speed=speed * named.speed)

    order = [source.name for source in ranked([named, other])]

    assert order == (["named", "other"] if first else ["other", "named"])


def test_a_source_that_does_not_answer_is_named_with_its_reason(cache: Cache, second: Hub) -> None:
    ran = cache.pull(f"http://127.0.0.1:9,{second.url}")

    assert ran.done
    assert ran.notes("source-out")[0]["name"] == "127.0.0.1:9"


def test_only_the_first_named_source_gets_the_token(cache: Cache, hub: Hub, second: Hub, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("hf_secret")

    cache.pull(f"{hub.url},{second.url}", "--token-file", str(token))

    assert {one.authorization for one in hub.seen if one.host == "hub"} == {"Bearer hf_secret"}
    assert {one.authorization for one in second.seen} == {None}


def test_the_hubs_endpoint_can_be_set_as_everywhere_else(cache: Cache, hub: Hub) -> None:
    assert cache.pull("huggingface", HF_ENDPOINT=hub.url).done
    cache.holds()


def test_the_settings_of_the_service_are_the_defaults(cache: Cache, hub: Hub) -> None:
    settings = {"TTS_ENGINE": ENGINE, "TTS_WEIGHTS_SOURCE": hub.url, "TTS_EMOTION_TEXT": "on"}

    assert cache.run("pull", "--limits", QUICK, **settings).done
    cache.holds(emotion_text=True)


@pytest.mark.parametrize("source", ["nonsense", "ftp://host/x", "/no/such/folder", "http://[broken"])
def test_what_is_no_source_is_told_as_such(cache: Cache, source: str) -> None:
    assert cache.pull(source).failed["code"] == "CACHE-SOURCE"


@pytest.mark.parametrize("content", [None, "", "two words", "ü"])
def test_a_file_without_a_token_is_told_as_such(cache: Cache, hub: Hub, tmp_path: Path, content: str | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)

    assert cache.pull(hub.url, "--token-file", str(token)).failed["code"] == "CACHE-SOURCE"
    assert hub.seen == []


def test_a_proxy_of_the_environment_is_used(cache: Cache, hub: Hub) -> None:
    ran = cache.pull("http://hub.invalid", no_proxy="", http_proxy=hub.url)

    assert ran.failed["code"] == "CACHE-NOT-FOUND"  # the proxy was asked; it only knows its own names
    assert hub.seen[0].path.startswith("http://hub.invalid/")


def test_both_may_break_off_once(cache: Cache, hub: Hub, second: Hub) -> None:
    for one in (hub, second):
        one.fail("cut", "gpt.pth", times=1)

    assert cache.pull(f"{hub.url},{second.url}").done
    cache.holds()


def test_a_password_in_an_address_is_told_to_nobody(cache: Cache) -> None:
    ran = cache.pull("http://anna:geheim@127.0.0.1:9/hub, ftp://anna:geheim@127.0.0.1/")
    assert ran.failed["code"] == "CACHE-SOURCE"
    told = [*ran.events, *cache.pull("http://anna:geheim@127.0.0.1:9/hub").events]

    assert any(event["event"] == "start" for event in told)
    assert "geheim" not in json.dumps(told)
    assert "127.0.0.1" in json.dumps(told)
