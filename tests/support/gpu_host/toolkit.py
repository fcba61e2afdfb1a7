"""NVIDIA's container toolkit on the simulated host, in one of the forms in which users have it."""

from __future__ import annotations

import json
import shutil
import sys
from enum import Enum
from pathlib import Path
from typing import Any

from tests.support import standin_cuda
from tests.support.gpu_host import driver
from tests.support.gpu_host.driver import Driver
from tests.support.gpu_host.machine import Machine
from tests.support.gpu_host.programs import hook, runtime

_PROGRAMS = Path(__file__).with_name("programs")
_ENGINE = "/opt/deploykit/engine/lib/python3.11/site-packages"
_SPEC = "/etc/cdi/nvidia"


class Form(Enum):
    """How the engine gets at a card: ``HOOK`` for the hook beside dockerd, ``CDI`` for a specification of devices in
    an engine that reads such, ``RUNTIME`` for a runtime by the name of nvidia, ``NONE`` for no toolkit at all."""

    HOOK = "hook"
    CDI = "cdi"
    RUNTIME = "runtime"
    NONE = "none"


class Toolkit:
    """The toolkit of a machine. What the engine must be restarted for takes effect then."""

    def __init__(self, machine: Machine, card: Driver) -> None:
        self._machine = machine
        self._driver = card
        self.daemon: dict[str, Any] = {}
        """What the form adds to the engine's configuration."""

    def install(self, form: Form) -> None:
        """This form and no other, and it works."""
        self.remove()
        if form is Form.NONE:
            return
        self._settle()
        if form is Form.HOOK:
            self._program("/usr/bin/nvidia-container-runtime-hook", "hook.py")
        elif form is Form.RUNTIME:
            self._program(runtime.HOOK, "hook.py")
            self._program("/usr/bin/nvidia-container-runtime", "runtime.py")
            self.daemon = {"runtimes": {"nvidia": {"path": "/usr/bin/nvidia-container-runtime"}}}
        else:
            self.specify()
            self.daemon = {"features": {"cdi": True}}

    def remove(self) -> None:
        path, self.daemon = self._machine.path, {}
        for program in path("/usr/bin").glob("nvidia-*"):
            program.unlink()
        for folder in ("/etc/cdi", "/etc/nvidia-container-runtime", "/usr/local/nvidia"):
            shutil.rmtree(path(folder), ignore_errors=True)

    def refuse(self, words: str) -> None:
        """The hook ends with these words from now on."""
        self._settle(refuses=words)

    def nodeless(self, form: Form) -> None:
        """Libraries are handed in from now on, but no device nodes."""
        if form is Form.CDI:
            self.specify(nodes=False)
        else:
            self._settle(nodes=False)

    def specify(self, *, nodes: bool = True, ending: str = "yaml", gone: str = "") -> None:
        """Write the specification of devices anew.

        Args:
            ending: ``yaml`` or ``json``, as the toolkit writes either.
            gone: A library that it names although it is not there any more, as after an update of the driver.
        """
        import yaml

        mounts = [*self._files(), *([(gone, gone)] if gone else [])]
        options = ["ro", "nosuid", "nodev", "bind"]
        common = {"mounts": [{"hostPath": a, "containerPath": b, "options": options} for a, b in mounts]}
        common |= {"env": ["NVIDIA_VISIBLE_DEVICES=void"]}
        cards = self._driver.cards
        names = [*((str(card.number), (card,)) for card in cards), *((card.uuid, (card,)) for card in cards)]
        shared = ("nvidiactl", "nvidia-uvm")
        devices = []
        for name, some in (*names, ("all", cards)):
            found = [*shared, *(f"nvidia{card.number}" for card in some)] if nodes else []
            edits = {"deviceNodes": [{"path": f"/dev/{node}"} for node in found]} if nodes else {"env": ["CARD=1"]}
            devices.append({"name": name, "containerEdits": edits})
        spec = {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": devices, "containerEdits": common}
        for old in self._machine.path("/etc/cdi").glob("*"):
            old.unlink()
        text = json.dumps(spec) if ending == "json" else "---\n" + yaml.safe_dump(spec, sort_keys=False)
        self._write(f"{_SPEC}.{ending}", text)

    def _settle(self, *, nodes: bool = True, refuses: str = "") -> None:
        uuids = [card.uuid for card in self._driver.cards]
        settings = {"cards": uuids, "nodes": nodes, "refuses": refuses, "files": self._files()}
        self._write(str(hook.SETTINGS), json.dumps(settings))

    def _files(self) -> list[tuple[str, str]]:
        """What comes into a container: the driver's libraries, what they answer, and PyTorch's belief."""
        believing = self._machine.path("/usr/local/nvidia")
        believing.mkdir(exist_ok=True)
        shutil.copy2(standin_cuda.FOLDER / "sitecustomize.py", believing / "standin_cuda.py")
        (believing / "standin_cuda.pth").write_text("import standin_cuda\n", encoding="ascii")
        libraries = [f"{driver.LIBRARIES}/{name}" for name in ("libcuda.so.1", "libnvidia-ml.so.1")]
        return [
            *((name, name) for name in libraries),
            (driver.INSIDE, driver.STATE),
            *((f"/usr/local/nvidia/standin_cuda.{kind}", f"{_ENGINE}/standin_cuda.{kind}") for kind in ("py", "pth")),
        ]

    def _program(self, path: str, source: str) -> None:
        text = (_PROGRAMS / source).read_text(encoding="utf-8")
        self._write(path, f"#!{sys.executable} -IS\n{text}")
        self._machine.path(path).chmod(0o755)

    def _write(self, path: str, text: str) -> None:
        file = self._machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
