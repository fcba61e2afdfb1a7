"""What goes wrong while an engine loads or speaks, and what the server hears of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy_kit.wire import Frame
from tests.support import standin_cuda, standin_weights
from tests.support.standin_weights import torch_file
from tests.worker.peer import Peer

Start = Callable[..., Peer]
TEXT = "Hello world."


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return standin_weights.write(tmp_path / "model", "indextts-2.5")


def refused(worker: Peer, frame: Frame) -> tuple[str, str]:
    """Code and detail of a refused load; the worker has ended."""
    assert (frame.kind, frame.fields["id"]) == ("error", None)
    assert worker.exit_code() == 1
    return frame.fields["code"], frame.fields["detail"]


@pytest.mark.parametrize(
    ("mark", "code", "words"),
    [("oom", "out_of_memory", "CUDA out of memory"), ("cuda", "cuda", "GPU-CONTEXT: RuntimeError: CUDA error")],
)
def test_after_a_dead_context_the_worker_ends_by_itself(
    start: Start, model: Path, mark: str, code: str, words: str
) -> None:
    worker = start()
    worker.load(model)
    heard = worker.speak(f"[[{mark}]] {TEXT}", model / "reference_voice.wav")

    assert heard.code == code
    assert words in heard.end.fields["detail"]
    assert worker.exit_code() == 3


def test_a_crash_is_seen_by_its_signal_and_leaves_a_trace_without_the_text(start: Start, model: Path) -> None:
    worker = start()
    worker.load(model)
    worker.begin("[[crash]] private words", model / "reference_voice.wav")

    assert worker.receive() is None
    assert worker.exit_code() == -11
    words = worker.words()
    assert "Segmentation fault" in words
    assert "private" not in words


def test_the_worker_ends_when_the_server_is_gone_in_the_middle_of_a_job(start: Start, model: Path) -> None:
    worker = start()
    worker.load(model)
    worker.begin(f"[[hang]] {TEXT}", model / "reference_voice.wav")
    worker.socket.close()

    assert worker.exit_code() == 0


@pytest.mark.parametrize("name", ["gpt.pth", "config.yaml", "codec.pth", "hf_cache/campplus_cn_common.bin", "feat2.pt"])
def test_a_missing_file_is_named(start: Start, model: Path, name: str) -> None:
    (model / name).unlink()
    worker = start()

    assert refused(worker, worker.load(model)) == ("weights", name)


def test_an_empty_file_is_named(start: Start, model: Path) -> None:
    (model / "s2mel.pth").write_bytes(b"")
    worker = start()

    assert refused(worker, worker.load(model)) == ("weights", "s2mel.pth")


@pytest.mark.parametrize(
    "name", ["gpt.pth", "hf_cache/bigvgan/bigvgan_generator.pt", "hf_cache/w2v-bert-2.0/model.safetensors"]
)
def test_a_cut_file_is_named(start: Start, model: Path, name: str) -> None:
    whole = (model / name).read_bytes()
    (model / name).write_bytes(whole[: len(whole) // 2])
    worker = start()

    assert refused(worker, worker.load(model)) == ("weights", name)


def test_a_page_of_a_hub_in_the_place_of_a_file_is_named(start: Start, model: Path) -> None:
    (model / "codec.pth").write_bytes(b"<!DOCTYPE html><html>sign in</html>")
    worker = start()

    assert refused(worker, worker.load(model)) == ("weights", "codec.pth")


def test_weights_of_something_else_are_no_noise_but_an_error(start: Start, model: Path) -> None:
    (model / "gpt.pth").write_bytes(torch_file({"other.weight": standin_weights.identity()["tone.weight"]}))
    worker = start()
    code, detail = refused(worker, worker.load(model))

    assert code == "weights"
    assert detail == "Network: only 0% of it is in its file"


@pytest.mark.parametrize("value", ["/data/models/gpt.pth", "../gpt.pth"])
def test_a_configuration_that_leads_out_of_the_folder_is_refused(start: Start, model: Path, value: str) -> None:
    text = (model / "config.yaml").read_text()
    (model / "config.yaml").write_text(text.replace("gpt_checkpoint: gpt.pth", f"gpt_checkpoint: {value}"))
    worker = start()

    assert refused(worker, worker.load(model)) == ("weights", "config.yaml: gpt_checkpoint leads out of the folder")


def test_the_model_of_emotion_by_text_is_only_needed_when_it_is_asked_for(start: Start, model: Path) -> None:
    shutil.rmtree(model / "qwen0.6bemo4-merge")
    without, with_it = start(), start()

    assert without.load(model, emotion_text=False).kind == "ready"
    assert refused(with_it, with_it.load(model, emotion_text=True)) == ("weights", "qwen0.6bemo4-merge/config.json")


@pytest.mark.parametrize(
    ("fault", "code"),
    [("oom", "out_of_memory"), ("cuda", "GPU-CONTEXT"), ("error", "engine")],
)
def test_a_fault_while_loading_has_its_code(start: Start, tmp_path: Path, fault: str, code: str) -> None:
    model = standin_weights.write(tmp_path / "model", "indextts-2", standin_fault=fault)
    worker = start("indextts-2")

    assert refused(worker, worker.load(model))[0] == code


def test_a_warm_up_that_fails_is_a_refused_load(start: Start, model: Path, tmp_path: Path) -> None:
    worker = start()
    code, detail = refused(worker, worker.load(model, warm_up=str(tmp_path / "nowhere.wav")))

    assert code == "engine"
    assert detail.startswith("warm-up: voice")


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        ("duration_factor=1.0,", "stretch=1.0,", "IndexTTS2.infer has no parameter duration_factor"),
        ("verbose=False,", "", "IndexTTS2.infer has no parameter verbose"),
        ("        lang,\n", "        lang,\n        region,\n", "IndexTTS2.infer demands region"),
        ("**generation_kwargs,", "", "IndexTTS2.infer takes no sampling options"),
        ("use_bf16=False,", "use_fp16=False,", "IndexTTS2.__init__ has no parameter use_bf16"),
        ("class IndexTTS2:", "class IndexTTS3:", "indextts.infer_v2_5 has no IndexTTS2"),
    ],
)
def test_a_source_that_does_not_fit_is_refused_before_anything_is_loaded(
    start: Start, model: Path, package: Path, tmp_path: Path, before: str, after: str, detail: str
) -> None:
    source = Path(shutil.copytree(package, tmp_path / "source"))
    file = source / "indextts/infer_v2_5.py"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    worker = start("indextts-2.5", source)

    assert refused(worker, worker.load(model)) == ("signature", detail)
    assert worker.phases == ["imports"]


def test_no_source_at_all(start: Start, model: Path) -> None:
    worker = start("indextts-2.5", None)

    assert refused(worker, worker.load(model)) == ("signature", "no module indextts")


def test_a_missing_library_of_the_engine_is_no_fault_of_its_source(
    start: Start, model: Path, package: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(package, tmp_path / "source"))
    file = source / "indextts/infer_v2_5.py"
    file.write_text("import nowhere_to_be_found\n" + file.read_text())
    worker = start("indextts-2.5", source)

    assert refused(worker, worker.load(model)) == ("engine", "no module nowhere_to_be_found")


def gpu(libraries: Path, **more: str) -> dict[str, str]:
    """The environment of a host with a card, as far as a process can tell."""
    places = f"{standin_cuda.FOLDER}"
    return {"LD_LIBRARY_PATH": str(libraries), "CUDA_VISIBLE_DEVICES": "0", "PRETEND": places, **more}


def test_a_gpu_is_judged_before_anything_is_imported(start: Start, model: Path, libraries: Path) -> None:
    worker = start(**gpu(libraries, STUB_CU_INIT="803"))
    code, detail = refused(worker, worker.load(model, device="cuda"))

    assert (code, worker.phases) == ("GPU-DRIVER-MISMATCH", ["guard-driver"])
    assert detail == "cuInit: error 803 CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"


def test_a_card_on_which_no_kernel_runs_is_refused(start: Start, model: Path, libraries: Path) -> None:
    worker = start(**gpu(libraries, STANDIN_KERNEL="CUDA error: no kernel image is available for execution"))
    code, _ = refused(worker, worker.load(model, device="cuda"))

    assert (code, worker.phases) == ("GPU-CARD-UNSUPPORTED", ["guard-driver", "guard-kernel"])


def test_a_worker_on_a_card_says_which_and_how_much_of_it(start: Start, model: Path, libraries: Path) -> None:
    worker = start(**gpu(libraries, STUB_NAME="NVIDIA L4", STANDIN_VRAM="5880000000"))
    ready = worker.load(model, device="cuda", half=True)

    assert worker.phases == ["guard-driver", "guard-kernel", "imports", "weights", "warm-up"]
    told: dict[str, Any] = ready.fields
    assert (told["device"], told["name"], told["half"], told["vram_bytes"]) == (
        "cuda:0",
        "NVIDIA L4",
        True,
        5_880_000_000,
    )
    assert worker.speak(TEXT, model / "reference_voice.wav").end.fields["vram_bytes"] == 5_880_000_000


@pytest.mark.parametrize("call", ["cuInit", "cuDriverGetVersion", "cuDeviceGetCount"])
def test_the_cpu_never_asks_the_driver(start: Start, model: Path, libraries: Path, call: str) -> None:
    """A driver that hangs when it is asked; a library of torch opens it, but nobody may call it."""
    worker = start(LD_LIBRARY_PATH=str(libraries), STUB_HANG=call, CUDA_VISIBLE_DEVICES="")

    assert worker.load(model).kind == "ready"
    assert worker.speak(TEXT, model / "reference_voice.wav").code is None
