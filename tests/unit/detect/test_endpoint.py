"""Which engine the docker client would talk to, as damaged files of its settings say it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.detect import Context
from deploy_kit.detect.site import endpoint


@pytest.mark.parametrize("name", [["x"], {"a": 1}, 7, True])
def test_a_context_that_is_no_name_is_unknown(tmp_path: Path, name: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": name}), encoding="utf-8")

    assert not endpoint.observe(looking(tmp_path)).known


@pytest.mark.parametrize("content", [[], {"Endpoints": []}, {"Endpoints": {"docker": "x"}}, {"Endpoints": None}])
def test_a_context_without_an_endpoint_is_unknown(tmp_path: Path, content: object) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "box"}', encoding="utf-8")
    meta = tmp_path / "contexts/meta" / sha256(b"box").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps(content), encoding="utf-8")

    seen = endpoint.observe(looking(tmp_path))
    assert (seen.known, seen.source) == (False, "docker context box")


def looking(folder: Path) -> Context:
    return Context(Path("/"), {"DOCKER_CONFIG": str(folder), "HOME": "/nowhere"}, proc.run)
