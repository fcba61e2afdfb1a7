"""What the tests need on a machine, put there by the product's own means; what cannot be had is remembered."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from deploy_kit import proc
from deploy_kit.cli.session import Session
from deploy_kit.cli.testing import go_tools
from deploy_kit.compat import PackagePlan, packages_for
from deploy_kit.config.request import Request
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts
from deploy_kit.findings import Message
from deploy_kit.progress import Event, EventKind, Reporter, line
from deploy_kit.run import local_engine
from deploy_kit.tools import apt, dockerd, environment
from deploy_kit.tools import python as interpreters

SERVER_TIERS = ("lint", "server", "worker", "browser")
SPEECH_TIERS = ("server", "browser")
SPEAKING_TIERS = ("worker", "image")
"""Tiers that need the engine's own environment, made from the image's lock: its adapters run in it, and a PyTorch
without CUDA is made of it."""

ENGINE_TIERS = ("docker", "gpu", "image", "cluster")
"""Tiers that need the engine, or the containerd that comes with it."""

_SLIM_SECONDS = 1200.0
_BROWSER_PACKAGES = ("chromium", "fonts-wqy-microhei")
_NAMESPACES = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}
"""Programs that make another machine inside this one."""
_CLUSTER = {"etcd": "etcd-server", "conntrack": "conntrack", "iptables": "iptables", "openssl": "openssl"} | _NAMESPACES
_CONTAINERS = ("containerd", "ctr", "runc")
_POD_NETWORK = ("/usr/lib/cni/bridge", "/opt/cni/bin/bridge")
"""Any of them tells that the plugins are there which give pods their network."""
_WINDOWS = {"wine": ("wine", "wine64"), "x86_64-w64-mingw32-gcc": ("gcc-mingw-w64-x86-64-win32",)}
"""Programs to their packages: a Windows for the batch file, and a compiler for the stand-in of ``wsl.exe``."""


class Provision:
    """Environments and packages for the tests. `missing` tells why a tier cannot run."""

    def __init__(self, session: Session, root: Path, report: Reporter) -> None:
        self._session = session
        self._root = root
        self._report = report
        self._missing: dict[str, str] = {}
        self.python = root / ".venv-test/bin/python"
        self.server_python = root / ".venv-server/bin/python"
        self.speaking_python = root / ".venv-engine/bin/python"

    def missing(self, tier: str) -> str:
        """Why this tier cannot run; empty when it can."""
        return self._missing.get(tier, "")

    def prepare(self, tiers: list[str]) -> None:
        """Install what these tiers need.

        Raises:
            Failure: ENGINE-PYTHON-… when not even the environment of the tests can be made.
        """
        building = self._building() if "cluster" in tiers else None
        python = _python311()
        tests = self._root / "tests/requirements.txt"
        self._step(".venv-test", lambda: self._environment(self.python, tests, python or _own_python()))
        needing = [tier for tier in tiers if tier in SERVER_TIERS]
        if needing and python is None:
            self._lose(needing, "cli.test_no_python")
        elif needing and python is not None:
            lock = self._root / "images/requirements/server.txt"
            self._step(".venv-server", lambda: self._environment(self.server_python, lock, python))
        self._speaking([tier for tier in tiers if tier in SPEAKING_TIERS], python)
        self._system(tiers)
        if "gpu" in tiers:
            self._gpu_host()
        if "windows" in tiers:
            self._windows()
        if "cluster" in tiers:
            self._cluster(building)

    def _building(self) -> go_tools.Building | None:
        """The programs of Kubernetes take longest: begun first, they cost no time of their own."""
        go = go_tools.find_go()
        return go_tools.Building(self._root, go) if go is not None and os.getuid() == 0 else None

    def _cluster(self, building: go_tools.Building | None) -> None:
        """A Kubernetes of its own parts: packages of the suite that the engine came from, and programs built here."""
        tiers = ["cluster"]
        if os.getuid() != 0:
            self._lose(tiers, "cli.test_not_root")
            return
        if lacking := _cluster_packages(building is None):
            engine = packages_for(self._facts().platform, "engine")
            plan = PackagePlan(lacking) if engine is None else replace(engine, packages=lacking, note=None)
            self._packages(tiers, plan, "cli.test_no_cluster", lambda: not _cluster_packages(building is None))
        if any(proc.which(program) is None for program in _CONTAINERS):
            self._lose(tiers, "cli.test_no_engine")
        if not self.missing("cluster"):
            self._kubernetes(building or self._building())

    def _kubernetes(self, building: go_tools.Building | None) -> None:
        if building is None:
            self._lose(["cluster"], "cli.test_no_go")
            return
        words: list[str] = []
        self._step("Kubernetes", lambda: words.append(building.end()))
        if words[0]:
            self._report(line("prepare-tests", words[0]))
            self._lose(["cluster"], "cli.test_no_kubernetes")

    def _speaking(self, tiers: list[str], python: str | None) -> None:
        """The engine's environment and a compiler for the stubs of the driver."""
        if not tiers or python is None:
            return
        if platform.machine() != "x86_64":
            self._lose(tiers, "cli.test_no_wheels")
            return
        self._compiler(tiers)
        self._step(".venv-engine", lambda: self._engine_environment(python))

    def _compiler(self, tiers: list[str]) -> None:
        if proc.which("gcc") is None:
            plan = PackagePlan(("gcc", "libc6-dev"))
            self._packages(tiers, plan, "cli.test_no_compiler", lambda: proc.which("gcc") is not None)

    def _gpu_host(self) -> None:
        """What a simulated host with cards is made of: namespaces, which only root may make, and stubs."""
        tiers = ["gpu"]
        if os.getuid() != 0:
            self._lose(tiers, "cli.test_not_root")
            return
        if platform.machine() != "x86_64":
            self._lose(tiers, "cli.test_no_wheels")
            return
        self._compiler(tiers)
        lacking = {package for program, package in _NAMESPACES.items() if proc.which(program) is None}
        if lacking:
            plan = PackagePlan(tuple(sorted(lacking)))
            self._packages(tiers, plan, "cli.test_no_network", lambda: all(map(proc.which, _NAMESPACES)))

    def _engine_environment(self, python: str) -> None:
        """As target local makes it, without the engine itself: the tests bring their own."""
        tools = self._root / "images/tools"
        with tempfile.TemporaryDirectory(prefix="deploykit-test-") as name:
            lock = Path(name) / "engine.txt"
            lock.write_text(local_engine.requirements("cu128"), encoding="utf-8")
            environment.ensure(
                self.speaking_python.parent.parent,
                lock,
                python,
                first=self._root / "images/requirements/engine-build.txt",
                options=("--no-build-isolation",),
                finish=lambda fresh: self._slim(fresh, tools / "slim_engine.py"),
                line=lambda text: self._report(line("prepare-tests", text)),
            )

    def _slim(self, fresh: Path, script: Path) -> None:
        settings = {"PYTHONPATH": None, "PYTHONDONTWRITEBYTECODE": "1"}
        command = (str(fresh / "bin/python"), "-s", str(script), str(fresh))
        proc.run(command, timeout=_SLIM_SECONDS, env=settings, cwd=script.parent)

    def _windows(self) -> None:
        """The batch file's tier: 170 MB to fetch, 1.1 GB of disk."""
        tiers = ["windows"]
        lacking = [name for program, names in _WINDOWS.items() if proc.which(program) is None for name in names]
        if not lacking:
            return
        if platform.machine() != "x86_64":
            self._lose(tiers, "cli.test_no_windows")
            return
        plan = PackagePlan(tuple(lacking))
        self._packages(tiers, plan, "cli.test_no_windows", lambda: all(proc.which(program) for program in _WINDOWS))

    def _system(self, tiers: list[str]) -> None:
        speaking = [tier for tier in tiers if tier in SPEECH_TIERS]
        containers = [tier for tier in tiers if tier in ENGINE_TIERS]
        if not speaking and not containers:
            return
        facts = self._facts()
        if speaking and not _speech_library():
            self._packages(speaking, packages_for(facts.platform, "speech"), "cli.test_no_speech", _speech_library)
        if "browser" in tiers and proc.which("chromium") is None:
            plan = PackagePlan(_BROWSER_PACKAGES)
            self._packages(["browser"], plan, "cli.test_no_browser", lambda: proc.which("chromium") is not None)
        if containers:
            self._engine(containers, facts)
        if "docker" in tiers and proc.which("ip") is None:
            plan = PackagePlan(("iproute2",))
            self._packages(["docker"], plan, "cli.test_no_network", lambda: proc.which("ip") is not None)

    def _engine(self, tiers: list[str], facts: HostFacts) -> None:
        from deploy_kit.lifecycle import doctor

        _, verdict = doctor.examine(_request(), facts)
        sudo = _sudo()
        if verdict.setup is not None and verdict.setup.packages is not None:
            self._packages(tiers, verdict.setup.packages, "cli.test_no_engine", lambda: True)
        if not any(self._missing.get(tier) for tier in tiers) and not dockerd.answers():
            try:
                self._step("dockerd", lambda: dockerd.start(self._report, sudo=sudo))
            except Failure as failure:
                self._lose(tiers, "cli.test_no_engine", failure)

    def _packages(self, tiers: list[str], plan: PackagePlan | None, reason: str, present: Callable[[], bool]) -> None:
        """Ask for and install packages; the tiers are lost when that fails."""
        if plan is None or proc.which("apt-get") is None:
            self._lose(tiers, reason)
            return
        sudo = _sudo()
        try:
            question = Message.of("cli.test_ask_install", packages=" ".join(plan.packages))
            if not self._session.consent(question, apt.commands(plan, sudo)):
                self._lose(tiers, reason)
                return
            self._step(" ".join(plan.packages), lambda: apt.install(plan, self._report, sudo=sudo))
        except Failure as failure:
            self._lose(tiers, reason, failure)
            return
        if not present():
            self._lose(tiers, reason)

    def _lose(self, tiers: list[str], reason: str, failure: Failure | None = None) -> None:
        from deploy_kit.cli.output.findings import sentence

        text = self._session.words(reason)
        if failure is not None:
            text += f" ({sentence(failure.finding.sentence('what'), self._session.words)})"
        for tier in tiers:
            self._missing.setdefault(tier, text)

    def _environment(self, python: Path, lock: Path, base: str) -> None:
        environment.ensure(
            python.parent.parent, lock, base, line=lambda text: self._report(line("prepare-tests", text))
        )

    def _step(self, subject: str, work: Callable[[], None]) -> None:
        self._report(Event(EventKind.STEP, "prepare-tests", subject))
        start = time.monotonic()
        try:
            work()
        except BaseException:
            self._report(Event(EventKind.FAILED, "prepare-tests", subject))
            raise
        self._report(Event(EventKind.DONE, "prepare-tests", subject, seconds=time.monotonic() - start))

    def _facts(self) -> HostFacts:
        from deploy_kit.lifecycle import doctor

        return doctor.observe(_request())


def _cluster_packages(with_go: bool) -> tuple[str, ...]:
    """The packages that are not there and that a cluster takes."""
    lacking = {package for program, package in _CLUSTER.items() if proc.which(program) is None}
    if not any(Path(file).is_file() for file in _POD_NETWORK):
        lacking.add("containernetworking-plugins")
    if with_go and go_tools.find_go() is None:
        lacking.add("golang-go")
    return tuple(sorted(lacking))


def _request() -> Request:
    """The default wish; the user's own settings have no place in tests."""
    from deploy_kit.config.load import load

    return load({}, {}, None).request


def _own_python() -> str:
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _python311() -> str | None:
    """A Python 3.11 that can make environments: the image's version, so what passes here means something there."""
    if sys.version_info[:2] == (3, 11):
        return _own_python()
    return interpreters.find("3.11")


def _sudo() -> bool:
    return os.getuid() != 0


def _speech_library() -> bool:
    import ctypes.util

    return ctypes.util.find_library("espeak-ng") is not None
