"""May an engine touch the GPU? The judgement before anything of value is put at stake.

Two stages: the driver library alone, in a child process with a deadline (`tts_worker.guard.driver`), since a broken
driver can hang or crash whoever calls it; then one real kernel in the engine's torch (`tts_worker.guard.kernel`).
``python -m tts_worker.guard --json`` prints the verdict of both.
"""
