"""The graphics card stands in a file of its own, in the form that the host's engine understands."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from deploy_kit import render
from deploy_kit.compat import DeviceRequest, RequestKind
from deploy_kit.render import compose, overlay
from tests.support import samples

ALL = DeviceRequest(RequestKind.RESERVATION)
TWO = DeviceRequest(RequestKind.RESERVATION, ("GPU-1", "GPU-2"))
CDI = DeviceRequest(RequestKind.CDI, ("nvidia.com/gpu=all",))
RUNTIME = DeviceRequest(RequestKind.RUNTIME, ("GPU-1",))


def service(gpu: DeviceRequest) -> dict[str, Any]:
    found: dict[str, Any] = overlay.document(samples.model_stack(gpu))["services"]["tts"]
    return found


def devices(gpu: DeviceRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service(gpu)["deploy"]["resources"]["reservations"]["devices"]
    return found


def test_cards_are_reserved_from_the_driver_of_the_engine() -> None:
    assert devices(ALL) == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]
    assert devices(TWO) == [{"driver": "nvidia", "device_ids": ["GPU-1", "GPU-2"], "capabilities": ["gpu"]}]


def test_cdi_names_its_devices_and_leaves_the_hook_alone() -> None:
    assert devices(CDI) == [{"driver": "cdi", "device_ids": ["nvidia.com/gpu=all"], "capabilities": ["gpu"]}]
    assert "NVIDIA_VISIBLE_DEVICES" not in service(CDI)["environment"]
    assert service(CDI)["environment"]["TTS_GPUS"] == "all"


def test_the_oldest_form_is_a_runtime_and_a_variable() -> None:
    assert service(RUNTIME)["runtime"] == "nvidia"
    assert service(RUNTIME)["environment"]["NVIDIA_VISIBLE_DEVICES"] == "GPU-1"
    assert "deploy" not in service(RUNTIME)


@pytest.mark.parametrize("gpu", [ALL, TWO, CDI, RUNTIME])
def test_the_form_that_old_composes_ignore_is_never_used(gpu: DeviceRequest) -> None:
    assert "gpus" not in service(gpu)


@pytest.mark.parametrize("gpu", [ALL, TWO, CDI, RUNTIME])
def test_the_file_below_asks_for_no_card(gpu: DeviceRequest) -> None:
    base, plain = compose.document(samples.model_stack(gpu)), compose.document(samples.model_stack())
    labels = [one["services"]["tts"].pop("labels") for one in (base, plain)]
    grace = [
        (one["services"]["tts"].pop("stop_grace_period"), one["services"]["tts"]["environment"])
        for one in (base, plain)
    ]

    assert labels[0] != labels[1]
    assert grace[0][1].pop("TTS_DRAIN_SECONDS") != grace[1][1].pop("TTS_DRAIN_SECONDS")
    assert base == plain
    assert base["services"]["tts"]["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_a_stack_on_the_cpu_has_no_overlay() -> None:
    assert list(render.files(samples.model_stack())) == ["compose.yaml"]
    assert list(render.files(samples.model_stack(ALL))) == ["compose.yaml", render.OVERLAY]


@pytest.mark.parametrize("gpu", [ALL, TWO, CDI, RUNTIME])
def test_what_is_written_is_what_is_meant(gpu: DeviceRequest) -> None:
    stack = samples.model_stack(gpu)

    assert yaml.safe_load(overlay.text(stack)) == overlay.document(stack)
    assert yaml.safe_load(overlay.manual_text(gpu)) == overlay.manual_document(gpu)


def test_the_volume_for_sharing_outlives_the_stack() -> None:
    volumes = overlay.document(samples.model_stack(ALL))["volumes"]

    assert volumes == {"deploykit_gpu": {"name": "deploykit_gpu", "external": True}}


def test_the_token_of_the_hub_is_a_secret_of_its_own() -> None:
    stack = samples.model_stack(token_version="t1")
    found = compose.document(stack, token_file="/state/hub_token")

    assert found["secrets"] == {"hub_token": {"file": "/state/hub_token"}}
    assert found["services"]["tts"]["environment"]["TTS_HUB_TOKEN_FILE"] == "/run/secrets/hub_token"


def test_the_file_for_hands_leaves_variant_engine_and_licence_to_the_environment() -> None:
    from deploy_kit.render import deliverables

    service = compose.manual_document(deliverables.model_stack())["services"]["tts"]

    assert service["build"]["additional_contexts"]["engine"].startswith("${DEPLOYKIT_ENGINE_SOURCE:-https://")
    assert service["environment"]["TTS_ACCEPT_LICENSE"] == "${DEPLOYKIT_ACCEPT_LICENSE:-false}"
    assert service["image"] == "deploykit/${DEPLOYKIT_VARIANT:-cu128}:manual"
