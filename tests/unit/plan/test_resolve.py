"""From a wish to a stack."""

from __future__ import annotations

import pytest

from deploy_kit import codec
from deploy_kit.config.request import Listen
from deploy_kit.plan.resolve import IMAGE_UID
from deploy_kit.plan.stack import MountKind, Stack
from tests.support import samples


def test_a_stack_survives_the_way_through_json() -> None:
    stack = samples.stack(secret_version="v1", cpus=1.5)

    assert codec.loads(Stack, codec.dumps(stack)) == stack
    assert codec.loads(Stack, codec.dumps(stack)).digest == stack.digest


def test_root_never_runs_the_service_as_root() -> None:
    assert samples.stack(uid=0).user == IMAGE_UID
    assert samples.stack(uid=1000).user == 1000


def test_the_cache_outlives_the_stack() -> None:
    cache = samples.stack().mounts[0]

    assert (cache.kind, cache.source, cache.external) == (MountKind.VOLUME, "cache_hub", True)


def test_the_container_listens_on_every_address_and_the_host_on_the_one_asked_for() -> None:
    stack = samples.stack(listen=Listen("127.0.0.1", 9000))

    assert dict(stack.settings)["TTS_LISTEN"] == "0.0.0.0:7860"
    assert str(stack.listen) == "127.0.0.1:9000"


def test_a_local_service_listens_where_it_was_asked_to() -> None:
    assert dict(samples.stack(target="local", listen=Listen("::1", 9000)).settings)["TTS_LISTEN"] == "[::1]:9000"


@pytest.mark.parametrize("seconds", [0.0, 20.0, 3600.0])
def test_the_engine_waits_longer_than_the_drain(seconds: float) -> None:
    assert samples.stack(drain_seconds=seconds).stop_grace_seconds > seconds
