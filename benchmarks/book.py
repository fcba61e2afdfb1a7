"""The book of failures against the plain way: every expression searched in every line."""

from __future__ import annotations

import io
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Row
from deploy_kit import diagnose
from deploy_kit.diagnose import book, text

_MEGABYTE = 1_000_000
_TIMES = 3
_SAMPLES = Path(__file__).parents[1] / "tests/unit/diagnose/samples.json"


def rows() -> Iterator[Row]:
    """A megabyte of ordinary log, one of failures, one that was made to hurt; and fifty of the first."""
    for name, content, aim in (
        ("ordinary", _ordinary(), 0.1),
        ("failures", _failures(), 0.3),
        ("hostile", _hostile(), 0.5),
    ):
        ours = _median(lambda content=content: diagnose.read_stream(io.BytesIO(content)))  # type: ignore[misc]
        rival = _median(lambda content=content: _plainly(content), 1)  # type: ignore[misc]
        yield Row(f"`diagnose`, 1 MB of {name} log against `re.search`", ours, rival, "s", aim)
    long = _ordinary() * 50
    start = time.perf_counter()
    diagnose.read_stream(io.BytesIO(long))
    yield Row("`diagnose`, 50 MB of ordinary log", time.perf_counter() - start, None, "s", 15)


def _median(work: Callable[[], object], times: int = _TIMES) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def _plainly(content: bytes) -> set[str]:
    """What anybody would write first."""
    found = set()
    expressions = [(one.row.id, one.compiled()) for one in book.signatures(None)]
    for line in content.decode("utf-8", "replace").splitlines():
        small = text.small(line)
        found |= {row for row, expression in expressions if expression.search(small)}
    return found


def _ordinary() -> bytes:
    rnd = random.Random(1)
    form = "2026-11-22T10:{:02}:{:02}Z info  POST /v1/audio/speech 200 {:.2f} s device=cuda:0 file=/x/{:x} id={:x}\n"
    lines = (
        form.format(rnd.randrange(60), rnd.randrange(60), rnd.random(), rnd.getrandbits(40), rnd.getrandbits(64))
        for _ in range(_MEGABYTE // 110)
    )
    return "".join(lines).encode()


def _failures() -> bytes:
    samples = json.loads(_SAMPLES.read_text(encoding="utf-8"))
    lines = "\n".join(line for sample in samples.values() for line in sample["positive"] + sample["near"]) + "\n"
    return (lines * (_MEGABYTE // len(lines) + 1)).encode()[:_MEGABYTE]


def _hostile() -> bytes:
    """Everything that lets an expression be tried, and nothing that it takes."""
    line = " ".join(signature.needle for signature in book.signatures(None)) + "\n"
    return (line * (_MEGABYTE // len(line) + 1)).encode()[:_MEGABYTE]


if __name__ == "__main__":
    from benchmarks.measure import table

    print(table(list(rows())))
