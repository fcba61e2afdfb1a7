"""The guard against a driver in every state: compiled stubs, real ctypes, a process of its own."""

from __future__ import annotations

import json
import subprocess
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import standin_cuda
from tests.worker.peer import ROOT

Judge = Callable[..., dict[str, Any]]


@pytest.fixture
def judge(interpreter: str, libraries: Path) -> Judge:
    """Run the guard; its verdict. ``folder=None``: without NVIDIA's libraries; ``torch``: with its second stage."""

    def run(
        *arguments: str,
        folder: Path | None = libraries,
        torch: bool = False,
        python: str = interpreter,
        **environment: str,
    ) -> dict[str, Any]:
        places = [ROOT / "images/server", ROOT, *([standin_cuda.FOLDER] if torch else [])]
        done = subprocess.run(
            [python, "-m", "tts_worker.guard", "--json", *([] if torch else ["--driver-only"]), *arguments],
            env={
                "PYTHONPATH": ":".join(map(str, places)),
                "PYTHONDONTWRITEBYTECODE": "1",
                **({"LD_LIBRARY_PATH": str(folder)} if folder else {}),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        verdict: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (4 if verdict["code"] else 0)
        return verdict

    return run


def test_a_working_driver_and_what_it_says_of_the_first_card(judge: Judge) -> None:
    verdict = judge(STUB_NAME="NVIDIA GeForce RTX 3060", STUB_CC="8.6", STUB_TOTAL="12884901888", STUB_COUNT="2")

    assert verdict["code"] is None
    assert (verdict["name"], verdict["capability"]) == ("NVIDIA GeForce RTX 3060", "8.6")
    assert (verdict["bytes"], verdict["count"], verdict["driver"]) == (12_884_901_888, 2, 12_080)
    assert verdict["uuid"] == "GPU-00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (2, "GPU-OOM"),
        (3, "GPU-NOT-ALLOWED"),
        (34, "GPU-STUB"),
        (35, "GPU-DRIVER-OLD"),
        (46, "GPU-BUSY"),
        (100, "GPU-NOT-VISIBLE"),
        (214, "GPU-ECC"),
        (304, "GPU-OS"),
        (802, "GPU-FABRIC"),
        (803, "GPU-DRIVER-MISMATCH"),
        (804, "GPU-FORWARD-COMPAT"),
        (807, "GPU-MPS"),
        (999, "GPU-UVM"),
        (12345, "GPU-DRIVER-ERROR"),
    ],
)
def test_each_refusal_of_the_driver_has_its_code(judge: Judge, number: int, code: str) -> None:
    verdict = judge(STUB_CU_INIT=str(number))

    assert verdict["code"] == code
    assert verdict["detail"].startswith(f"cuInit: error {number}")


def test_a_refusal_is_named_as_cuda_names_it(judge: Judge) -> None:
    assert judge(STUB_CU_INIT="803")["detail"] == "cuInit: error 803 CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
    assert judge(STUB_CU_INIT="802")["detail"] == "cuInit: error 802 CUDA_ERROR_SYSTEM_NOT_READY"


def test_a_call_after_the_start_may_fail_too(judge: Judge) -> None:
    verdict = judge(STUB_CU_COUNT="46")

    assert (verdict["code"], verdict["detail"]) == (
        "GPU-BUSY",
        "cuDeviceGetCount: error 46 CUDA_ERROR_DEVICE_UNAVAILABLE",
    )


def test_no_card(judge: Judge) -> None:
    assert judge(STUB_COUNT="0")["code"] == "GPU-NOT-VISIBLE"


def test_no_driver_library(judge: Judge) -> None:
    verdict = judge(folder=None)

    assert verdict["code"] == "GPU-NO-DRIVER"
    assert "libcuda.so.1" in verdict["detail"]


def test_a_driver_library_that_is_none(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "libcuda.so.1").write_bytes(b"not a library")

    assert judge(folder=tmp_path)["code"] == "GPU-NO-DRIVER"


@pytest.mark.parametrize("call", ["cuInit", "cuDriverGetVersion", "cuDeviceGetCount"])
def test_a_driver_that_hangs_is_given_up_in_time(judge: Judge, call: str) -> None:
    began = time.monotonic()
    verdict = judge("--driver-seconds", "1", STUB_HANG=call)

    assert verdict["code"] == "GPU-PROBE-HUNG"
    assert time.monotonic() - began < 40


def test_a_driver_that_crashes_takes_only_its_child_with_it(judge: Judge) -> None:
    verdict = judge(STUB_CRASH="cuInit")

    assert (verdict["code"], verdict["detail"]) == ("GPU-PROBE-CRASHED", "ended by SIGSEGV")


@pytest.fixture
def environment(interpreter: str, tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """An environment with the builder's record at its root; its interpreter."""

    def make(record: dict[str, Any]) -> str:
        venv.create(tmp_path / "environment", symlinks=True, with_pip=False)
        python = tmp_path / "environment/bin/python"
        python.unlink()
        python.symlink_to(Path(interpreter).resolve())
        (tmp_path / "environment/deploykit.json").write_text(json.dumps(record))
        return str(python)

    return make


CU128 = {"cuda": "12.8", "arch_list": ["7.0", "7.5", "8.0", "8.6", "9.0", "10.0", "12.0"]}


@pytest.mark.parametrize(
    ("capability", "driver", "code"),
    [
        ("8.9", 12_080, None),
        ("12.1", 12_080, None),
        ("8.9", 12_000, None),
        ("8.9", 13_000, None),
        ("6.1", 12_080, "GPU-CARD-UNSUPPORTED"),
        ("8.7", 12_080, "GPU-CARD-UNSUPPORTED"),
        ("8.9", 11_040, "GPU-DRIVER-OLD"),
    ],
)
def test_card_and_driver_are_held_against_what_the_image_was_built_for(
    judge: Judge, environment: Callable[[dict[str, Any]], str], capability: str, driver: int, code: str | None
) -> None:
    verdict = judge(python=environment(CU128), STUB_CC=capability, STUB_CUDA=str(driver))

    assert verdict["code"] == code


def test_a_cpu_environment_says_nothing_of_cards(judge: Judge, environment: Callable[[dict[str, Any]], str]) -> None:
    assert judge(python=environment({"cuda": None, "arch_list": []}), STUB_CC="3.5", STUB_CUDA="11040")["code"] is None


def test_one_real_product_in_torch(judge: Judge) -> None:
    verdict = judge("--half", "bfloat16", torch=True, STUB_CC="9.0")

    assert verdict["code"] is None
    assert (verdict["cuda"], verdict["capability"]) == ("12.8", "9.0")


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"STANDIN_KERNEL": "CUDA error: no kernel image is available for execution"}, "GPU-CARD-UNSUPPORTED"),
        ({"STANDIN_KERNEL": "CUDA error: all CUDA-capable devices are busy or unavailable"}, "GPU-BUSY"),
        ({"STANDIN_KERNEL": "CUDA out of memory. Tried to allocate 2 MiB"}, "GPU-OOM"),
        ({"STANDIN_KERNEL": "CUDA error: uncorrectable ECC error encountered"}, "GPU-ECC"),
        ({"STANDIN_KERNEL": "something that nobody has seen"}, "GPU-KERNEL"),
        ({"STANDIN_KERNEL": "wrong"}, "GPU-KERNEL"),
        ({"STANDIN_CUDA": "none"}, "GPU-TORCH-CPU"),
        ({"STANDIN_CUDA": "13.0"}, "GPU-DRIVER-OLD"),
        ({"STUB_CC": "5.2"}, "GPU-CARD-UNSUPPORTED"),
        ({"STANDIN_ARCHITECTURES": "sm_50 sm_60", "STUB_CC": "6.1"}, None),
    ],
)
def test_what_torch_says_has_its_code(judge: Judge, environment: dict[str, str], code: str | None) -> None:
    assert judge(torch=True, **environment)["code"] == code


def test_a_kernel_that_hangs_is_given_up_in_time(judge: Judge) -> None:
    began = time.monotonic()
    verdict = judge("--kernel-seconds", "15", torch=True, STANDIN_KERNEL="hang")

    assert verdict["code"] == "GPU-PROBE-HUNG"
    assert time.monotonic() - began < 100


def test_a_stub_of_a_driver_is_no_gpu_for_the_real_torch(interpreter: str, libraries: Path) -> None:
    """Nothing pretends here: the first stage is content with the stub, the second is not."""
    done = subprocess.run(
        [interpreter, "-m", "tts_worker.guard", "--json"],
        env={"PYTHONPATH": f"{ROOT / 'images/server'}:{ROOT}", "LD_LIBRARY_PATH": str(libraries), "STUB_CUDA": "13000"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    verdict = json.loads(done.stdout)

    assert verdict["code"] is not None
    assert verdict["torch"]
