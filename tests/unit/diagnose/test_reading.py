"""Reading a log: what carriers put around lines, several failures at once, and texts that were made to hurt."""

from __future__ import annotations

import io
import json
import random
import time
from pathlib import Path

import pytest

from deploy_kit import diagnose
from deploy_kit.diagnose import MANY, Source, book, text
from deploy_kit.diagnose.scan import REACH
from deploy_kit.findings import Severity

SAMPLES = json.loads((Path(__file__).parent / "samples.json").read_text(encoding="utf-8"))
KERNEL = "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device"
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB."
FULL = "write /x: no space left on device"


def rows(*lines: str, source: Source | None = None) -> list[str]:
    return [match.row for match in diagnose.read(lines, source=source)]


def stream(content: bytes) -> list[str]:
    return [match.row for match in diagnose.read_stream(io.BytesIO(content))]


@pytest.mark.parametrize(
    "line",
    [
        f"\x1b[31m{KERNEL}\x1b[0m",
        "CUDA error: \x1b[1mno kernel\x1b[22m image is available for execution on the device",
        f"2026-11-22T10:00:00.123456789Z {KERNEL}",
        f"indextts-1  | {KERNEL}",
        f"Nov 22 10:00:00 host dockerd[812]: {KERNEL}",
        f"2026-11-22T10:00:00.1+08:00 stderr F {KERNEL}",
        f"#19 84.21 {KERNEL}",
        f"[  123.456789] {KERNEL}",
        f"{KERNEL}\r\n",
        f"10%|█   |\r90%|███ |\r{KERNEL}\r",
        json.dumps({"log": f'{{"message": "{KERNEL}"}}\n', "stream": "stderr"}),
        json.dumps({"level": "error", "message": f"first\n{KERNEL}\nlast"}),
        f'time="2026-01-01" level=error msg="{KERNEL}"',
        KERNEL.upper(),
        f"{'x' * 100_000} {KERNEL} {'y' * 100_000}",
        f"世界 {KERNEL} 世界",
    ],
)
def test_a_line_is_found_whatever_carries_it(line: str) -> None:
    assert rows("before", line, "after") == ["P01"]


def test_quotes_that_a_log_has_escaped_are_quotes() -> None:
    said = 'could not select device driver "nvidia" with capabilities: [[gpu]]'

    assert rows(json.dumps({"log": said})) == ["D01"]
    assert rows(f'time="x" level=error msg="{said}"'.replace(' "nvidia" ', ' \\"nvidia\\" ')) == ["D01"]
    assert rows("event: " + said.replace('"', '\\"')) == ["D01"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1"])
def test_bytes_are_read_in_the_encoding_of_their_mark(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""

    assert stream(f"{mark}äöü\n{KERNEL}\n".encode(encoding)) == ["P01"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_windows_text_without_a_mark_is_read(encoding: str) -> None:
    assert stream(f"{KERNEL}\n".encode(encoding)) == ["P01"]


@pytest.mark.parametrize("head", ["a\0" * 4 + "plain lines follow" * 30, "\0" * 300, ""])
def test_zeros_alone_make_no_other_encoding(head: str) -> None:
    assert stream(f"{head}\n{KERNEL}\n".encode()) == ["P01"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_mark_of_an_encoding_is_no_part_of_the_first_line(encoding: str) -> None:
    (match,) = diagnose.read_stream(io.BytesIO("Killed\r\n".encode(encoding)))

    assert (match.row, match.line) == ("S20", "Killed")


def test_bytes_that_are_no_text_hide_nothing() -> None:
    assert stream(b"\xff\xc0\x80\n" + KERNEL.encode() + b"\xff\n\x00\x00\n") == ["P01"]


def test_a_line_that_is_cut_between_two_reads_is_whole() -> None:
    class Dripping(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return super().read(7)

    (match,) = diagnose.read_stream(Dripping(f"one\n世界\n{KERNEL}\n".encode()))
    assert (match.row, match.line_number) == ("P01", 3)


def test_a_line_without_an_end_is_read_in_pieces() -> None:
    assert stream(b"a" * 3_000_000 + KERNEL.encode() + b"b" * 1_000_000) == ["P01"]


def test_a_match_shows_its_line_without_head_colours_or_length() -> None:
    (match,) = diagnose.read(["", f"indextts-1  | 2026-11-22T10:00:00Z \x1b[31m{KERNEL}\x1b[0m\x07 {'z' * 5000}"])

    assert match.line_number == 2
    assert match.line.startswith(KERNEL)
    assert "\x07" not in match.line
    assert len(match.line) <= text.SHOWN + 2


def test_a_match_counts_lines_and_names_the_first() -> None:
    (match,) = diagnose.read(["a", KERNEL, "b", f"{KERNEL} {KERNEL}", "c"])

    assert (match.count, match.line_number) == (2, 2)


def test_counting_ends_somewhere() -> None:
    (match,) = diagnose.read([KERNEL] * (MANY + 500))

    assert match.count == MANY


def test_values_keep_the_letters_of_the_line() -> None:
    (match,) = diagnose.read(["0/4 nodes are available: 4 node(s) had untolerated taint {Team/GPU: Present}."])

    assert dict(match.args) == {"taint": "Team/GPU: Present"}


def test_a_source_restricts_the_rows() -> None:
    assert rows(KERNEL, source=Source.KERNEL) == []
    assert rows(KERNEL, source=Source.CONTAINER) == ["P01"]


def test_a_build_gives_its_own_codes() -> None:
    assert [match.code for match in diagnose.read([FULL], source=Source.BUILD)] == ["BUILD-DISK-FULL"]
    assert [match.code for match in diagnose.read([FULL], source=Source.CONTAINER)] == ["HOST-DISK"]


def test_commands_fit_the_distribution() -> None:
    line = 'could not select device driver "" with capabilities: [[gpu]]'
    (debian,), (fedora,) = diagnose.read([line]), diagnose.read([line], family="fedora")

    assert debian.commands[0][1] == "apt-get"
    assert fedora.commands[0][1] == "dnf"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([KERNEL, "NVRM: Xid (PCI:0000:01:00): 79, pid=1", "worker lost: engine=x pid=1"], ["L02", "P01", "O01"]),
        (["nvidia-container-cli: initialization error: driver rpc error: timed out",
          "NVRM: Xid (PCI:0000:01:00): 79, x"], ["L02", "D14"]),
        ([OOM, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling x"], ["P18", "P19"]),
        (["CUDA error: CUBLAS_STATUS_ALLOC_FAILED", OOM], ["P18", "P19"]),
        (["Killed", '"OOMKilled":true'], ["D47", "S20"]),
        (["x: exited with code 139", "Illegal instruction (core dumped)"], ["D50", "D49"]),
        (["groups: cannot find name for group ID 109", KERNEL], ["P01", "D24"]),
        (["Back-off restarting failed container x", "0/1 OOMKilled"], ["K18", "K17"]),
        (["lookup registry.example: no such host", "connection refused",
          "ERROR: No matching distribution found for gradio==6"], ["D35", "B06", "B05"]),
        (["NVRM: API mismatch: the client has the version 570.1, but",
          "Failed to initialize NVML: Driver/library version mismatch"], ["L01", "D20"]),
        (["Failed building wheel for x", FULL], ["D29", "S09"]),
        (["warning worker lost: engine=x pid=7 exit -9 in phase load after 1.0 s"], ["S20", "O01"]),
        (["warning worker lost: engine=x pid=7 exit -11 in phase ready after 1.0 s"], ["D49", "O01"]),
        (['exec: "nvidia-smi": executable file not found in $PATH'], ["P30", "D51"]),
        (["Readiness probe failed: dial tcp 10.1.1.1:7860: connect: connection refused"], ["K20", "B05"]),
        (["dial unix /var/run/docker.sock: connect: connection refused"], ["D25", "B05"]),
    ],
)  # fmt: skip
def test_the_root_goes_first(lines: list[str], expected: list[str]) -> None:
    assert rows(*lines) == expected


def test_what_follows_names_its_cause() -> None:
    matches = diagnose.read([OOM, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED"])

    assert [(match.row, match.follows) for match in matches] == [("P18", ""), ("P19", "P18")]
    assert [match.row for match in diagnose.roots(matches)] == ["P18"]


def test_xids_are_told_apart_and_the_gravest_goes_first() -> None:
    lines = [f"NVRM: Xid (PCI:0000:01:00): {number}, pid=1" for number in (45, 13, 79, 13, 999)]
    matches = diagnose.read(lines)

    assert [(dict(match.args)["number"], match.count) for match in matches] == [
        ("79", 1), ("13", 2), ("999", 1), ("45", 1)
    ]  # fmt: skip
    assert matches[0].variant == "power"
    assert matches[2].variant == "unknown"
    assert matches[3].severity is Severity.INFO


def test_a_harmless_xid_explains_nothing() -> None:
    matches = diagnose.read(
        ["NVRM: Xid (PCI:0000:01:00): 63, x", "CUDA error: an illegal memory access was encountered"]
    )

    assert [(match.row, match.follows) for match in matches] == [("P24", ""), ("L02", "")]


def test_our_own_codes_are_seen_and_uuids_are_not() -> None:
    matches = diagnose.read(["warning GPU-UVM CUDA cannot start", "GPU-4cf8db2d-06c0-7d70-1a51-e59b25b2c16c: 3 MiB"])

    assert [match.code for match in matches] == ["GPU-UVM"]


def test_ordinary_logs_say_nothing() -> None:
    lines = [
        "2026-11-22T10:00:00Z info    listening: 0.0.0.0 port 7860",
        "2026-11-22T10:00:01Z info    loaded: engine=indextts-2.5 device=cuda:0 half=True vram=5900000000",
        "2026-11-22T10:00:02Z info    POST /v1/audio/speech 200 1.2 s request=ab12",
        "#12 [server-environment 1/2] RUN pip install",
        "#12 DONE 8.1s",
        "systemd[1]: Started docker.service - Docker Application Container Engine.",
        "nvidia-persistenced: device 0000:01:00.0 - registered",
    ]

    assert rows(*lines) == []


def naive(content: str) -> set[str]:
    """Every expression on every line: what the sieves must not change."""
    found = set()
    for line in text.plain(content).split("\n"):
        small = text.small(text.body(line))
        for signature in book.signatures(None):
            if signature.row.id != "O13" and signature.compiled().search(small):
                found.add(signature.row.id)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_sieves_lose_nothing(seed: int) -> None:
    rnd = random.Random(seed)
    lines = [line for sample in SAMPLES.values() for kind in sample.values() for line in kind]
    glue = [" ", "\n", "\t", "|", "\r", "x", "", '"', "\\n", ' {"a": ', "é", "\x1b[0m", " " * REACH, "y" * 3000]
    content = "".join(rnd.choice(lines)[rnd.randrange(9) :: 1] + rnd.choice(glue) for _ in range(60))

    assert set(rows(content)) - {"O13"} == naive(content)


HOSTILE = {
    "needles in one line": lambda size: (" ".join(one.needle for one in book.signatures(None)) + " ") * (size // 9000),
    "needles line by line": lambda size: "\n".join(one.needle for one in book.signatures(None)) * (size // 9000),
    "heads without bodies": lambda size: "failed to solve: " * (size // 17),
    "gaps": lambda size: ("nvidia-container-cli: mount error: " + "x" * 150) * (size // 185),
    "colours": lambda size: "\x1b[" * (size // 2),
    "escapes": lambda size: '{"a": "' + "\\u001b[" * (size // 7),
    "one letter": lambda size: "a" * size,
    "blanks": lambda size: " " * size,
    "line ends": lambda size: "\r\n" * (size // 2),
    "bars": lambda size: "\r10% |##  |" * (size // 11),
    "digits": lambda size: "#1 " * (size // 3),
    "all samples": lambda size: (
        "\n".join(x for one in SAMPLES.values() for x in one["near"] + one["positive"]) * (size // 40_000)
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_costs_no_more_than_a_few_seconds_and_four_times_as_much_four_times_that(name: str) -> None:
    """The bound is wide, for machines that are busy; what is quadratic would take hours."""
    spent = []
    for size in (250_000, 1_000_000):
        content = HOSTILE[name](size)
        start = time.process_time()
        diagnose.read_stream(io.BytesIO(content.encode()))
        spent.append(time.process_time() - start)

    assert spent[1] < 5
    assert spent[1] < 8 * spent[0] + 0.2
