"""The table of the guard: every message of CUDA and torch that is known, and a near miss for each."""

from __future__ import annotations

import pytest
from tts_worker.guard import architecture, codes

from deploy_kit import messages
from deploy_kit.compat import cards
from deploy_kit.data import table


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CUDA error: no kernel image is available for execution on the device", "GPU-CARD-UNSUPPORTED"),
        (
            "NVIDIA B200 with CUDA capability sm_100 is not compatible with the current PyTorch installation.",
            "GPU-CARD-UNSUPPORTED",
        ),
        ("Found GPU0 GTX 970 which is of compute capability (CC) 5.2", "GPU-CARD-UNSUPPORTED"),
        ("The NVIDIA driver on your system is too old (found version 11040)", "GPU-DRIVER-OLD"),
        ("CUDA driver version is insufficient for CUDA runtime version", "GPU-DRIVER-OLD"),
        ("Found no NVIDIA driver on your system. Please check", "GPU-NO-DRIVER"),
        ("Torch not compiled with CUDA enabled", "GPU-TORCH-CPU"),
        ("CUDA error: no CUDA-capable device is detected", "GPU-NOT-VISIBLE"),
        ("No CUDA GPUs are available", "GPU-NOT-VISIBLE"),
        ("CUDA error: invalid device ordinal", "GPU-NOT-VISIBLE"),
        ("CUDA driver is a stub library", "GPU-STUB"),
        ("Error 802: system not yet initialized", "GPU-FABRIC"),
        ("Error 803: system has unsupported display driver / cuda driver combination", "GPU-DRIVER-MISMATCH"),
        ("Error 804: forward compatibility was attempted on non supported HW", "GPU-FORWARD-COMPAT"),
        ("CUDA unknown error - this may be due to an incorrectly set up environment", "GPU-UVM"),
        ("CUDA driver initialization failed, you might not have a CUDA gpu.", "GPU-NOT-ALLOWED"),
        ("OS call failed or operation not supported on this OS", "GPU-OS"),
        ("CUDA error: all CUDA-capable devices are busy or unavailable", "GPU-BUSY"),
        ("CUDA error: CUDA-capable device(s) is/are busy or unavailable", "GPU-BUSY"),
        ("CUDA out of memory. Tried to allocate 20.00 MiB", "GPU-OOM"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "GPU-OOM"),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`", "GPU-LIBRARIES"),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", "GPU-LIBRARIES"),
        ("Could not load library libcudnn_graph.so.9", "GPU-LIBRARIES"),
        ("libcudart.so.12: cannot open shared object file: No such file", "GPU-LIBRARIES"),
        ("CUDA error: device-side assert triggered", "GPU-CONTEXT"),
        ("CUDA error: an illegal memory access was encountered", "GPU-CONTEXT"),
        ("CUDA error: unspecified launch failure", "GPU-CONTEXT"),
        ("CUDA error: uncorrectable ECC error encountered", "GPU-ECC"),
        ("the provided PTX was compiled with an unsupported toolchain.", "GPU-DRIVER-OLD"),
        ("libcuda.so.1: cannot open shared object file", "GPU-NO-DRIVER"),
        ("CUDA_ERROR_MPS_CONNECTION_FAILED", "GPU-MPS"),
        ("The size of tensor a (3) must match the size of tensor b (4)", None),
        ("this text speaks of memory and of a driver who is too old", None),
        ("use_emo_text=True requires QwenEmotion", None),
        ("DefaultCPUAllocator: can't allocate memory", None),
    ],
)
def test_every_known_message_has_its_code(text: str, code: str | None) -> None:
    assert codes.of_text(text) == code


def test_an_exceptions_type_speaks_where_its_words_do_not() -> None:
    class AcceleratorError(RuntimeError):
        pass

    class OutOfMemoryError(RuntimeError):
        pass

    assert codes.of_error(OutOfMemoryError("")) == "GPU-OOM"
    assert codes.of_error(AcceleratorError("new words")) == "GPU-CONTEXT"
    assert codes.of_error(ValueError("new words")) is None


def test_every_code_of_the_table_has_its_sentences_and_they_need_only_the_detail() -> None:
    rows = table("guard")
    used = {row["code"] for row in rows["numbers"].values()} | {row["code"] for row in rows["texts"]}
    used |= {"GPU-PROBE-HUNG", "GPU-PROBE-CRASHED", "GPU-KERNEL", "GPU-DRIVER-ERROR", "GPU-TORCH-CPU"}
    for locale in messages.LOCALES:
        catalogue = messages.Catalogue(locale)
        for code in used:
            for part in ("what", "why", "remedy"):
                assert catalogue(f"findings.{code}.{part}", detail="words", subject="")


@pytest.mark.parametrize(
    ("capability", "compiled", "runs"),
    [
        ("8.9", ["8.6"], True),
        ("8.6", ["8.9"], False),
        ("9.0", ["8.6"], False),
        ("12.1", ["12.0"], True),
        ("10.3", ["10.0"], True),
        ("8.7", ["8.0", "8.6"], False),
        ("8.7", ["8.7"], True),
        ("6.2", ["6.0"], False),
        ("6.1", ["6.0"], True),
        ("5.2", ["5.0"], True),
    ],
)
def test_which_compiled_code_a_card_runs(capability: str, compiled: list[str], runs: bool) -> None:
    assert cards.runs(capability, compiled) is runs


def test_intermediate_code_runs_on_newer_cards_only() -> None:
    assert cards.runs("13.0", ["12.0"], ["12.0"])
    assert not cards.runs("9.0", ["12.0"], ["12.0"])


def test_names_of_architectures() -> None:
    assert architecture.of_torch(["sm_70", "sm_120", "sm_90a", "8.6", "compute_120"]) == (
        ["7.0", "12.0", "9.0", "8.6"],
        ["12.0"],
    )
