"""The simulated host as a whole: machine, driver, toolkit, container engine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import control_groups, stubs
from tests.support.gpu_host import layers
from tests.support.gpu_host.driver import STATE, Driver
from tests.support.gpu_host.machine import Machine
from tests.support.gpu_host.toolkit import Form, Toolkit

_LABEL = "io.deploykit.test.gpu-host"
_GROUP = "deploykit-gpu-"
_START_SECONDS = 30.0


class Host:
    """A host whose cards, driver, toolkit and engine a test arranges as it likes."""

    def __init__(self, folder: Path, image: str, images: Path) -> None:
        self._log = folder / "dockerd.log"
        self._group = f"{_GROUP}{os.getpid()}"
        self._dockerd: subprocess.Popen[bytes] | None = None
        self.form: Form | None = None
        borrowed = layers.borrow(image, layers.store(), images)
        self.machine = Machine(images)
        self.driver = Driver(self.machine, stubs.build(folder / "nvidia", state=f"{STATE}/state"))
        self.toolkit = Toolkit(self.machine, self.driver)
        if not borrowed:
            self.engine()
            layers.send(image, self.machine.inside)

    def engine(self, form: Form = Form.NONE) -> None:
        """Start the container engine anew, with the toolkit in this form. Containers that ran are gone."""
        self._stop()
        self.form = form
        self.toolkit.install(form)
        own = {"cgroup-parent": f"/{self._group}", "exec-opts": ["native.cgroupdriver=cgroupfs"], "features": {}}
        daemon = self.machine.path("/etc/docker/daemon.json")
        daemon.parent.mkdir(exist_ok=True)
        daemon.write_text(json.dumps(own | {"features": {"cdi": False}} | self.toolkit.daemon), encoding="utf-8")
        with self._log.open("ab") as log:
            self._dockerd = subprocess.Popen(
                self.machine.inside("dockerd"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + _START_SECONDS
        while not self.machine.run("docker", "version", "--format", "{{.Server.Version}}", check=False):
            assert self._dockerd.poll() is None, self._log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < end, self._log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)

    def docker(self, *args: str, check: bool = True) -> str:
        """Run docker on that host and give its output."""
        return self.machine.run("docker", *args, check=check)

    def gateway(self) -> str:
        """The host's address as its containers reach it."""
        networks = json.loads(self.docker("network", "inspect", "bridge"))
        return str(networks[0]["IPAM"]["Config"][0]["Gateway"])

    def close(self) -> None:
        """End it as a power cut ends a host: nobody is asked."""
        self.machine.close()
        if self._dockerd is not None:
            self._dockerd.wait(timeout=60)
        control_groups.clear(self._group)

    def _stop(self) -> None:
        """Containers first: the engine leaves those that hang behind."""
        if self._dockerd is None or self._dockerd.poll() is not None:
            return
        if left := self.docker("ps", "--all", "--quiet", check=False).split():
            self.docker("rm", "--force", *left, check=False)
        pid = self.machine.path("/run/docker.pid").read_text(encoding="ascii").strip()
        self.machine.run("kill", "-TERM", pid, check=False)
        self._dockerd.wait(timeout=60)


@contextlib.contextmanager
def made(folder: Path, image: str) -> Iterator[Host]:
    """A host with this image in its engine; a volume of this machine's engine lends the room, and goes again."""
    _sweep()
    name = f"deploykit-gpu-host-{os.getpid()}"
    subprocess.run(
        ("docker", "volume", "create", "--label", f"{_LABEL}={os.getpid()}", name), check=True, capture_output=True
    )
    host = None
    try:
        place = layers.mountpoint(name)
        host = Host(folder, image, place)
        yield host
    finally:
        if host is not None:
            host.close()
        subprocess.run(("docker", "volume", "rm", "--force", name), check=False, capture_output=True)


def _sweep() -> None:
    """Remove what runs left that were killed: their machines ended by themselves, the room they took did not."""
    listing = ("docker", "volume", "ls", "--filter", f"label={_LABEL}", "--format", "{{.Name}}")
    for name in subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split():
        if control_groups.ended(name):
            subprocess.run(("docker", "volume", "rm", "--force", name), check=False, capture_output=True)
    control_groups.sweep(_GROUP)
