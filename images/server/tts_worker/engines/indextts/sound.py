"""From upstream's tensors to samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tts_worker.engines import EngineError

_HIGHEST = 32767
_LITTLE = "<i2"


def segments(stream: Iterable[Any], torch: Any) -> Iterator[bytes]:
    """The spoken segments of a streaming call, as samples.

    Upstream hands out speech and silence in turn: after each segment, the last one included, comes its pause (with a
    pause of 0 it hands out, in its place, the list of all speech so far). The pauses are ours to make, so they are left
    out.

    Raises:
        EngineError: ``synthesis``: the model calculated values that are no numbers.
    """
    for index, item in enumerate(stream):
        if torch.is_tensor(item) and not (index % 2 and not bool(item.any())):
            yield samples(item, torch)


def samples(tensor: Any, torch: Any) -> bytes:
    """A tensor ``[1, n]`` in the scale of 16-bit samples, rounded, held within its limits, as bytes."""
    values = tensor.detach().float().cpu().reshape(-1)
    if not bool(torch.isfinite(values).all()):
        raise EngineError("synthesis", "the model calculated values that are no numbers")
    whole = values.round().clamp(-_HIGHEST, _HIGHEST).to(torch.int16)
    return bytes(whole.numpy().astype(_LITTLE, copy=False).tobytes())


def silence(milliseconds: int, rate: int) -> bytes:
    """Samples of a pause."""
    return bytes(2 * (rate * milliseconds // 1000))
