"""PyTorch without CUDA, made of what the ordinary index has: it stands where PyTorch's own CPU build would stand.

That build is only to be had from PyTorch's own index. The CUDA build computes on a CPU with the very same library
(`libtorch_cpu.so`), it only insists on CUDA's libraries being there. Here each of them is replaced by a small one of
another name that declines, so what comes out has a CPU build's shape: no CUDA package, no CUDA library, version
``2.8.0+cpu``, ``torch.version.cuda`` None. The wheels are made on the spot, labelled by their local version, and served
by an index on this machine only.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import mmap
import re
import shutil
import struct
import subprocess
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deploy_kit import assets

VERSION = "2.8.0"
_TAG = "cp311-cp311-manylinux_2_28_x86_64"
_CUDA = re.compile(r"lib(cudart|cupti|cudnn|cusparseLt|cufile)\.so\.\d+")
_LEFT_OUT = ("libtorch_cuda*.so", "libcaffe2_nvrtc.so", "include", "__pycache__")
_PARTS = {"torch": ("torch", "functorch", "torchgen"), "torchaudio": ("torchaudio", "torio")}
_DEVICES_LEFT_OUT = re.compile(r"Requires-Dist: (nvidia|triton)[^\n]*\n")


def wheels(packages: Path, into: Path) -> tuple[Path, ...]:
    """The wheels of torch and torchaudio, made of an environment that holds the CUDA builds of both.

    Args:
        packages: Its ``site-packages``.
        into: An empty folder.
    """
    tree = into / "tree"
    for name in (one for parts in _PARTS.values() for one in parts if (packages / one).is_dir()):
        shutil.copytree(packages / name, tree / name, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    _decline(packages, tree)
    for version in (tree / "torch/version.py", tree / "torchaudio/version.py"):
        text = re.sub(r"(?m)^cuda: .*$", "cuda: Optional[str] = None", version.read_text(encoding="utf-8"))
        version.write_text(re.sub(r"(?m)^__version__ = .*$", f"__version__ = '{VERSION}+cpu'", text), encoding="utf-8")
    made = tuple(_wheel(packages, tree, name, into) for name in ("torch", "torchaudio"))
    shutil.rmtree(tree)
    return made


def lock(made: Iterable[Path]) -> str:
    """Requirements with hashes for these wheels."""
    rows = ((path.name.split("-")[0], hashlib.sha256(path.read_bytes()).hexdigest()) for path in made)
    return "".join(f"{name}=={VERSION}+cpu --hash=sha256:{digest}\n" for name, digest in rows)


@contextmanager
def index(made: Iterable[Path]) -> Iterator[str]:
    """A package index with these wheels on the loopback address: its URL."""
    folder = next(iter(made)).parent
    for path in made:
        place = folder / "simple" / path.name.split("-")[0]
        place.mkdir(parents=True)
        path.rename(place / path.name)
        (place / "index.html").write_text(f'<a href="{path.name.replace("+", "%2B")}">{path.name}</a>\n')
    handler = partial(_Quiet, directory=str(folder / "simple"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _elf() -> Any:
    """The image's own reader of shared libraries, a script outside of any package."""
    described = importlib.util.spec_from_file_location("elf", assets.root() / "images/tools/elf.py")
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


elf = _elf()
_DYNAMIC_SYMBOLS, _VERSIONS_WANTED = 11, 0x6FFFFFFE


def _hash(name: str) -> int:
    """The hash of the System V ABI."""
    value = 0
    for letter in name.encode():
        value = (value << 4) + letter
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def _decline(packages: Path, tree: Path) -> None:
    """Put a library that declines in the place of each that a CPU build lacks."""
    libraries = elf.libraries(tree)
    brought = {path.name: path for path in elf.libraries(packages / "nvidia")}
    for name in sorted({name for path in libraries for name in elf.dynamic(path)[0] if _CUDA.fullmatch(name)}):
        users = [path for path in libraries if name in elf.dynamic(path)[0]]
        mine = f"lib0{name[4:]}"
        # Such a library also carries a copy of the C++ library, whose names must stay that one's.
        functions = {one for one in _asked(users) & elf.symbols(brought[name])[0] if not one.startswith("_Z")}
        version = elf.version(brought[name])
        _compile(tree / "torch/lib" / mine, functions, mine if version == name else version)
        for path in users:
            _rename(path, name, mine)
    users = [path for path in libraries if "libtorch_cuda.so" in elf.dynamic(path)[0]]
    have = frozenset[str]().union(*(elf.symbols(path)[0] for path in libraries))
    functions = (_asked(users) & elf.symbols(packages / "torch/lib/libtorch_cuda.so")[0]) - have
    _compile(tree / "torch/lib/libtorch_cuda.so", functions, None)


def _rename(library: Path, old: str, new: str) -> None:
    """Let a library ask for another of a name as long, in place: what is moved about does not survive `strip`.

    The name stands once among the strings; versions of symbols that are called like it carry a hash of it as well.
    """
    with library.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        (start,), (size, count, _) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HHH", data, 58)
        rows = [struct.unpack_from("<IIQQQQI", data, start + size * index) for index in range(count)]
        strings = rows[next(row[6] for row in rows if row[1] == _DYNAMIC_SYMBOLS)]
        place = data.find(b"\0" + old.encode() + b"\0", strings[4], strings[4] + strings[5]) + 1
        assert place, f"{library.name} does not name {old}"
        data[place : place + len(new)] = new.encode()
        for row in (row for row in rows if row[1] == _VERSIONS_WANTED):
            _rehash(data, row[4], place - strings[4], _hash(new))


def _rehash(data: mmap.mmap, at: int, name: int, value: int) -> None:
    """Give every wanted version of this name its new hash."""
    while True:
        _, count, _, first, following = struct.unpack_from("<HHIII", data, at)
        version = at + first
        for _ in range(count):
            _, _, _, text, step = struct.unpack_from("<IHHII", data, version)
            if text == name:
                struct.pack_into("<I", data, version, value)
            version += step
        if not following:
            return
        at += following


def _asked(users: Iterable[Path]) -> frozenset[str]:
    return frozenset[str]().union(*(elf.symbols(path)[1] for path in users))


def _compile(library: Path, names: Iterable[str], version: str | None) -> None:
    """A library whose functions answer "no device" (CUDA's number 100, and 0 where none is known), made by gcc."""
    code = ["static char scratch[4096];", 'extern char shape[] __asm__("_ZTVN10__cxxabiv117__class_type_infoE");']
    answer = "100" if "cudart" in library.name else "0"
    for number, name in enumerate(sorted(names)):
        if name.startswith("_ZTI"):  # describes a C++ class: a table, and the class's name
            code.append(f'const void *d{number}[4] __asm__("{name}") = {{shape + 16, "{name[4:]}", 0, 0}};')
        elif name.startswith("_ZTV"):
            code.append(f'const void *d{number}[80] __asm__("{name}");')
        else:  # the one that gives a place to write to is called when torch is imported
            given = "(long)scratch" if name.endswith("get_gil_checkerEv") else answer
            code.append(f'long f{number}(void) __asm__("{name}"); long f{number}(void) {{ return {given}; }}')
    source, script = library.with_suffix(".c"), library.with_suffix(".map")
    source.write_text("\n".join(code), encoding="utf-8")
    options = [f"-Wl,-soname,{library.name}"]
    if version:
        script.write_text(f"{version} {{ global: *; }};\n", encoding="utf-8")
        options.append(f"-Wl,--version-script={script}")
    subprocess.run(("gcc", "-shared", "-fPIC", "-O1", "-o", library, *options, source, "-lstdc++"), check=True)
    source.unlink()
    script.unlink(missing_ok=True)


def _wheel(packages: Path, tree: Path, name: str, into: Path) -> Path:
    """Pack one package with metadata of its own."""
    metadata = next(packages.glob(f"{name}-{VERSION}*.dist-info")) / "METADATA"
    text = re.sub(r"(?m)^Version: .*$", f"Version: {VERSION}+cpu", metadata.read_text(encoding="utf-8"), count=1)
    about = f"{name}-{VERSION}+cpu.dist-info"
    described = {
        f"{about}/METADATA": _DEVICES_LEFT_OUT.sub("", text),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: {_TAG}\n",
    }
    made = into / f"{name}-{VERSION}+cpu-{_TAG}.whl"
    record = []
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for part in _PARTS[name] for path in (tree / part).rglob("*") if path.is_file()):
            data = path.read_bytes()
            archive.write(path, path.relative_to(tree).as_posix())
            record.append(_row(path.relative_to(tree).as_posix(), data))
        for place, content in described.items():
            archive.writestr(place, content)
            record.append(_row(place, content.encode()))
        archive.writestr(f"{about}/RECORD", "\n".join([*record, f"{about}/RECORD,,", ""]))
    return made


def _row(place: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{place},sha256={digest},{len(data)}"
