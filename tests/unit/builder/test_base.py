"""The order in which a base image is looked for, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy_kit import proc
from deploy_kit.builder import base
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import Failure
from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event
from deploy_kit.tools import apt, bootstrap, docker, registry
from tests.support import bare

ASKED = "docker.io/library/debian:bookworm-slim"
COPY = "mirror.example/library/debian:bookworm-slim"


@dataclass
class World:
    """A host of make-believe: which images are here, who answers, who serves what."""

    images: set[str] = field(default_factory=set)
    answering: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=lambda: {bootstrap.PROGRAM})
    done: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def acquire(self, settings: BuildSettings, *, yes: bool = True, **facts: Any) -> base.Base:
        return base.acquire(settings, bare.facts(**facts), self.events.append, consent=lambda *_: yes)

    def pull(self, args: tuple[str, ...], *_: Any, **__: Any) -> None:
        self.done.append(" ".join(args))
        if args[1] not in self.served:
            raise proc.CommandError(args, "manifest unknown")
        self.images.add(args[1])

    def import_(self, *args: str, **_: Any) -> None:
        self.done.append(f"import {args[-1]}")
        self.images.add(args[-1])

    @property
    def said(self) -> list[str]:
        return [Catalogue("en").text(e.message.key, e.message.args) for e in self.events if e.message is not None]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()

    def ask(host: str, **_: Any) -> registry.Answer:
        made.done.append(f"ask {host}")
        return registry.Answer(host in made.answering, "" if host in made.answering else "no route to host")

    def make(*args: Any, **_: Any) -> Any:
        made.done.append("mmdebstrap")
        return args[1] / "base.tar"

    monkeypatch.setattr(docker, "image", lambda reference: object() if reference in made.images else None)
    monkeypatch.setattr(docker, "stream", made.pull)
    monkeypatch.setattr(docker, "call", made.import_)
    monkeypatch.setattr(registry, "ask", ask)
    monkeypatch.setattr(bootstrap, "make", make)
    monkeypatch.setattr(proc, "which", lambda name: name if name in made.tools else None)
    monkeypatch.setattr(apt, "commands", lambda *_: (("apt-get", "install", "mmdebstrap"),))
    monkeypatch.setattr(apt, "install", lambda *_, **__: made.done.append("apt"))
    return made


def test_a_local_image_is_taken_without_asking_anybody(world: World) -> None:
    world.images = {ASKED}

    assert world.acquire(BuildSettings(ASKED)).origin is base.Origin.LOCAL
    assert world.done == []


def test_the_registry_is_asked_before_the_engine_is_let_loose(world: World) -> None:
    world.answering, world.served = {"docker.io"}, {ASKED}

    got = world.acquire(BuildSettings(ASKED, base_mirrors=("mirror.example",)))

    assert (got.reference, got.origin) == (ASKED, base.Origin.REGISTRY)
    assert world.done == ["ask docker.io", f"pull {ASKED}"]


def test_a_mirror_serves_what_the_registry_does_not(world: World) -> None:
    world.answering, world.served = {"mirror.example"}, {COPY}

    got = world.acquire(BuildSettings(ASKED, base_mirrors=("mirror.example",)))

    assert (got.reference, got.origin) == (COPY, base.Origin.MIRROR)
    assert world.done == ["ask docker.io", "ask mirror.example", f"pull {COPY}"]


def test_the_copy_of_a_mirror_is_found_again_without_a_network(world: World) -> None:
    world.images = {COPY}

    assert world.acquire(BuildSettings(ASKED, base_mirrors=("mirror.example",))).reference == COPY
    assert world.done == []


def test_an_engine_with_a_mirror_of_its_own_may_pull_though_the_registry_is_silent(world: World) -> None:
    world.answering, world.served = {"cache.example"}, {ASKED}

    got = world.acquire(BuildSettings(ASKED), mirrors=("https://cache.example",))

    assert got.origin is base.Origin.REGISTRY


def test_a_remote_engine_finds_out_by_itself(world: World) -> None:
    world.served = {ASKED}

    assert world.acquire(BuildSettings(ASKED), endpoint="ssh://me@far").origin is base.Origin.REGISTRY
    assert world.done == [f"pull {ASKED}"]


def test_without_any_registry_a_base_is_built_under_its_own_name(world: World) -> None:
    got = world.acquire(BuildSettings(ASKED))

    assert got.origin is base.Origin.BOOTSTRAP
    assert got.reference.startswith("deploykit/base:")
    assert world.done == ["ask docker.io", "mmdebstrap", f"import {got.reference}"]
    assert any("no route to host" in text for text in world.said)
    assert any(ASKED in text and got.reference in text for text in world.said)


def test_a_base_that_was_built_here_is_used_again_at_once(world: World) -> None:
    first = world.acquire(BuildSettings(ASKED))
    world.done.clear()

    again = world.acquire(BuildSettings(ASKED))

    assert (again.reference, again.origin) == (first.reference, base.Origin.LOCAL)
    assert world.done == []


def test_another_base_is_never_replaced_by_ours(world: World) -> None:
    for asked in ("registry.example/own/base:1", f"{ASKED}@sha256:{'0' * 64}"):
        with pytest.raises(Failure) as caught:
            world.acquire(BuildSettings(asked))
        assert caught.value.finding.code == "BASE-UNREACHABLE"
    assert "mmdebstrap" not in world.done


def test_a_pull_that_fails_goes_on_to_the_next_way_and_says_why(world: World) -> None:
    world.answering = {"docker.io"}

    assert world.acquire(BuildSettings(ASKED)).origin is base.Origin.BOOTSTRAP
    assert any("manifest unknown" in text for text in world.said)


def test_a_missing_tool_is_installed_with_consent(world: World) -> None:
    world.tools = set()

    assert world.acquire(BuildSettings(ASKED)).origin is base.Origin.BOOTSTRAP
    assert world.done[1:3] == ["apt", "mmdebstrap"]


def test_without_consent_the_commands_are_shown_and_nothing_is_installed(world: World) -> None:
    world.tools = set()

    with pytest.raises(Failure) as caught:
        world.acquire(BuildSettings(ASKED), yes=False)

    assert caught.value.finding.code == "BASE-NO-TOOL"
    assert caught.value.finding.commands == (("apt-get", "install", "mmdebstrap"),)
    assert "apt" not in world.done


def test_a_failing_bootstrap_says_what_mmdebstrap_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise proc.CommandFailed(proc.Completed(("mmdebstrap",), 1, "I: fine\nE: apt-get update failed", "", 1.0))

    monkeypatch.setattr(bootstrap, "make", broken)

    with pytest.raises(Failure) as caught:
        world.acquire(BuildSettings(ASKED))
    assert caught.value.finding.code == "BASE-BOOTSTRAP-FAILED"
    assert dict(caught.value.finding.args)["reason"] == "E: apt-get update failed"


def test_the_own_name_changes_with_what_the_base_is_made_of() -> None:
    facts = bare.facts()
    plain = base.own_reference(BuildSettings(ASKED), facts)

    assert plain == base.own_reference(BuildSettings(ASKED, base_mirrors=("x.example",)), facts)
    assert plain != base.own_reference(BuildSettings(ASKED, apt_mirror="http://mirror.example/debian"), facts)
