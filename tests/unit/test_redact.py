"""No password of a URL is ever repeated."""

from __future__ import annotations

from deploy_kit.redact import has_credentials, redact


def test_user_and_password_go_and_the_rest_stays() -> None:
    assert redact("see https://joe:s3cret@index.example/simple!") == "see https://***@index.example/simple!"
    assert redact("https://token@index.example/") == "https://***@index.example/"


def test_an_at_sign_elsewhere_is_no_password() -> None:
    for text in ("https://index.example/@scope/package", "joe@example", "https://index.example/?a=b@c"):
        assert not has_credentials(text)
        assert redact(text) == text
