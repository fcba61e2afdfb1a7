"""A start that cannot be is one sentence, whatever stands in the settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.server.running import Running


@pytest.mark.parametrize(
    ("listen", "code"),
    [
        ("a..b:1", "HOST-LISTEN"),
        (".:1", "HOST-LISTEN"),
        ("a" * 100 + ":1", "HOST-LISTEN"),
        (os.fsdecode(b"\xff:1"), "CONFIG-SERVICE"),
        ("127.0.0.1:" + "1" * 5000, "CONFIG-SERVICE"),
        ("127.0.0.1:\u0661\u0662", "CONFIG-SERVICE"),
        ("127.0.0.1:70000", "CONFIG-SERVICE"),
        ("a b\tc:1", "CONFIG-SERVICE"),
    ],
)
def test_an_address_that_cannot_be_one_ends_the_start_with_a_sentence(launch, listen: str, code: str) -> None:
    server: Running = launch(wait=None, TTS_LISTEN=listen)

    assert server.process.wait(20) == (4 if code == "HOST-LISTEN" else 2)
    assert server.text().startswith(code)
    assert "Traceback" not in server.text()
    assert len(server.text()) < 1000


@pytest.mark.parametrize(
    "content", ["schlüssel".encode(), "密钥".encode(), b"two words", b"\xff\xfe", b"a\x00b", b"k" * 10_000]
)
def test_a_key_that_no_client_could_send_ends_the_start(launch, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    server: Running = launch(wait=None, TTS_API_KEY_FILE=str(tmp_path / "key"))

    assert server.process.wait(10) == 2
    assert server.text().startswith("CONFIG-KEY-FILE")


def test_a_key_file_that_is_no_file_ends_the_start_at_once(launch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        server: Running = launch(wait=None, TTS_API_KEY_FILE=str(path))

        assert server.process.wait(10) == 2
        assert server.text().startswith("CONFIG-KEY-FILE")
