"""No password of a URL is ever repeated, and nothing secret or personal is handed on."""

from __future__ import annotations

import time

import pytest

from deploy_kit.redact import MASK, Scrubber, has_credentials, is_secret_name, redact, scrub


def test_user_and_password_go_and_the_rest_stays() -> None:
    assert redact("see https://joe:s3cret@index.example/simple!") == "see https://***@index.example/simple!"
    assert redact("https://token@index.example/") == "https://***@index.example/"


def test_an_at_sign_elsewhere_is_no_password() -> None:
    for text in ("https://index.example/@scope/package", "joe@example", "https://index.example/?a=b@c"):
        assert not has_credentials(text)
        assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://joe:{}@proxy.example:3128/",
        "https://joe:{}@x@proxy.example:3128/",
        "https://{}@index.example/simple",
        "Authorization: Bearer {}",
        "authorization: Basic {}",
        '{{"api_key": "{}"}}',
        '{{"password": "{} with blanks"}}',
        "'hub_token': '{}'",
        '"msg": "api_key: \\"{}\\""',
        "TTS_API_KEY={}",
        "HF_TOKEN: {}",
        "GET /file?token={}&x=1",
        "GET /file?X-Amz-Signature={}",
        "tool --api-key={} run",
        "tool --hub-token {} run",
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
        "hf_{}abcdefghijkl",
        "ghp_{}abcdefghijkl",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.{}",
    ],
)
def test_what_looks_like_a_secret_goes(text: str) -> None:
    shown = scrub(text.format("S3cr3tValue"))

    assert "S3cr3tValue" not in shown
    assert "with blanks" not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 20.00 MiB",
        "TTS_API_KEY_FILE=/run/secrets/api_key",
        'secret "indextts-api-key" not found',
        "secret_version: to-be-made",
        "max_text_tokens_per_segment: 120",
        "https://index.example/@scope/package",
        "sha256:0123456789abcdef0123456789abcdef",
        "GPU-4cf8db2d-06c0-7d70-1a51-e59b25b2c16c",
        "invalid load key, 'v'",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("HF_TOKEN", True),
        ("MY_API_KEY", True),
        ("db.password", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("TTS_API_KEY_FILE", False),
        ("SSH_AUTH_SOCK", False),
        ("secret_version", False),
        ("KEYBOARD", False),
    ],
)
def test_a_name_tells_whether_its_value_is_a_secret(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_a_known_secret_goes_in_every_form() -> None:
    clean = Scrubber(["pä/ss wörd+1"])

    for text in (
        "pä/ss wörd+1",
        "p%C3%A4%2Fss%20w%C3%B6rd%2B1",
        "p%C3%A4%2Fss+w%C3%B6rd%2B1",
        "p\\u00e4/ss w\\u00f6rd+1",
    ):
        assert clean(f"x {text} y") == f"x {MASK} y"
    assert "cMOkL3NzIHfDtnJkKzE" not in clean("coded: cMOkL3NzIHfDtnJkKzE=")


def test_a_secret_too_short_to_be_one_does_not_blacken_everything() -> None:
    assert Scrubber(["", "a", "1"])("a banana 1") == "a banana 1"


def test_who_and_where_the_user_is_goes() -> None:
    clean = Scrubber(
        home="/home/alice", user="alice", host="nas.alice.example", addresses=["93.184.216.34", "10.0.0.7"]
    )

    assert clean("/home/alice/.config /home/bob/x") == "~/.config /home/user/x"
    assert clean("usermod -aG docker alice") == "usermod -aG docker <user>"
    assert clean("nas kernel: nas.alice.example up; nastier") == "<host> kernel: <host> up; nastier"
    assert clean("on 93.184.216.34:7860 and 10.0.0.7") == "on <public-address-1>:7860 and 10.0.0.7"


def test_a_version_that_looks_like_an_address_stays() -> None:
    clean = Scrubber(addresses=["12.8.4.1"])

    assert clean("nvidia-cublas==12.8.4.19") == "nvidia-cublas==12.8.4.19"
    assert clean("8.8.8.8") == "8.8.8.8"


def test_names_that_everybody_has_stay() -> None:
    assert Scrubber(user="root", host="ubuntu", home="/root")("root@ubuntu:/root/x") == "root@ubuntu:/root/x"


@pytest.mark.parametrize(
    "piece", ["://a", "token=", "-----BEGIN PRIVATE KEY-----", "eyJ", "--a-", "a", "password ", "?key="]
)
def test_a_hostile_text_is_read_in_linear_time(piece: str) -> None:
    start = time.process_time()
    scrub(piece * (500_000 // len(piece)))

    assert time.process_time() - start < 5
