"""The user's own key file: read as a file, never waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy_kit.config.request import Weights
from deploy_kit.errors import Failure
from deploy_kit.lifecycle.access import key_for, token_for
from deploy_kit.run.state import State
from tests.support import samples


@pytest.mark.parametrize(
    "content", [b"\xff\xfe" * 10, b"short", "ключ-ключ-ключ".encode(), b"k" * 100_000, b"two words here"]
)
def test_what_is_no_key_is_a_finding(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)

    assert refused(tmp_path / "key") == "CONFIG-KEY-FILE"


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", ".", "missing"])
def test_what_is_no_file_is_a_finding(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert refused(tmp_path / path) == "CONFIG-KEY-FILE"


def refused(path: Path) -> str:
    with pytest.raises(Failure) as caught:
        key_for(samples.request(api_key_file=str(path)), State("indextts", path.parent / "state"))
    return caught.value.finding.code


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\x00\x80", "hf_münze".encode(), b"hf_\x1b[31m"])
def test_what_is_no_token_is_refused_in_words_and_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    request = samples.request(engine="indextts-2.5", weights=Weights(token_file=str(file)))

    with pytest.raises(Failure) as caught:
        token_for(request)

    assert (caught.value.finding.code, dict(caught.value.finding.args)["reason"]) == (
        "CONFIG-TOKEN-FILE",
        "one word is wanted",
    )
