"""The second stage: real kernels in the engine's torch."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import replace
from typing import Any

from deploy_kit.compat import cards
from tts_worker.guard import architecture, codes
from tts_worker.guard.driver import dotted
from tts_worker.guard.verdict import Verdict

_SIZE = 256
_WORDS = 300
_TOLERANCE = {"float32": 1e-2, "float16": 0.5, "bfloat16": 2.0}
"""Of a sum of `_SIZE` products of values below 1, by how fine the type is."""


def judge(driver: Verdict, half: str | None = None) -> Verdict:
    """Compute on the card what an engine computes, and compare with the processor.

    Args:
        driver: What the first stage said; its facts are kept.
        half: Name of a half-precision type that is tried as well.
    """
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return replace(driver, code=codes.of_text(str(error)) or "GPU-LIBRARIES", detail=first_line(error))
    known = replace(driver, torch=str(torch.__version__), cuda=torch.version.cuda)
    if torch.version.cuda is None:
        return replace(known, code="GPU-TORCH-CPU", detail=f"torch {torch.__version__}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unsupported cards; the kernel itself is the judge
            known = _outdated(known)
            if known.code is None:
                torch.cuda.init()
                known = _unsupported(torch, known)
            if known.code is None:
                for kind in filter(None, ("float32", half)):
                    _multiply(torch, kind)
                _listen(torch)
    except Exception as error:  # noqa: BLE001 - whatever torch raises here is the verdict
        return replace(known, code=codes.of_error(error) or "GPU-KERNEL", detail=first_line(error))
    return known


def _outdated(known: Verdict) -> Verdict:
    """The driver against the CUDA of torch."""
    if known.cuda and known.driver is not None and known.driver // 1000 < int(known.cuda.split(".", 1)[0]):
        detail = f"the driver serves CUDA {dotted(known.driver)}, torch was built for {known.cuda}"
        return replace(known, code="GPU-DRIVER-OLD", detail=detail)
    return known


def _unsupported(torch: Any, known: Verdict) -> Verdict:
    """The card against torch's own list of architectures."""
    capability = "{}.{}".format(*torch.cuda.get_device_capability(0))
    name = str(torch.cuda.get_device_name(0))
    known = replace(known, capability=capability, name=name)
    compiled, intermediate = architecture.of_torch(torch.cuda.get_arch_list())
    if not cards.runs(capability, compiled, intermediate):
        detail = f"{name} has compute capability {capability}, torch has code for {' '.join(compiled)}"
        return replace(known, code="GPU-CARD-UNSUPPORTED", detail=detail)
    return known


def _multiply(torch: Any, kind: str) -> None:
    generator = torch.Generator().manual_seed(1)
    left, right = (torch.rand(_SIZE, _SIZE, generator=generator) for _ in range(2))
    there = torch.matmul(left.to("cuda", getattr(torch, kind)), right.to("cuda", getattr(torch, kind)))
    torch.cuda.synchronize()
    error = float((there.float().cpu() - torch.matmul(left, right)).abs().max())
    if not error < _TOLERANCE[kind]:
        raise ArithmeticError(f"a product in {kind} is wrong by {error:g}")


def _listen(torch: Any) -> None:
    """A convolution and a spectrum, as every vocoder computes them: other libraries of CUDA than a product."""
    generator = torch.Generator().manual_seed(2)
    sound, weights = torch.rand(1, 1, 16 * _SIZE, generator=generator), torch.rand(1, 1, 7, generator=generator)

    def spectrum(sound: Any, weights: Any) -> Any:
        heard = torch.nn.functional.conv1d(sound, weights)
        return torch.fft.rfft(heard.reshape(-1)[: 8 * _SIZE]).abs()

    there = spectrum(sound.to("cuda"), weights.to("cuda"))
    torch.cuda.synchronize()
    here = spectrum(sound, weights)
    error = float((there.float().cpu() - here).abs().max() / here.max())
    if not error < _TOLERANCE["float32"]:
        raise ArithmeticError(f"a spectrum is wrong by {error:g}")


def first_line(error: BaseException) -> str:
    """Type and first line of an exception, shortened."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:_WORDS] if lines else ''}".rstrip(": ")
