"""From a wish to a stack."""

from __future__ import annotations

import pytest

from deploy_kit import codec
from deploy_kit.compat import DeviceRequest, RequestKind
from deploy_kit.config.request import Listen, Weights
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


def test_a_stack_with_a_card_survives_the_way_through_json() -> None:
    stack = samples.model_stack(DeviceRequest(RequestKind.CDI, ("nvidia.com/gpu=0",), required=True))

    assert codec.loads(Stack, codec.dumps(stack)) == stack


def test_only_a_stack_with_a_card_shares_cards_with_others() -> None:
    with_card, without = samples.model_stack(DeviceRequest(RequestKind.RESERVATION)), samples.model_stack()

    assert dict(with_card.settings)["TTS_GPU_HUB"] == "/run/deploykit/gpu"
    assert "deploykit_gpu" in [mount.source for mount in with_card.mounts]
    assert not {"TTS_GPU_HUB", "TTS_GPUS"} & dict(without.settings).keys()
    assert "deploykit_gpu" not in [mount.source for mount in without.mounts]


def test_weights_of_the_host_are_mounted_read_only_and_named_as_the_service_sees_them() -> None:
    folder = samples.model_stack(weights=Weights("/srv/weights"))
    archive = samples.model_stack(weights=Weights("/srv/weights.TAR.gz", "/srv/lock.json"))

    assert dict(folder.settings)["TTS_WEIGHTS_SOURCE"] == "/weights_source"
    assert dict(archive.settings)["TTS_WEIGHTS_SOURCE"] == "/weights_source.tar.gz"
    assert dict(archive.settings)["TTS_WEIGHTS_LOCK"] == "/etc/deploykit/weights.json"
    assert {mount.target: mount.read_only for mount in archive.mounts if mount.kind is MountKind.BIND} == {
        "/weights_source.tar.gz": True,
        "/etc/deploykit/weights.json": True,
    }


def test_plain_processes_read_weights_token_and_cards_where_they_are() -> None:
    wish = Weights("/srv/weights", "/srv/lock.json", "/srv/token")
    stack = samples.model_stack(target="local", device="cuda", weights=wish, gpus=("GPU-1", "GPU-2"))
    settings = dict(stack.settings)

    assert settings["TTS_WEIGHTS_SOURCE"] == "/srv/weights"
    assert (settings["TTS_WEIGHTS_LOCK"], settings["TTS_HUB_TOKEN_FILE"]) == ("/srv/lock.json", "/srv/token")
    assert settings["CUDA_VISIBLE_DEVICES"] == "GPU-1,GPU-2"
    assert {mount.target: mount.source for mount in stack.mounts}["TTS_GPU_HUB"] == "/state/gpu"
    assert stack.gpu is None


def test_sentences_on_a_cpu_get_more_time_to_end() -> None:
    cpu, card, voice = samples.model_stack(), samples.model_stack(device="cuda"), samples.stack()

    assert float(dict(cpu.settings)["TTS_DRAIN_SECONDS"]) == 600
    assert dict(card.settings)["TTS_DRAIN_SECONDS"] == dict(voice.settings)["TTS_DRAIN_SECONDS"] == "20"
    assert cpu.stop_grace_seconds > 600


def test_limits_of_the_user_go_before_those_of_the_verdict() -> None:
    open_, told = samples.stack(memory=None, pids=None), samples.stack(memory=5 << 30, pids=300)

    assert (open_.limits.memory, open_.limits.pids) == (1 << 30, 256)
    assert (told.limits.memory, told.limits.pids) == (5 << 30, 300)
