"""What is taken out of an engine's environment, what must stay, and how it is parted into layers."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.support.shared_library import write


@pytest.fixture
def torch(packages: Path) -> Path:
    """An environment with torch and CUDA libraries, needed and not."""
    write(packages / "torch/lib/libtorch_cuda.so", "libcudnn.so.9", "libcusparse.so.12", "libcudart.so.12")
    write(packages / "nvidia/cuda_runtime/lib/libcudart.so.12")
    write(packages / "nvidia/cudnn/lib/libcudnn.so.9")
    write(packages / "nvidia/cudnn/lib/libcudnn_ops.so.9", "libz.so.1")
    write(packages / "nvidia/cusparse/lib/libcusparse.so.12", "libnvJitLink.so.12")
    write(packages / "nvidia/nvjitlink/lib/libnvJitLink.so.12")
    write(packages / "nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12")
    write(packages / "nvidia/cublas/lib/libnvblas.so.12", "libcudart.so.12")
    for name in (
        "nvidia/__init__.py",
        "nvidia/cudnn/include/cudnn.h",
        "nvidia_cudnn_cu12-9.10.2.21.dist-info/METADATA",
        "torch/__init__.py",
        "torch/bin/protoc",
        "torch/bin/torch_shm_manager",
        "torch/include/torch/x.h",
        "torch/lib/libtorch.a",
        "torch/_C/__init__.pyi",
        "torch-2.8.0.dist-info/METADATA",
        "librosa/__init__.py",
        "librosa/__init__.pyi",
    ):
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("lazy.attach_stub(__name__, __file__)" if name == "librosa/__init__.py" else "")
    (packages.parents[2] / "bin/torchrun").touch()
    (packages.parents[2] / "bin/python3.11").touch()
    return packages


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}


def test_every_library_that_something_needs_stays_and_only_those(slim_engine: ModuleType, torch: Path) -> None:
    assert {path.name for path in slim_engine.unneeded(torch)} == {"libnvrtc.alt.so.12", "libnvblas.so.12"}


def test_headers_archives_programs_and_stubs_go_but_a_stub_that_is_read_stays(
    slim_engine: ModuleType, torch: Path
) -> None:
    slim_engine.slim_engine(torch.parents[2])

    left = files(torch)
    assert not [name for name in left if name.endswith((".h", ".a")) or "include" in name or "protoc" in name]
    assert "torch/_C/__init__.pyi" not in left
    assert {"librosa/__init__.pyi", "torch/bin/torch_shm_manager", "torch/__init__.py"} <= left
    assert [path.name for path in (torch.parents[2] / "bin").iterdir()] == ["python3.11"]


def test_an_optional_part_that_could_never_be_opened_goes_with_what_needs_it(
    slim_engine: ModuleType, torch: Path
) -> None:
    write(torch / "torio/lib/libtorio_ffmpeg6.so", "libavutil.so.nobody")
    write(torch / "torio/lib/_torio_ffmpeg6.so", "libtorio_ffmpeg6.so")
    write(torch / "torchaudio/lib/libtorchaudio.so", "libtorch_cuda.so")

    slim_engine.slim_engine(torch.parents[2])

    assert not {name for name in files(torch) if "torio_ffmpeg" in name}
    assert "torchaudio/lib/libtorchaudio.so" in files(torch)


def test_a_needed_library_that_is_missing_elsewhere_is_not_hidden(slim_engine: ModuleType, torch: Path) -> None:
    write(torch / "torch/lib/libtorch_python.so", "libnobody.so")

    slim_engine.slim_engine(torch.parents[2])

    assert "torch/lib/libtorch_python.so" in files(torch)  # the check at the end of the build reports it


def test_cuda_and_torch_become_two_trees_at_their_own_place(
    slim_engine: ModuleType, torch: Path, tmp_path: Path
) -> None:
    slim_engine.slim_engine(torch.parents[2], tmp_path / "layers")

    place = torch.relative_to("/")
    cuda, rest = tmp_path / "layers/cuda" / place, tmp_path / "layers/torch" / place
    assert {path.name for path in cuda.iterdir()} == {"nvidia", "nvidia_cudnn_cu12-9.10.2.21.dist-info"}
    assert {path.name for path in rest.iterdir()} == {"torch", "torch-2.8.0.dist-info", "librosa"}
    assert list(torch.iterdir()) == []


def test_all_times_are_equal_so_that_equal_inputs_give_equal_layers(
    slim_engine: ModuleType, torch: Path, tmp_path: Path
) -> None:
    slim_engine.slim_engine(torch.parents[2], tmp_path / "layers")

    times = {
        int(path.stat().st_mtime) for layer in ("cuda", "torch") for path in (tmp_path / "layers" / layer).rglob("*")
    }
    assert len(times) == 1


def test_debugging_data_is_stripped_from_libraries_that_carry_it(
    slim_engine: ModuleType, torch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(torch / "pynini.libs/libfst.so", sections=(".debug_info",))
    write(torch / "other/lib.so", sections=(".text",))
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(slim_engine.subprocess, "run", lambda argv, **_: called.append(argv))

    slim_engine.slim_engine(torch.parents[2])

    assert called == [("strip", "--strip-debug", str(torch / "pynini.libs/libfst.so"))]
