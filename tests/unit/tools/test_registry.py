"""Image references, and what an answer of a registry means."""

from __future__ import annotations

import time
import urllib.error
from email.message import Message

import pytest

from deploy_kit.tools import registry


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("debian:bookworm-slim", "docker.io"),
        ("library/debian", "docker.io"),
        ("docker.io/library/debian:bookworm-slim", "docker.io"),
        ("ghcr.io/a/b:1", "ghcr.io"),
        ("localhost/a", "localhost"),
        ("box:5000/a", "box:5000"),
    ],
)
def test_the_registry_of_a_reference(reference: str, host: str) -> None:
    assert registry.host_of(reference) == host


@pytest.mark.parametrize(
    ("reference", "mirror", "expected"),
    [
        ("docker.io/library/debian:bookworm-slim", "m.example", "m.example/library/debian:bookworm-slim"),
        ("debian:bookworm-slim", "https://m.example/", "m.example/library/debian:bookworm-slim"),
        ("docker.io/library/debian@sha256:ab", "m.example/hub", "m.example/hub/library/debian@sha256:ab"),
        ("ghcr.io/a/b:1", "m.example", "m.example/a/b:1"),
    ],
)
def test_the_same_image_at_a_mirror(reference: str, mirror: str, expected: str) -> None:
    assert registry.at_mirror(reference, mirror) == expected


@pytest.mark.parametrize(("status", "reached"), [(401, True), (404, True), (407, False), (502, False), (503, False)])
def test_an_error_of_the_registry_is_an_answer_but_one_of_a_proxy_is_not(
    monkeypatch: pytest.MonkeyPatch, status: int, reached: bool
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.HTTPError("https://x/v2/", status, "no", Message(), None)

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)

    answer = registry.ask("registry.example", proxies={})

    assert (answer.reached, answer.status) == (reached, status)


def test_a_resolver_that_hangs_costs_no_more_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[bool] = []

    def hang(*_: object) -> registry.Answer:
        while not released:
            time.sleep(0.01)
        return registry.Answer(reached=True)

    monkeypatch.setattr(registry, "_head", hang)

    answer = registry.fetch("https://registry.example/v2/", proxies={}, deadline=0.05)
    released.append(True)

    assert not answer.reached
    assert "0.05 s" in answer.reason


def test_a_registry_without_tls_is_asked_again_without(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def head(url: str, *_: object) -> registry.Answer:
        asked.append(url)
        plain = url.startswith("http://")
        return registry.Answer(plain, "" if plain else "[SSL: WRONG_VERSION_NUMBER] wrong version number")

    monkeypatch.setattr(registry, "_head", head)

    assert registry.ask("box:5000/prefix", proxies={}).reached
    assert asked == ["https://box:5000/v2/", "http://box:5000/v2/"]
