"""What the check of an engine's environment finds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from deploy_kit import assets, data
from tests.support.shared_library import write


def distribution(packages: Path, name: str, version: str) -> None:
    folder = packages / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A torch that says it is the CUDA 12.8 build."""
    made = SimpleNamespace(
        __version__="2.8.0+cu128",
        version=SimpleNamespace(cuda="12.8"),
        _C=SimpleNamespace(_cuda_getArchFlags=lambda: "sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"),
    )
    monkeypatch.setitem(sys.modules, "torch", made)
    monkeypatch.setitem(sys.modules, "torchaudio", SimpleNamespace(__version__="2.8.0"))
    return made


def row(variant: str = "cu128") -> dict[str, object]:
    found = data.table("matrix")["variants"][variant]
    return {"torch": found["torch"], "cuda": found["cuda"], "arch_list": found["sass"]}


def test_the_promised_torch_passes(check_engine: ModuleType, torch: SimpleNamespace) -> None:
    found, seen = check_engine.problems_of_torch(row())

    assert found == []
    assert seen["arch_list"] == data.table("matrix")["variants"]["cu128"]["sass"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"__version__": "2.9.1+cu128"}, "torch is 2.9.1+cu128, not 2.8.0"),
        ({"version": SimpleNamespace(cuda="12.6")}, "cuda is 12.6, not 12.8"),
        ({"_C": SimpleNamespace(_cuda_getArchFlags=lambda: "sm_90")}, "arch_list is ['9.0'], not"),
    ],
)
def test_another_torch_is_found(
    check_engine: ModuleType, torch: SimpleNamespace, fault: dict[str, object], said: str
) -> None:
    vars(torch).update(fault)

    assert any(text.startswith(said) for text in check_engine.problems_of_torch(row())[0])


def test_a_cpu_build_has_no_architectures(check_engine: ModuleType, torch: SimpleNamespace) -> None:
    torch.__version__, torch.version = "2.8.0+cpu", SimpleNamespace(cuda=None)

    assert check_engine.problems_of_torch(row("cpu"))[0] == []


def test_two_versions_of_a_package_are_found(check_engine: ModuleType, packages: Path) -> None:
    distribution(packages, "torch", "2.8.0")
    distribution(packages, "Torch", "2.13.0")

    assert check_engine.problems_of_files(packages, {}) == ["torch is here in 2 versions"]


@pytest.mark.parametrize(
    "second",
    ["elsewhere.libs/libcudart-0f1e2d3c.so.12.8.90", "nvidia/cu13/lib/libcudart.so.13", "x/libcudart.alt.so.12"],
)
def test_a_second_copy_of_a_cuda_library_is_found(check_engine: ModuleType, packages: Path, second: str) -> None:
    write(packages / "nvidia/cuda_runtime/lib/libcudart.so.12")
    write(packages / second)

    (said,) = check_engine.problems_of_files(packages, {"cuda": "12.8"})
    assert said.startswith("libcudart is here more than once")
    assert second in said


def test_libraries_that_only_begin_alike_are_not_each_other(check_engine: ModuleType, packages: Path) -> None:
    for name in ("libcublas.so.12", "libcublasLt.so.12", "libnvrtc.so.12", "libnvrtc-builtins.so.12.8"):
        write(packages / "nvidia" / name)

    assert check_engine.problems_of_files(packages, {"cuda": "12.8"}) == []


def test_no_cuda_belongs_into_the_cpu_image(check_engine: ModuleType, packages: Path) -> None:
    distribution(packages, "nvidia-cublas-cu12", "12.8.4.1")
    distribution(packages, "numpy", "2.2.6")
    write(packages / "nvidia/cublas/lib/libcublas.so.12")

    assert check_engine.problems_of_files(packages, {"cuda": None}) == [
        "nvidia-cublas-cu12 is a CUDA package",
        "nvidia/cublas/lib/libcublas.so.12 is a CUDA library",
    ]


def test_a_library_that_is_missing_is_found(check_engine: ModuleType, packages: Path) -> None:
    write(packages / "torch/lib/libtorch.so", "libnobody-brings-it.so")

    assert check_engine.problems_of_files(packages, {}) == ["torch/lib/libtorch.so needs libnobody-brings-it.so"]


def test_an_engine_that_cannot_be_imported_is_found_with_the_reason(
    check_engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_engine, "ENGINES", ("nowhere_at_all", "json"))

    assert check_engine.problems_of_source() == [
        "nowhere_at_all cannot be imported: ModuleNotFoundError: No module named 'nowhere_at_all'"
    ]


def test_the_locks_name_the_torch_that_the_matrix_promises(install_engine: ModuleType) -> None:
    for variant, found in data.table("matrix")["variants"].items():
        lock = assets.root() / f"images/requirements/engine-{variant}.txt"
        assert lock.is_file() == found["locked"]
        if found["locked"]:
            wish = {"matrix": assets.package() / "data/matrix.json", "lock": lock, "variant": variant}
            assert install_engine.expected(wish)["torch"] == found["torch"]


def test_the_result_is_json_for_whoever_asks(
    check_engine: ModuleType, torch: SimpleNamespace, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_engine, "problems_of_loading", lambda _: [])

    report = check_engine.check(packages, row())

    assert json.loads(json.dumps(report)) == report
    assert report["problems"] == []
