"""Licences of model weights: asked for before anything is fetched, accepted once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy_kit.config.request import Weights
from deploy_kit.lifecycle import licence
from deploy_kit.run.state import State
from tests.support import samples

SERVICE = (("TTS_ACCEPT_LICENSE", "false"), ("TTS_QUEUE", "16"))
MODEL = samples.request(engine="indextts-2.5", service=SERVICE)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State("indextts", tmp_path)


def refuse(terms: licence.Terms) -> bool:
    return False


def accept(terms: licence.Terms) -> bool:
    return True


def never(terms: licence.Terms) -> bool:
    raise AssertionError("nobody was to be asked")


def test_the_terms_name_only_what_has_to_be_accepted() -> None:
    first, second = (licence.terms(samples.request(engine=name)) for name in ("indextts-2.5", "indextts-2"))

    assert [one.ident for one in first.licences] == ["bilibili-model-use"]
    assert [one.ident for one in second.licences] == ["bilibili-model-use", "CC-BY-NC-4.0"]
    assert first.fetch_bytes > 7_000_000_000
    assert all(one.url.startswith("https://") for one in second.licences)


def test_a_licence_that_nobody_knows_has_to_be_accepted_too(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"repositories": [{"name": "a/b", "licence": "Mine", "engines": ["indextts-2.5"]}]}))
    own = samples.request(engine="indextts-2.5", weights=Weights(lock=str(lock)))

    assert [(one.ident, one.name) for one in licence.terms(own).licences] == [("Mine", "Mine")]


def test_files_under_no_licence_ask_for_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"repositories": [{"name": "a/b", "licence": None, "engines": ["indextts-2.5"]}]}))
    own = samples.request(engine="indextts-2.5", weights=Weights(lock=str(lock)))

    assert licence.terms(own).licences == ()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"repositories": 5}', '{"repositories": [1]}', "\x00", "[" * 200_000]
)
def test_what_is_no_lock_asks_as_ours_does(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text)
    own = samples.request(engine="indextts-2.5", weights=Weights(lock=str(lock)))

    assert licence.terms(own) == licence.terms(MODEL)


def test_a_lock_without_licences_accepts_none_for_another_lock(tmp_path: Path, state: State) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"repositories": [{"name": "a/b", "licence": None, "engines": ["indextts-2.5"]}]}))
    own = samples.request(engine="indextts-2.5", weights=Weights(lock=str(lock)))

    assert licence.settle(own, state, never) == (own, ())
    assert licence.settle(MODEL, state, refuse)[1]


def test_a_yes_reaches_the_service_and_is_remembered(state: State) -> None:
    request, notes = licence.settle(MODEL, state, accept)

    assert (request.accept_license, notes) == (True, ())
    assert ("TTS_ACCEPT_LICENSE", "true") in request.service
    assert licence.settle(MODEL, state, never) == (request, ())


def test_a_no_leaves_the_built_in_voice_and_says_how_to_accept(state: State) -> None:
    request, (finding,) = licence.settle(MODEL, state, refuse)

    assert request == MODEL
    assert (finding.code, finding.commands[0][-1]) == ("CACHE-LICENCE", "--accept-license")
    assert state.licences() == frozenset()


def test_the_command_that_accepts_is_about_the_same_stack(state: State) -> None:
    own = samples.request(engine="indextts-2.5", name="radio", target="local")
    _, (finding,) = licence.settle(own, state, refuse)

    assert " ".join(finding.commands[0]) == (
        "deploykit up --engine indextts-2.5 --name radio --target local --accept-license"
    )


def test_who_accepted_by_a_setting_is_not_asked(state: State) -> None:
    said = samples.request(engine="indextts-2.5", accept_license=True, service=(("TTS_ACCEPT_LICENSE", "true"),))

    assert licence.settle(said, state, never) == (said, ())
    assert licence.remembered(MODEL, state).accept_license is True


def test_the_built_in_voice_has_no_licence_to_accept(state: State) -> None:
    assert licence.settle(samples.request(), state, never) == (samples.request(), ())
    assert not state.folder.exists()


def test_one_engines_licence_is_not_anothers(state: State) -> None:
    licence.settle(MODEL, state, accept)

    assert licence.remembered(samples.request(engine="indextts-2"), state).accept_license is False
