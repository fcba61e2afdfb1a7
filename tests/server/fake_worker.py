"""A worker that speaks the real protocol and does what a script tells: it stands where the engine's Python would.

FAKE_WORKER names a JSON file, read anew for each load and each sentence: ``load_error`` {device: [code, detail]},
``hang`` and ``crash`` (name of a phase), ``load_oom`` (true: while emotion by text is asked for; "always"), ``vram``,
``slow`` (seconds of a load). Words in a text act too: ``OOM`` (error while emotion by text is loaded), ``OOM-ALWAYS``,
``POISON``, ``SILENT``, ``HANG``, ``SLEEP``. Each sentence is a flat tone: ``Number 7`` is as loud as 7000.
Every load and sentence is noted as a line of JSON in ``<file>.log``.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from array import array
from pathlib import Path
from typing import Any

from deploy_kit import wire
from deploy_kit.wire import Frame

RATE = 22_050
SCRIPT = Path(os.environ["FAKE_WORKER"])


class Fake:
    """One conversation."""

    def __init__(self, connection: socket.socket, engine: str) -> None:
        self.connection = connection
        self.engine = engine
        self.loaded: dict[str, Any] = {}

    def serve(self) -> int:
        self.send("hello", protocol=wire.PROTOCOL, engine=self.engine, pid=os.getpid())
        while (frame := wire.read(self.connection.recv)) is not None:
            if frame.kind == "shutdown":
                return 0
            if frame.kind == "load" and not self.load(frame.fields):
                return 1
            if frame.kind == "speak" and not self.speak(frame.fields):
                return 3
        return 0

    def load(self, fields: dict[str, Any]) -> bool:
        told = script()
        cuda = fields["device"] == "cuda"
        gpu = os.environ["CUDA_VISIBLE_DEVICES"]
        note("load", gpu=gpu, offline=os.environ["HF_HUB_OFFLINE"], **fields)
        assert bool(gpu) is cuda
        for name in (*(("guard-driver", "guard-kernel") if cuda else ()), "imports", "weights", "warm-up"):
            self.send("phase", name=name)
            if told.get("hang") == name:
                time.sleep(600)
            if told.get("crash") == name:
                os.abort()
        time.sleep(told.get("slow", 0))
        error = told.get("load_error", {}).get(fields["device"])
        if told.get("load_oom") == "always" or (told.get("load_oom") and fields["emotion_text"]):
            error = ["out_of_memory", "tried to allocate 2 GiB"]
        if error:
            self.send("error", id=None, code=error[0], detail=error[1])
            return False
        assert (Path(fields["model_dir"]) / "config.yaml").is_file()
        assert not fields["warm_up"] or Path(fields["warm_up"]).read_bytes()[:4] == b"RIFF"
        self.loaded = fields
        half, emotion = fields["half"], fields["emotion_text"]
        name = "cuda:0" if cuda else "cpu"
        vram = told.get("vram", 5_000_000_000) if cuda else 0
        self.send("ready", rate=RATE, device=name, half=half, emotion_text=emotion, vram_bytes=vram, rss_bytes=1000)
        return True

    def speak(self, fields: dict[str, Any]) -> bool:
        text, ident = fields["text"], fields["id"]
        reference = Path(fields["reference"]).read_bytes()[:4].decode("latin-1")
        note("speak", pid=os.getpid(), began=time.monotonic(), head=reference, **fields)
        if "SLEEP" in text:
            time.sleep(1)
        if "HANG" in text:
            time.sleep(600)
        if "OOM-ALWAYS" in text or ("OOM" in text and self.loaded["emotion_text"]):
            self.send("error", id=ident, code="out_of_memory", detail="tried to allocate 3 GiB")
            return False
        if "POISON" in text:
            self.send("error", id=ident, code="cuda", detail="GPU-CONTEXT: device-side assert triggered")
            return False
        if "SILENT" in text:
            self.send("error", id=ident, code="synthesis", detail="no sound came of this text")
            return True
        emotion = fields.get("emotion") or {}
        if emotion.get("kind") == "text" and not self.loaded["emotion_text"]:
            self.send("error", id=ident, code="emotion_text", detail="")
            return True
        number = re.search(r"Number (\d+)", text)
        tone = array("h", [1000 * int(number[1]) if number else 4000]) * (RATE // 4)
        if number and int(number[1]) % 2:
            time.sleep(0.3)  # the odd ones come late
        self.send("audio", tone.tobytes(), id=ident, seq=0)
        remarks = {"TOOLONG": "reference_cut", "ENDLESS": "speech_cut", "HUSH": "nothing_spoken", "ODD": "x\r\n<b>: é"}
        notes = [note for word, note in remarks.items() if word in text]
        self.send("done", id=ident, seconds=0.25, notes=notes, vram_bytes=script().get("vram", 0), rss_bytes=2000)
        return True

    def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
        self.connection.sendall(wire.encode(Frame(kind, fields, payload)))


def script() -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(SCRIPT.read_text())
    except FileNotFoundError:
        found = {}
    return found


def note(kind: str, **fields: Any) -> None:
    with open(f"{SCRIPT}.log", "a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": kind, **fields}) + "\n")


def main(arguments: list[str]) -> int:
    told = dict(zip(arguments[::2], arguments[1::2]))
    assert told["-m"] == "tts_worker"
    leaked = [name for name in os.environ if "TOKEN" in name or "API_KEY" in name]
    assert not leaked, leaked
    with socket.socket(fileno=int(told["--fd"])) as connection:
        return Fake(connection, told["--engine"]).serve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
