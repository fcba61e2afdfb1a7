"""Telling a secret from what may stand in an image."""

from __future__ import annotations

import textwrap

import pytest

from deploy_kit.verify.suite import traces


def certificate(letter: str) -> str:
    body = "\n".join(textwrap.wrap("MII" + "A" * 61 + letter * 100, 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def test_only_certificates_that_are_not_public_are_looked_for() -> None:
    marks = traces.fingerprints(certificate("B") + certificate("C"), public=certificate("B"))

    assert marks == (b"C" * 64,)
    assert traces.found(certificate("C").encode(), marks)
    assert not traces.found(certificate("B").encode(), marks)


def test_line_breaks_of_another_length_make_no_other_certificate() -> None:
    once = certificate("B")
    body = "".join(once.splitlines()[1:-1])

    assert traces.fingerprints(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n", once) == ()


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("ARG INDEX=https://me:pw@index.example/simple", True),
        ("http://proxy.example:3128", False),
        ("https://index.example/simple", False),
        ("git@example:repo", False),
    ],
)
def test_a_password_in_a_url_is_seen(text: str, hidden: bool) -> None:
    assert (traces.CREDENTIALS.search(text) is not None) is hidden


def test_a_private_key_is_seen_and_the_words_alone_are_not() -> None:
    assert traces.PRIVATE_KEY.search(b"-----BEGIN RSA PRIVATE KEY-----\n" + b"A" * 64)
    assert not traces.PRIVATE_KEY.search(b"if text.startswith('-----BEGIN PRIVATE KEY-----'):")
