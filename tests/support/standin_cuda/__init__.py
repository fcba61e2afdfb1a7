"""A folder for PYTHONPATH (`FOLDER`): with it, torch believes in a GPU, and what goes to "cuda" stays in main memory.

So the second stage of the guard, the choice of a device and the life of a GPU worker can be had without a card, beside
`tests.support.stubs`, which stands in for the driver. Variables (in the containers of `tests.support.gpu_host` rows of
the state file: ``cc``, ``name``, ``architectures``, ``vram``, ``kernel``):
    STUB_CC, STUB_NAME: capability (8.9) and name of the card
    STANDIN_ARCHITECTURES: what torch was built for, ``sm_70 sm_75 …``
    STANDIN_CUDA: the CUDA of torch (12.8); ``none`` for a build without
    STANDIN_VRAM: bytes that torch says it has reserved at most (5000000000)
    STANDIN_KERNEL: words of the error that the first kernel ends with; ``hang``; ``wrong`` for a wrong result
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "path"
