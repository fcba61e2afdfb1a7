"""``cache`` on a machine with no image: what asks an empty cache is answered without building one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy_kit import codec, proc
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import build, cache, up
from tests.support import samples

FACTS = Path(__file__).parents[2] / "facts"
MODEL = samples.request(engine="indextts-2.5")


class Built(Exception):
    """An image would have been built."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A machine without any image of ours. ``volumes`` maps names to what lies in them, None for "cannot be seen"."""
    own = SimpleNamespace(volumes={}, sizes={}, facts="ubuntu-2404-ready")
    prepare = up.prepare

    def prepared(request: object, **_: object) -> up.Prepared:
        facts = codec.loads(HostFacts, (FACTS / f"{own.facts}.json").read_bytes())
        return prepare(request, facts=facts)

    def call(*args: str, **_: object) -> proc.Completed:
        if args[:2] == ("volume", "inspect"):
            folder = own.volumes[args[-1]]
            said = "null" if folder is None else f'"{folder}"'
        else:
            assert args[:2] == ("system", "df")
            rows = ", ".join(f'{{"Name": "{name}", "Size": "{size}"}}' for name, size in own.sizes.items())
            said = f"[{rows}]"
        return proc.Completed(args, 0, said, "", 0.0)

    def refuse(*_: object) -> None:
        raise Built

    monkeypatch.setattr(up, "prepare", prepared)
    monkeypatch.setattr(cache.docker, "image", lambda reference: None)
    monkeypatch.setattr(cache.docker, "volumes", lambda: frozenset(own.volumes))
    monkeypatch.setattr(cache.docker, "call", call)
    monkeypatch.setattr(build, "alone", refuse)
    return own


def asked(action: str = "list", **changes: object) -> dict[str, object]:
    return cache.run(cache.Ask(action), replace(MODEL, **changes), lambda _: None, lambda *_: True)


def test_a_cache_that_was_never_made_lacks_every_file(host: SimpleNamespace) -> None:
    told = asked()

    assert (told["event"], told["have_bytes"]) == ("list", 0)
    assert told["files"]
    assert {row["state"] for row in told["files"]} == {"missing"}


def test_an_empty_volume_is_no_different(host: SimpleNamespace, tmp_path: Path) -> None:
    host.volumes = {"cache_hub": tmp_path}
    assert asked()["have_bytes"] == 0


def test_a_volume_that_only_the_engine_can_look_into_is_asked_for_its_size(host: SimpleNamespace) -> None:
    host.volumes, host.sizes = {"cache_hub": None}, {"other": "3GB", "cache_hub": "0B"}
    assert asked()["have_bytes"] == 0


@pytest.mark.parametrize("size", ["7.1GB", "12B", "N/A"])
def test_what_may_hold_something_is_looked_at_with_an_image(host: SimpleNamespace, size: str) -> None:
    host.volumes, host.sizes = {"cache_hub": None}, {"cache_hub": size}
    with pytest.raises(Built):
        asked()


def test_a_volume_with_a_file_is_looked_at_with_an_image(host: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    host.volumes = {"cache_hub": tmp_path}
    with pytest.raises(Built):
        asked()


def test_a_folder_counts_as_a_volume_does(host: SimpleNamespace, tmp_path: Path) -> None:
    assert asked(cache_path=str(tmp_path / "none"))["have_bytes"] == 0
    assert asked(cache_path=str(tmp_path))["have_bytes"] == 0
    (tmp_path / "a").touch()
    with pytest.raises(Built):
        asked(cache_path=str(tmp_path))


def test_where_no_engine_was_ever_installed_nothing_can_lie_in_its_volumes(host: SimpleNamespace) -> None:
    host.facts = "debian-12-bare"
    assert asked()["have_bytes"] == 0


def test_what_a_stopped_engine_keeps_is_not_guessed(host: SimpleNamespace) -> None:
    host.facts = "stopped"
    with pytest.raises(Built):
        asked()


def test_to_fetch_an_image_is_built_all_the_same(host: SimpleNamespace) -> None:
    with pytest.raises(Built):
        asked("pull", accept_license=True)


@pytest.mark.parametrize("action", ["prune", "purge", "verify"])
def test_of_nothing_nothing_is_deleted_or_read(host: SimpleNamespace, action: str) -> None:
    assert asked(action)["files"] == 0


def test_nothing_cannot_be_exported(host: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        cache.run(cache.Ask("export", tmp_path / "out"), MODEL, lambda _: None, lambda *_: True)
    assert caught.value.finding.code == "CACHE-INCOMPLETE"
    assert not (tmp_path / "out").exists()
