"""NVML and the CUDA driver library as small C programs, so that a GPU host can be had in every state without a GPU.

Both are found by their names through LD_LIBRARY_PATH, as the real ones are. What they answer is read, with each call,
from the file that STUB_GPU names (``key=value`` lines); without it from a file that was named when they were built,
if that is there, else from variables ``STUB_<KEY>`` of the environment.
The file may change while a program runs: that is how a card is lost.

Keys (all optional; numbers unless said otherwise):
    driver: text, ``570.133.20`` · cuda: 12080 · count: cards, 1 · name: text · cc: text ``8.9`` ·
    total, used: bytes of the card · uuid: text · temperature, utilisation
    mig, mig_pending: 0 or 1 (without it a card cannot be cut) · slices: profiles with commas, ``1g.10gb,2g.20gb``
    virtual, persistence, compute_mode, uncorrected, retired_pending, fabric, fabric_status: as NVML numbers them
    remap: ``none``, ``pending`` or ``failed`` · users: ``pid:bytes`` with commas · program: the name of any process
    total -1: memory that the card does not tell
    nvml_init, nvml_call: return code of nvmlInit_v2 and of every later call of NVML
    cu_init, cu_count, cu_call: return code of cuInit, of cuDeviceGetCount and of every other call of CUDA
    hang: text, the call that never returns · crash: text, the call that ends the process by SIGSEGV
    nodes: 1 to look for device nodes as the real ones do: only cards with one are there; none at all without
    /dev/nvidiactl, and CUDA wants /dev/nvidia-uvm
A key with a card's number (``used.1``, ``nvml_call.1``) means that card only.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy_kit import proc

HERE = Path(__file__).parent
LIBRARIES = {"libcuda.so.1": "cuda.c", "libnvidia-ml.so.1": "nvml.c"}


class NoCompiler(Exception):
    """gcc is not installed."""


def build(folder: Path, *, state: str = "") -> Path:
    """Compile both libraries into a folder (made if missing), which then belongs on LD_LIBRARY_PATH; returns it.

    Args:
        state: The file that they read where STUB_GPU names none.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NoCompiler("the GPU stubs need gcc")
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in LIBRARIES.items():
        options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-Wl,-soname,{name}"]
        options += [f'-DSTUB_FILE="{state}"'] if state else []
        proc.run([compiler, *options, "-o", str(folder / name), str(HERE / source)], timeout=60)
    return folder
