"""Which cards a build of PyTorch has code for, read from bundles that no compiler made."""

from __future__ import annotations

import json
import struct
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from deploy_kit.data import table

PTX, MACHINE = 1, 2
COMPRESSED, ONE_CARD = 0x2011, 0x100000
VERSION = "from typing import Optional\n__version__ = '2.8.0+cu128'\ncuda: Optional[str] = '12.8'\n"
EVERY = (70, 75, 80, 86, 90, 100, 120)


@pytest.fixture
def script(tools: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = import_module("measure_torch")
    monkeypatch.delitem(sys.modules, "measure_torch")
    return module


def bundle(*entries: tuple[int, int, int], head: int = 64) -> bytes:
    """A bundle of entries: kind, architecture, flags."""
    body = b""
    for kind, number, flags in entries:
        code = b"\x7f" * 24
        start = struct.pack("<HHIQIIHHI", kind, 0x101, head, len(code), len(code), 0, 7, 1, number)
        body += start.ljust(40, b"\0") + struct.pack("<Q", flags) + bytes(head - 48) + code
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def library(*bundles: bytes, section: str = ".nv_fatbin") -> bytes:
    """A 64-bit library with these bundles, padded as linkers do."""
    content = b"".join(one + bytes(-len(one) % 8 + 8) for one in bundles)
    names = b"\0" + section.encode() + b"\0.shstrtab\0"
    at = 64 + len(content)
    rows = [
        struct.pack("<IIQQQQIIQQ", *row)
        for row in (
            (0,) * 10,
            (1, 1, 2, 64, 64, len(content), 0, 0, 8, 0),
            (len(section) + 2, 3, 0, 0, at, len(names), 0, 0, 1, 0),
        )
    ]
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 0, at + len(names), 0, 64, 56, 0, 64, 3, 2
    )
    return header + content + names + b"".join(rows)


def usual(*more: tuple[int, int, int]) -> bytes:
    return bundle(*((MACHINE, number, COMPRESSED) for number in EVERY), *more)


def installed(folder: Path, *libraries: bytes, version: str = VERSION) -> Path:
    place = folder / "lib/python3.11/site-packages/torch"
    (place / "lib").mkdir(parents=True)
    (place / "version.py").write_text(version)
    for number, content in enumerate(libraries):
        (place / f"lib/libtorch_cuda{'_linalg' * number}.so").write_bytes(content)
    return folder


def test_an_architecture_counts_when_most_bundles_have_it(script: ModuleType, tmp_path: Path) -> None:
    whole = library(usual(), usual(), usual((MACHINE, 90, COMPRESSED | ONE_CARD), (MACHINE, 89, COMPRESSED)))

    build = script.measure(installed(tmp_path, whole))

    assert build.row()["sass"] == ["7.0", "7.5", "8.0", "8.6", "9.0", "10.0", "12.0"]
    assert build.code.few(build.code.sass) == ["8.9 (1)", "9.0a (1)"]


def test_ptx_is_told_from_machine_code(script: ModuleType, tmp_path: Path) -> None:
    whole = library(usual((PTX, 120, 0x11)), usual((PTX, 120, 0x11)), section="__nv_relfatbin")

    assert script.measure(installed(tmp_path, whole)).row()["ptx"] == ["12.0"]


def test_longer_heads_of_entries_are_passed_over(script: ModuleType, tmp_path: Path) -> None:
    whole = library(bundle((MACHINE, 100, 0x1002011), (MACHINE, 120, 0x1002011), head=96))

    assert script.measure(installed(tmp_path, whole)).row()["sass"] == ["10.0", "12.0"]


def test_all_libraries_count_together(script: ModuleType, tmp_path: Path) -> None:
    assert script.measure(installed(tmp_path, library(usual()), library(usual()))).code.bundles == 2


def test_a_wheel_is_measured_as_it_is(script: ModuleType, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "torch.whl", "w") as wheel:
        wheel.writestr("torch/version.py", VERSION)
        wheel.writestr("torch/lib/libtorch_cuda.so", library(usual()))

    build = script.measure(tmp_path / "torch.whl")

    assert (build.torch, build.cuda, build.code.bundles) == ("2.8.0", "12.8", 1)


def test_a_build_for_processors_has_no_code_for_cards(script: ModuleType, tmp_path: Path) -> None:
    folder = installed(tmp_path, version="__version__ = '2.8.0+cpu'\ncuda: Optional[str] = None\n")

    assert script.main([str(folder)]) == 0
    assert script.measure(folder).row() == {"torch": "2.8.0", "cuda": None, "sass": [], "ptx": []}


def test_a_table_that_says_the_same_is_right(script: ModuleType, tmp_path: Path, capsys) -> None:
    assert script.main([str(installed(tmp_path, library(usual())))]) == 0
    assert "cu128: matrix.json is right" in capsys.readouterr().out


@pytest.mark.parametrize("change", [{"sass": ["7.0"]}, {"torch": "2.7.0"}, {"ptx": ["12.0"]}])
def test_a_table_that_says_otherwise_is_out_of_date(script: ModuleType, tmp_path: Path, capsys, change) -> None:
    row = table("matrix")["variants"]["cu128"] | change
    own = tmp_path / "matrix.json"
    own.write_text(json.dumps({"variants": {"cu128": row}}))

    assert script.main([str(installed(tmp_path / "a", library(usual()))), "--matrix", str(own)]) == 10
    assert f"{next(iter(change))}: the table says" in capsys.readouterr().out


def test_a_variant_that_the_table_lacks_is_out_of_date_too(script: ModuleType, tmp_path: Path, capsys) -> None:
    folder = installed(tmp_path, library(usual()), version=VERSION.replace("12.8", "13.9"))
    assert script.main([str(folder)]) == 10


@pytest.mark.parametrize("content", [b"", b"no zip at all"])
def test_what_holds_no_torch_is_said(script: ModuleType, tmp_path: Path, capsys, content: bytes) -> None:
    (tmp_path / "x.whl").write_bytes(content)

    assert script.main([str(tmp_path / "x.whl")]) == 2
    assert script.main([str(tmp_path)]) == 2
    assert "measure_torch: " in capsys.readouterr().err


def test_a_damaged_section_is_not_counted_as_if_it_were_whole(script: ModuleType, tmp_path: Path, capsys) -> None:
    whole = library(usual(), b"garbage!")

    assert script.main([str(installed(tmp_path, whole))]) == 2
    assert "no bundle at" in capsys.readouterr().err
