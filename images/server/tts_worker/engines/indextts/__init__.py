"""IndexTTS-2.5 and IndexTTS-2: upstream's own inference classes, behind the worker's protocol.

What is known of each (module, ranges, files, memory) stands in ``data/engines.json``. Nothing of torch or of upstream
is imported before the guard has judged the GPU.
"""

from __future__ import annotations

from tts_worker.engines.indextts.adapter import IndexTts


def create(name: str) -> IndexTts:
    """The engine, not yet loaded."""
    return IndexTts(name)
