"""NVML and CUDA as the probes' children speak with them: the compiled stubs in every state, and records of failures."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import proc
from deploy_kit.data import table
from deploy_kit.detect import Context
from deploy_kit.detect.machine import gpu, nvml
from deploy_kit.facts import GpuDevice, GpuFacts, GpuSlice, GpuUser, State
from tests.support import stubs
from tests.support.hosts import HOSTS, Host
from tests.support.recorder import Recorder

CARD = {"/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n", "/sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
        "/sys/bus/pci/devices/0000:01:00.0/device": "0x2335\n"}  # fmt: skip
GIB = 1 << 30


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return stubs.build(tmp_path_factory.mktemp("stubs"))
    except stubs.NoCompiler as error:
        pytest.skip(str(error))


class Driver:
    """Runs the probes for real, with the stubs in a given state; ``seconds`` stands in for their deadlines."""

    def __init__(self, libraries: Path, state: Mapping[str, object], seconds: float | None = None) -> None:
        self._variables = {"LD_LIBRARY_PATH": str(libraries)}
        self._variables |= {f"STUB_{key.upper().replace('.', '_')}": str(value) for key, value in state.items()}
        self._seconds = seconds

    def __call__(
        self, argv: Sequence[str], *, timeout: float, env: Mapping[str, str | None] | None = None, **options: object
    ) -> proc.Completed:
        merged = {**(env or {}), **self._variables}
        return proc.run(argv, timeout=self._seconds or timeout, env=merged, check=False)


def look(
    folder: Path, libraries: Path, files: dict[str, str] | None = None, seconds: float | None = None, **state: object
) -> GpuFacts:
    context = Host(files={**CARD, **(files or {})}).context(folder)
    return gpu.observe(replace(context, run=Driver(libraries, state, seconds)))


def only(facts: GpuFacts) -> GpuDevice:
    (card,) = facts.devices.value or ()
    return card


def test_a_healthy_card_is_shown_with_all_that_the_driver_tells(tmp_path: Path, libraries: Path) -> None:
    facts = look(tmp_path, libraries, driver="580.95.05", cuda=13000, name="NVIDIA H200", cc="9.0", fabric=3,
                 persistence=1, uncorrected=0, remap="none", virtual=0)  # fmt: skip

    assert (facts.nvml.value, facts.driver.value, facts.cuda.value) == (0, "580.95.05", "13.0")
    assert (facts.cuda_init.value, facts.cuda_count.value) == (0, 1)
    assert only(facts) == GpuDevice(
        "GPU-00000000-0000-0000-0000-000000000001", "NVIDIA H200", "9.0", 25757220864, 25257220864,
        address="0000:01:00.0", fabric="completed", compute_mode="default", persistent=True, uncorrected=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [
        ({"virtual": 1}, "virtual", "passthrough"),
        ({"virtual": 2}, "virtual", "vgpu"),
        ({"virtual": 3}, "virtual", None),
        ({"fabric": 0}, "fabric", None),
        ({"fabric": 1}, "fabric", "not started"),
        ({"fabric": 2}, "fabric", "in progress"),
        ({"fabric": 3, "fabric_status": 999}, "fabric", "failed (999)"),
        ({"compute_mode": 2}, "compute_mode", "prohibited"),
        ({"compute_mode": 3}, "compute_mode", "exclusive"),
        ({"persistence": 0}, "persistent", False),
        ({}, "persistent", None),
        ({"uncorrected": 7}, "uncorrected", 7),
        ({}, "uncorrected", None),
        ({"remap": "pending"}, "remap", "pending"),
        ({"remap": "failed"}, "remap", "failed"),
        ({"retired_pending": 1}, "remap", "pending"),
        ({"retired_pending": 0}, "remap", None),
        ({"total": -1}, "total", None),
        ({"mig": 0, "mig_pending": 1}, "mig_pending", True),
        ({"mig": 1, "mig_pending": 0}, "mig_pending", False),
        ({"mig": 1}, "slices", ()),
        ({}, "mig", None),
    ],
)
def test_what_a_card_says_of_itself_is_told_in_words(
    state: dict[str, object], field: str, value: object, tmp_path: Path, libraries: Path
) -> None:
    assert getattr(only(look(tmp_path, libraries, **state)), field) == value


def test_the_slices_of_a_cut_card_are_told_with_profile_and_memory(tmp_path: Path, libraries: Path) -> None:
    card = only(look(tmp_path, libraries, mig=1, slices="1g.10gb,1c.3g.40gb", name="NVIDIA H100 80GB HBM3"))

    assert (card.mig, card.mig_pending) == (True, True)
    assert card.slices == (
        GpuSlice("MIG-00000000-0000-0000-0001-000000000001", "1g.10gb", 10 * GIB),
        GpuSlice("MIG-00000000-0000-0000-0002-000000000001", "1c.3g.40gb", 40 * GIB),
    )


def test_a_slice_without_a_name_is_told_by_its_figures() -> None:
    class Nameless(nvml._Nvml):
        def __init__(self) -> None:
            pass

        def text(self, name: str, *arguments: object, size: int = 96) -> str | None:
            return None

    told = nvml._Attributes(slices=3, compute_slices=1, mebibytes=40448)

    assert Nameless()._profile(nvml.ctypes.c_void_p(), told) == "1c.3g.40gb"
    assert Nameless()._profile(nvml.ctypes.c_void_p(), nvml._Attributes()) == ""


def test_whoever_holds_memory_is_named_without_arguments(tmp_path: Path, libraries: Path) -> None:
    gone = 2**22 + 1
    users = only(look(tmp_path, libraries, users=f"{os.getpid()}:{5 * GIB},{gone}")).users
    name = Path(f"/proc/{os.getpid()}/comm").read_text(encoding="utf-8").strip()

    assert users == (GpuUser(os.getpid(), name, 5 * GIB), GpuUser(gone, "python3", None))


def test_more_processes_than_there_was_room_for_are_asked_for_again(tmp_path: Path, libraries: Path) -> None:
    listed = ",".join(str(2**22 + number) for number in range(20))

    assert len(only(look(tmp_path, libraries, users=listed)).users) == 20


def test_more_processes_than_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rooms: list[int] = []

    class Crowded(nvml._Nvml):
        def __init__(self) -> None:
            pass

        def call(self, name: str, *arguments: object) -> int:
            count = arguments[1]._obj  # type: ignore[attr-defined]
            rooms.append(count.value)
            full = count.value < 100
            count.value = 100
            return 7 if full else 0

    assert len(Crowded()._processes("nvmlX", nvml.ctypes.c_void_p())) == 100
    assert rooms == [64, 256]


def test_one_silent_card_does_not_hide_the_other(tmp_path: Path, libraries: Path) -> None:
    facts = look(tmp_path, libraries, **{"count": 2, "nvml_call.0": 15})

    assert [card.uuid[-1] for card in facts.devices.value or ()] == ["2"]


@pytest.mark.parametrize("code", [4, 9, 15, 18, 999])
def test_a_driver_that_refuses_is_told_by_its_number_and_cuda_is_left_alone(
    code: int, tmp_path: Path, libraries: Path
) -> None:
    facts = look(tmp_path, libraries, nvml_init=code, cu_init=1)

    assert (facts.nvml.value, facts.devices.state) == (code, State.UNKNOWN)
    assert (facts.cuda_init.state, facts.cuda_init.reason) == (State.NOT_ASKED, "the driver shows no card")


@pytest.mark.parametrize("code", sorted(int(number) for number in table("guard")["numbers"]))
def test_what_starting_cuda_returns_is_told_by_its_number(code: int, tmp_path: Path, libraries: Path) -> None:
    facts = look(tmp_path, libraries, cu_init=code)

    assert (facts.cuda_init.value, facts.cuda_init.source, facts.cuda_count.state) == (code, "cuInit", State.UNKNOWN)
    assert facts.nvml.value == 0


def test_a_later_call_of_cuda_that_fails_is_named(tmp_path: Path, libraries: Path) -> None:
    facts = look(tmp_path, libraries, cu_count=999)

    assert (facts.cuda_init.value, facts.cuda_init.source) == (999, "cuDeviceGetCount")
    assert facts.cuda_init.reason == "cuDeviceGetCount CUDA_ERROR_UNKNOWN"


def test_cuda_counts_all_cards_whatever_the_users_shell_hides(
    tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    seen: list[Mapping[str, str | None]] = []
    context = Host(files=CARD).context(tmp_path)

    def run(argv: Sequence[str], **options: object) -> proc.Completed:
        seen.append(options.get("env") or {})  # type: ignore[arg-type]
        return Driver(libraries, {"count": 3})(argv, **options)  # type: ignore[arg-type]

    facts = gpu.observe(replace(context, run=run))

    assert facts.cuda_count.value == 3
    assert seen[1]["CUDA_VISIBLE_DEVICES"] is None


def test_without_cudas_library_that_is_said_in_the_loaders_words(tmp_path: Path, libraries: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "libnvidia-ml.so.1").symlink_to(libraries / "libnvidia-ml.so.1")
    fact = look(tmp_path / "host", alone).cuda_init

    assert fact.state is State.UNKNOWN
    assert fact.reason.startswith("libcuda.so.1: cannot open shared object file")


@pytest.mark.parametrize(
    ("state", "field", "reason"),
    [
        ({"crash": "cuInit"}, "cuda_init", "the library ended the probe (SIGSEGV)"),
        ({"crash": "nvmlInit_v2"}, "nvml", "the library ended the probe (SIGSEGV)"),
        ({"crash": "nvmlDeviceGetName"}, "nvml", "the library ended the probe (SIGSEGV)"),
    ],
)
def test_a_library_that_takes_its_process_down_takes_only_that(
    state: dict[str, object], field: str, reason: str, tmp_path: Path, libraries: Path
) -> None:
    fact = getattr(look(tmp_path, libraries, **state), field)

    assert (fact.state, fact.reason) == (State.UNKNOWN, reason)


@pytest.mark.parametrize("fate", ["crash", "hang"])
def test_a_later_question_that_goes_wrong_does_not_take_away_what_was_told(
    fate: str, tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = tmp_path / "nvml.py"
    impatient.write_text(Path(nvml.__file__).read_text(encoding="utf-8").replace("_SECONDS = 13.0", "_SECONDS = 1.0"))
    monkeypatch.setattr(gpu, "_PROBE", impatient)
    facts = look(tmp_path, libraries, mig=1, name="NVIDIA A100", **{fate: "nvmlDeviceGetMigMode"})

    assert (facts.nvml.value, only(facts).name, only(facts).mig, facts.cuda_init.value) == (0, "NVIDIA A100", None, 0)


@pytest.mark.parametrize(("call", "field"), [("nvmlInit_v2", "nvml"), ("cuInit", "cuda_init")])
def test_a_library_that_hangs_is_killed_at_its_deadline(
    call: str, field: str, tmp_path: Path, libraries: Path
) -> None:
    before = children()
    start = time.monotonic()
    fact = getattr(look(tmp_path, libraries, seconds=1.0, hang=call), field)

    assert (fact.state, fact.reason.startswith("no answer in")) == (State.UNKNOWN, True)
    assert time.monotonic() - start < 30
    assert children() <= before


def children() -> set[str]:
    """Processes that speak with the stubs."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if b"detect/machine/nvml.py" in text or b"detect/machine/cuda.py" in text:
            found.add(path.parent.name)
    return found


@pytest.mark.parametrize(
    "printed", ["", "no JSON", "[]", "{}", '{"code": "x"}', '{"code": 0, "devices": [{"name": 1}]}', '"text"', "null"]
)
def test_nonsense_from_a_probe_is_no_answer(printed: str, tmp_path: Path) -> None:
    facts = gpu.observe(replace(Host(files=CARD).context(tmp_path), run=Recorder({sys.executable: printed})))

    assert {facts.nvml.state, facts.devices.state} == {State.UNKNOWN}
    assert facts.cuda_init.state is State.NOT_ASKED


@pytest.mark.parametrize("printed", ["", "[]", "{}", '{"code": null}', '{"code": 0, "count": "many"}', "null"])
def test_nonsense_from_cudas_probe_is_no_answer(printed: str, tmp_path: Path) -> None:
    said = json.dumps(HOSTS["gpu-ready"].nvml)
    answers = {f"{sys.executable} -I -S {nvml.__file__}": said, sys.executable: printed}
    facts = gpu.observe(replace(Host(files=CARD).context(tmp_path), run=Recorder(answers)))

    assert (facts.nvml.value, facts.cuda_init.state) == (0, State.UNKNOWN)


X86 = "/usr/lib/x86_64-linux-gnu"


@pytest.mark.parametrize(
    ("files", "links", "version"),
    [
        ({f"{X86}/libcuda.so.570.153.02": ""}, {f"{X86}/libcuda.so.1": "libcuda.so.570.153.02"}, "570.153.02"),
        (
            {f"{X86}/nvidia/current/libcuda.so.550.163.01": ""},
            {f"{X86}/libcuda.so.1": "/etc/alternatives/glx--libcuda.so.1-x86_64-linux-gnu",
             "/etc/alternatives/glx--libcuda.so.1-x86_64-linux-gnu": f"{X86}/nvidia/current/libcuda.so.1",
             f"{X86}/nvidia/current/libcuda.so.1": "libcuda.so.550.163.01"},
            "550.163.01",
        ),
        ({"/usr/lib64/libnvidia-ml.so.470.256.02": ""},
         {"/usr/lib64/libnvidia-ml.so.1": "libnvidia-ml.so.470.256.02"}, "470.256.02"),
        ({"/usr/local/nvidia/lib64/libcuda.so.535.104": ""},
         {"/usr/local/nvidia/lib64/libcuda.so.1": "libcuda.so.535.104"}, "535.104"),
        ({}, {f"{X86}/libcuda.so.1": "libcuda.so.570.153.02"}, None),
        ({}, {}, None),
    ],
)  # fmt: skip
def test_the_librarys_version_is_that_of_the_file_behind_its_links(
    files: dict[str, str], links: dict[str, str], version: str | None, tmp_path: Path
) -> None:
    for path in links:
        (tmp_path / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
    fact = gpu._library(Host(files=files, links=links).context(tmp_path))

    assert (fact.known, fact.value) == (True, version)


@pytest.mark.parametrize(
    ("path", "state"),
    [("/usr/lib/wsl/lib/libcuda.so.1", State.NOT_ASKED), (f"{X86}/libcuda.so.1", State.UNKNOWN)],
)
def test_a_library_whose_name_tells_nothing_is_not_guessed_at(path: str, state: State, tmp_path: Path) -> None:
    assert gpu._library(Host(files={path: ""}).context(tmp_path)).state is state


def test_nodes_are_those_that_are_there_after_the_driver_was_spoken_to(tmp_path: Path) -> None:
    """Starting CUDA makes nvidia-uvm."""
    said = json.dumps(HOSTS["gpu-ready"].nvml)
    context = Host(files={**CARD, "/dev/nvidiactl": "", "/dev/nvidia0": "", "/dev/nvidia-caps/x": ""}).context(tmp_path)

    def run(argv: Sequence[str], **options: object) -> proc.Completed:
        if argv[-1].endswith("cuda.py"):
            (tmp_path / "dev/nvidia-uvm").touch()
            return proc.Completed(tuple(argv), 0, '{"code": 0, "count": 1}', "", 0)
        return proc.Completed(tuple(argv), 0, said, "", 0)

    assert gpu.observe(replace(context, run=run)).nodes.value == ("nvidiactl", "nvidia-uvm", "nvidia0")


def test_who_does_not_want_the_gpu_wakes_no_card(tmp_path: Path) -> None:
    recorder = Recorder()
    context: Context = replace(HOSTS["gpu-ready"].context(tmp_path), run=recorder)
    facts = gpu.observe(context, driver=False)

    assert (facts.nvml.reason, facts.cuda_init.state) == ("the GPU was not asked for", State.NOT_ASKED)
    assert recorder.asked == []
