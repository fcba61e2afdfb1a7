"""Modes, places, promises, memory, pieces and joins: without a server."""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tts_server.engines import cores, memory
from tts_server.engines.status import Trouble
from tts_server.gpu import nvml, reservations
from tts_server.gpu.nvml import Gpu, Look
from tts_server.gpu.reservations import Promise
from tts_server.placing import modes, places
from tts_server.placing.modes import Mode, Wish
from tts_server.sound.join import Joiner
from tts_server.speech import pieces

from deploy_kit.data import table
from deploy_kit.detect.machine.context import Context
from deploy_kit.messages import LOCALES
from tests.support.hosts import Host

ENGINES = tuple(table("engines"))
AS_TABLE = Wish("auto", "auto", 0)
GB = 10**9


def card(total: int, capability: tuple[int, int] | None = (8, 9), uuid: str = "GPU-1") -> Gpu:
    return Gpu(uuid, "card", total, total, capability)


@pytest.mark.parametrize(
    ("gigabytes", "half", "emotion_text", "workers"),
    [(6.4, True, False, 1), (8.5, True, True, 1), (12.8, False, True, 1), (25.7, True, True, 2), (85, True, True, 4)],
)
def test_the_size_of_the_card_decides_the_mode(gigabytes: float, half: bool, emotion_text: bool, workers: int) -> None:
    gpu = card(int(gigabytes * GB))
    best = modes.on_gpu("indextts-2.5", gpu, AS_TABLE)[0]

    assert (best.half, best.emotion_text) == (half, emotion_text)
    assert modes.workers_on("indextts-2.5", gpu, AS_TABLE) == workers


@given(
    st.sampled_from(ENGINES), st.integers(0, 200 * GB), st.sampled_from(["auto", "on", "off"]),
    st.sampled_from(["auto", "on", "off"]), st.sampled_from([None, (6, 1), (7, 5), (9, 0)]),
)  # fmt: skip
def test_modes_fit_obey_and_only_shrink(
    engine: str, total: int, half: str, emotion: str, capability: tuple[int, int] | None
) -> None:
    found = modes.on_gpu(engine, card(total, capability), Wish(half, emotion, 0))

    sizes = [mode.bytes for mode in found]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size <= total for size in sizes)
    assert all(mode.half is (half == "on") for mode in found if half != "auto")
    assert all(mode.emotion_text is (emotion == "on") for mode in found if emotion != "auto")
    assert not found or total >= modes.smallest(engine)


def test_a_card_that_is_too_small_is_refused_with_what_is_needed() -> None:
    look = Look((card(4 * GB),))
    found = places.place("indextts-2.5", "auto", look, {}, AS_TABLE, cuda=True)

    assert [place.device for place in found.places] == ["cpu"]
    assert found.why_no_gpu is not None
    assert found.why_no_gpu.code == "GPU-NO-ROOM"
    assert "4.0 GB" in found.why_no_gpu.sentence("en")


def test_the_first_worker_of_every_card_comes_before_the_second_of_any() -> None:
    look = Look((card(25 * GB, uuid="GPU-1"), card(25 * GB, uuid="GPU-2")))
    found = places.place("indextts-2.5", "auto", look, {}, AS_TABLE, cuda=True).places

    assert [(place.gpu.uuid if place.gpu else "", place.first) for place in found] == [
        ("GPU-1", True), ("GPU-2", True), ("GPU-1", False), ("GPU-2", False),
    ]  # fmt: skip


def test_a_card_that_was_judged_is_left_out_and_with_the_last_one_goes_the_hope() -> None:
    bad = {"GPU-1": Trouble("GPU-ECC")}
    two = Look((card(25 * GB, uuid="GPU-1"), card(25 * GB, uuid="GPU-2")))
    one = places.place("indextts-2.5", "cuda", two, bad, AS_TABLE, cuda=True)
    none = places.place("indextts-2.5", "cuda", Look(two.gpus[:1]), bad, AS_TABLE, cuda=True)

    assert {place.gpu.uuid for place in one.places if place.gpu} == {"GPU-2"}
    assert (none.places, none.why_no_gpu) == ((), bad["GPU-1"])


@pytest.mark.parametrize("code", ["GPU-NO-ROOM", "GPU-NOT-GIVEN", "HOST-NO-MEMORY", "GPU-UVM", "unlicensed", "crashed"])
def test_every_trouble_has_a_sentence_in_both_languages(code: str) -> None:
    for locale in LOCALES:
        sentence = Trouble.of(code, "detail", need="1", free="2", promised="3", limit="4").sentence(locale)
        assert sentence not in ("", code, "detail")
    assert Trouble("GPU-NO-ROOM", detail="bare").sentence("en") == "bare", "a lack of figures must not fail"


def test_promises_count_until_they_are_used_or_their_holder_is_gone(tmp_path: Path) -> None:
    first, room = reservations.reserve(tmp_path, "GPU-1", Promise("a", "e", 6, 0), free=10)
    assert first is not None
    assert room.promised == 0
    refused, room = reservations.reserve(tmp_path, "GPU-1", Promise("b", "e", 6, 0), free=10)
    assert (refused, room.need, room.free, room.promised) == (None, 6, 10, 6)
    assert reservations.reserve(tmp_path, "GPU-2", Promise("b", "e", 6, 0), free=10)[0] is not None

    first.used(5)
    assert [promise.outstanding for promise in reservations.living(tmp_path, "GPU-1")] == [1]
    first.handed_over()
    assert reservations.living(tmp_path, "GPU-1") == ()
    assert not list(tmp_path.glob("GPU-1/*.json"))


def test_a_promise_outlives_the_server_as_long_as_the_worker_lives(tmp_path: Path) -> None:
    made, _ = reservations.reserve(tmp_path, "GPU-1", Promise("a", "e", 6, 0), free=10)
    assert made is not None
    worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[made.handle])
    made.handed_over()

    assert len(reservations.living(tmp_path, "GPU-1")) == 1
    worker.communicate(b"\n")
    assert reservations.living(tmp_path, "GPU-1") == ()


@pytest.mark.parametrize("record", ['{"stack":"a","engine":"b","bytes":1e999}', "[7]", "\0" * 300, '{"bytes":{}}'])
def test_a_promise_that_is_none_stops_nobody(tmp_path: Path, record: str) -> None:
    folder = tmp_path / "GPU-1"
    folder.mkdir()
    os.mkfifo(folder / "0.json")
    with (folder / "1-a.json").open("w") as file:
        file.write(record)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        made, room = reservations.reserve(tmp_path, "GPU-1", Promise("a", "e", 6, 0), free=10)

    assert made is not None
    assert room.promised == 0


def test_a_gpus_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    made, _ = reservations.reserve(tmp_path / "hub", "../../x", Promise("a", "e", 6, 0), free=10)

    assert made is not None
    assert [path.parent.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "hub"]


@pytest.mark.parametrize(
    ("environment", "uuid", "index", "ours"),
    [
        ({}, "GPU-1", 0, True),
        ({"CUDA_VISIBLE_DEVICES": "1"}, "GPU-1", 0, False),
        ({"CUDA_VISIBLE_DEVICES": "0,1"}, "GPU-1", 1, True),
        ({"CUDA_VISIBLE_DEVICES": "GPU-12"}, "GPU-1234", 3, True),
        ({"CUDA_VISIBLE_DEVICES": ""}, "GPU-1", 0, False),
        ({"TTS_GPUS": "all"}, "GPU-1", 0, True),
        ({"TTS_GPUS": "GPU-2,GPU-3"}, "GPU-1", 0, False),
        ({"TTS_GPUS": "GPU-2, GPU-1"}, "GPU-1", 0, True),
        ({"TTS_GPUS": "0"}, "GPU-1", 5, True),
    ],
)
def test_which_cards_are_ours(environment: dict[str, str], uuid: str, index: int, ours: bool) -> None:
    assert nvml._visible(environment, uuid, index) is ours


MEMINFO = "MemTotal: 1000 kB\nMemAvailable: 600 kB\n"


@pytest.mark.parametrize(
    ("files", "figures"),
    [
        ({}, (1_024_000, 409_600, 614_400)),
        (
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": "500000\n",
                "sys/fs/cgroup/memory.current": "400000\n",
                "sys/fs/cgroup/memory.stat": "anon 1\nactive_file 50000\ninactive_file 100000\n",
            },
            (500_000, 250_000, 250_000),
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/x\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "900000\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "200000\n",
                "sys/fs/cgroup/memory/memory.stat": "inactive_file 7\ntotal_inactive_file 100000\n",
            },
            (900_000, 100_000, 614_400),
        ),
    ],
    ids=["machine", "v2", "v1"],
)
def test_memory_is_what_the_container_may_have(
    tmp_path: Path, files: dict[str, str], figures: tuple[int, int, int]
) -> None:
    found = memory.look(machine(tmp_path, {"proc/meminfo": MEMINFO, "proc/self/cgroup": "0::/\n"} | files))

    assert (found.limit_bytes, found.used_bytes, found.free_bytes) == figures


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, None),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 1),
    ],
)
def test_cores_are_those_the_container_was_given(tmp_path: Path, files: dict[str, str], count: int | None) -> None:
    assert cores.count(machine(tmp_path, files)) == (count or len(os.sched_getaffinity(0)))


def machine(root: Path, files: dict[str, str]) -> Context:
    return Host(files).context(root)


@given(st.text(alphabet="ab 你好。.!？\n,，", max_size=1200), st.booleans())
def test_no_letter_of_a_text_is_lost_or_said_twice(text: str, small: bool) -> None:
    for engine in ENGINES:
        found = pieces.cut(text, None, table("engines")[engine], small=small)
        letters = [char for piece in found for char in piece.text if char.isalpha()]

        assert letters == [char for char in text if char.isalpha()]
        limits = table("engines")[engine]["segment"]
        longest = (limits["small_card"] if small else limits)["latin_characters"]
        assert all(len(piece.text) <= longest + 1 for piece in found)


def test_short_sentences_go_together_but_the_first_comes_alone() -> None:
    facts = table("engines")["indextts-2.5"]
    found = pieces.cut("One. Two is here. Three is here. 四在这里。五在这里。", None, facts, small=False)

    assert [(piece.text, piece.language) for piece in found] == [
        ("One.", "en"), ("Two is here. Three is here.", "en"), ("四在这里。五在这里。", "zh"),
    ]  # fmt: skip
    assert [piece.tokens for piece in found] == [60, 60, 120]


@given(st.lists(st.binary(max_size=400).map(lambda data: data[: len(data) // 2 * 2]), min_size=1, max_size=4))
def test_joins_keep_every_sample_in_its_place(parts: list[bytes]) -> None:
    joiner = Joiner(22_050, 10)
    last = len(parts) - 1
    joined = [joiner.join(part, first=number == 0, last=number == last) for number, part in enumerate(parts)]

    for number, (part, whole) in enumerate(zip(parts, joined)):
        silence = 440 if part and number < last else 0
        assert len(whole) == len(part) + silence
        assert set(whole[len(part) :]) <= {0}
    if last == 0:
        assert joined == parts


def test_edges_are_soft_where_two_pieces_meet() -> None:
    loud = array("h", [10_000] * 2000).tobytes()
    joiner = Joiner(22_050, 0)
    first = array("h", joiner.join(loud, first=True, last=False))
    second = array("h", joiner.join(loud, first=False, last=True))

    assert (first[0], first[-1], second[0], second[-1]) == (10_000, 0, 0, 10_000)
    assert max(abs(b - a) for a, b in itertools.pairwise(first)) < 200


def test_a_mode_on_a_cpu_is_the_smallest_unless_it_is_asked_for_more() -> None:
    plain = modes.on_cpu("indextts-2.5", AS_TABLE)
    more = modes.on_cpu("indextts-2.5", Wish("auto", "on", 0))

    assert plain == (Mode(half=False, emotion_text=False, bytes=plain[0].bytes),)
    assert more[0].emotion_text
    assert more[0].bytes > plain[0].bytes
