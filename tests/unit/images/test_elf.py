"""Reading shared libraries: what they need, what they are called, what is lost."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.support import shared_library


def test_what_a_library_needs_and_its_own_name_are_read(elf: ModuleType, tmp_path: Path) -> None:
    path = shared_library.write(tmp_path / "libx.so", "liba.so.1", "libb.so", soname="libx.so.2")

    assert elf.dynamic(path) == (("liba.so.1", "libb.so"), "libx.so.2")


def test_a_library_without_a_name_goes_by_that_of_its_file(elf: ModuleType, tmp_path: Path) -> None:
    assert elf.dynamic(shared_library.write(tmp_path / "libx.so"))[1] == "libx.so"


def test_sections_are_read_where_there_is_a_table_of_them(elf: ModuleType, tmp_path: Path) -> None:
    assert elf.sections(shared_library.write(tmp_path / "a.so", sections=(".text", ".debug_info"))) >= {".debug_info"}
    assert elf.sections(shared_library.write(tmp_path / "b.so")) == frozenset()


def test_a_real_library_is_understood(elf: ModuleType) -> None:
    import _ctypes

    needed, own = elf.dynamic(Path(_ctypes.__file__))

    assert any(name.startswith("libc.so") for name in needed)
    assert own
    assert ".text" in elf.sections(Path(_ctypes.__file__))


def test_the_names_a_real_library_gives_and_asks_for_are_read(elf: ModuleType) -> None:
    import _ctypes

    defined, asked = elf.symbols(Path(_ctypes.__file__))

    assert "PyInit__ctypes" in defined
    assert "dlopen" in asked or "dlsym" in asked
    assert elf.version(Path(_ctypes.__file__)) is None


def test_what_nobody_brings_is_missing_and_a_driver_is_the_hosts(elf: ModuleType, tmp_path: Path) -> None:
    shared_library.write(tmp_path / "pack/liba.so", "libb.so.1", "libsystem.so", "libcuda.so.1", "liblost.so")
    shared_library.write(tmp_path / "pack/libb-real.so", soname="libb.so.1")
    (tmp_path / "system").mkdir()
    (tmp_path / "system/libsystem.so").touch()

    found = elf.missing(tmp_path / "pack", (tmp_path / "system",))

    assert [(path.name, name) for path, name in found] == [("liba.so", "liblost.so")]


@pytest.mark.parametrize("content", [b"", b"text", b"\x7fELF\x01"])
def test_what_only_looks_like_a_library_is_none(elf: ModuleType, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.so").write_bytes(content)

    assert elf.libraries(tmp_path) == []
