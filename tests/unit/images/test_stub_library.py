"""A library that declines: the loader takes it, its functions answer, and it brings nothing but what was asked."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import ModuleType

import pytest

NAMES = [f"cusparse{index}" for index in range(40)]


@pytest.fixture
def library(stub_library: ModuleType, tmp_path: Path) -> Path:
    path = tmp_path / "libcusparse.so.12"
    path.write_bytes(stub_library.build("libcusparse.so.12", [*NAMES, "cusparseGetErrorString"], 10))
    return path


def test_every_function_answers_with_the_code(library: Path) -> None:
    opened = ctypes.CDLL(str(library))

    assert {getattr(opened, name)() for name in NAMES} == {10}


def test_a_function_for_texts_answers_with_a_sentence_and_not_with_a_number_for_an_address(library: Path) -> None:
    say = ctypes.CDLL(str(library)).cusparseGetErrorString
    say.restype = ctypes.c_char_p

    assert say(10) == b"deploykit: this image carries no libcusparse.so.12, since no engine uses it"


def test_nothing_else_is_there(library: Path) -> None:
    with pytest.raises(AttributeError):
        _ = ctypes.CDLL(str(library)).cusparseOther


def test_it_goes_by_its_name_and_needs_nobody(library: Path, elf: ModuleType) -> None:
    assert elf.dynamic(library) == ((), "libcusparse.so.12")


def test_its_functions_carry_the_version_that_their_callers_ask_for(
    stub_library: ModuleType, elf: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "libcusparse.so.12"
    path.write_bytes(stub_library.build("libcusparse.so.12", NAMES, 10, "libcusparse.so.12"))
    libc = ctypes.CDLL(None)
    libc.dlvsym.restype = ctypes.c_void_p
    handle = ctypes.CDLL(str(path))._handle

    found = libc.dlvsym(ctypes.c_void_p(handle), b"cusparse7", b"libcusparse.so.12")
    other = libc.dlvsym(ctypes.c_void_p(handle), b"cusparse7", b"libcusparse.so.13")

    assert found
    assert not other
    assert ctypes.CFUNCTYPE(ctypes.c_int)(found)() == 10


def test_one_without_functions_can_be_opened_too(stub_library: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "libcurand.so.10"
    path.write_bytes(stub_library.build("libcurand.so.10", [], 0))

    ctypes.CDLL(str(path))
