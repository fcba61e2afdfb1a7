"""The way of a card into the service: device nodes, and the form in which this container engine is asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from deploy_kit.compat.evidence import seen
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import DeviceRequest, RequestKind, Wish
from deploy_kit.compat.versions import at_least
from deploy_kit.data import table
from deploy_kit.facts import EngineState, HostFacts
from deploy_kit.findings import Evidence, Finding, Severity, arguments

Command = tuple[str, ...]

_ALL = "nvidia.com/gpu=all"
_TOOLKIT = "nvidia-container-toolkit"
_INSTALLERS = {
    "debian": ("apt-get", "install"),
    "ubuntu": ("apt-get", "install"),
    "fedora": ("dnf", "install"),
    "rhel": ("dnf", "install"),
    "suse": ("zypper", "install"),
    "arch": ("pacman", "-S"),
}
"""Of the families for which NVIDIA or the distribution packs its container toolkit."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A gate that does not hold. ``lasting`` ones no command mends."""

    code: str
    evidence: tuple[Evidence, ...]
    commands: tuple[Command, ...] = ()
    lasting: bool = False
    args: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        code: str,
        evidence: tuple[Evidence, ...],
        commands: tuple[Command, ...] = (),
        *,
        lasting: bool = False,
        **args: object,
    ) -> Fault:
        return cls(code, evidence, commands, lasting, arguments({"subject": "GPU", "detail": ""} | args))

    def finding(self, severity: Severity) -> Finding:
        return Finding(self.code, severity, "GPU", self.args, self.evidence, self.commands)


def nodes(facts: HostFacts, wish: Wish) -> Fault | None:
    """The nodes that CUDA opens; NVIDIA's hook makes them by itself, plain processes and CDI need them there."""
    gpu = facts.gpu
    if gpu.wsl.value or not gpu.nodes.known:
        return None
    hooked = wish.target != "local" and _hook(facts)
    if hooked or "nvidia-uvm" in (gpu.nodes.value or ()):
        return None
    commands = (as_root(facts.privileges, "nvidia-modprobe", "-u", "-c=0"),)
    return Fault.of("GPU-UVM", seen(gpu.nodes), commands, detail="no /dev/nvidia-uvm")


def find(facts: HostFacts, wish: Wish, uuids: tuple[str, ...]) -> DeviceRequest | Fault | None:
    """The request for these cards (all when empty) in the form that this engine understands; None for plain processes.

    A reservation is understood by every Compose; ``gpus: all`` is never used, because old ones ignore it silently.
    """
    if wish.target == "local":
        return None
    required = wish.device == "cuda"
    if fault := _elsewhere(facts):
        return fault
    folders = facts.route.cdi_folders.value
    devices = facts.route.cdi_devices.value or ()
    cdi = bool(folders) and bool(devices)
    if facts.engine.rootless.value and cdi:
        return _by_cdi(facts, uuids, required=required)
    if _hook(facts) or not facts.route.toolkit.known or facts.engine.kind.value == "docker-desktop":
        return DeviceRequest(RequestKind.RESERVATION, uuids, required)
    if cdi:
        return _by_cdi(facts, uuids, required=required)
    if "nvidia" in (facts.route.runtimes.value or ()):
        return DeviceRequest(RequestKind.RUNTIME, uuids, required)
    return _barred(facts)


def assumed(wish: Wish) -> DeviceRequest | None:
    """The request where nothing is known of the host."""
    if wish.target == "local":
        return None
    return DeviceRequest(RequestKind.RESERVATION, wish.gpus, required=True)


def _hook(facts: HostFacts) -> bool:
    """Whether the engine has a driver of its own for NVIDIA's cards: by the old hook, or by CDI since 29.2."""
    programs = facts.route.toolkit.value or ()
    if "nvidia-container-runtime-hook" in programs:
        return True
    floor = table("compat")["floors"]["cdi_reservation"]
    return "nvidia-cdi-hook" in programs and at_least(facts.engine.version.value or "", floor)


def _by_cdi(facts: HostFacts, uuids: tuple[str, ...], *, required: bool) -> DeviceRequest | Fault:
    """By names that are defined: UUIDs where the specification has them, else the driver's order."""
    defined = facts.route.cdi_devices.value or ()
    order = [one.uuid for one in facts.gpu.devices.value or ()]
    if not uuids and _ALL in defined:
        return DeviceRequest(RequestKind.CDI, (_ALL,), required)
    wanted = []
    for uuid in uuids or order:
        names = [f"nvidia.com/gpu={uuid}", *([f"nvidia.com/gpu={order.index(uuid)}"] if uuid in order else [])]
        name = next((one for one in names if one in defined), None)
        if name is None:
            commands = (as_root(facts.privileges, "nvidia-ctk", "cdi", "generate", "--output=/etc/cdi/nvidia.yaml"),)
            return Fault.of("GPU-CDI-STALE", seen(facts.route.cdi_devices), commands, wanted=uuid)
        wanted.append(name)
    return DeviceRequest(RequestKind.CDI, tuple(wanted), required)


def _elsewhere(facts: HostFacts) -> Fault | None:
    """Engines that cannot hand this machine's cards in, whatever is installed here."""
    engine = facts.engine
    if engine.package.value == "snap":
        commands = (as_root(facts.privileges, "snap", "remove", "docker"), ("deploykit", "up"))
        return Fault.of("GPU-SNAP", seen(engine.package), commands)
    if engine.kind.value == "docker-desktop" and not facts.gpu.wsl.value:
        return Fault.of("GPU-ENGINE-ELSEWHERE", seen(engine.kind))
    address = engine.endpoint.value
    if address is not None and not address.startswith("unix://"):
        return Fault.of("GPU-ENGINE-ELSEWHERE", seen(engine.endpoint))
    return None


def _barred(facts: HostFacts) -> Fault:
    route, rights = facts.route, facts.privileges
    evidence = seen(route.runtimes, route.cdi_folders, route.toolkit)
    systemd = facts.platform.init.value == "systemd"
    restart = ("systemctl", "restart", "docker") if systemd else ("service", "docker", "restart")
    register = (
        as_root(rights, "nvidia-ctk", "runtime", "configure", "--runtime=docker"),
        as_root(rights, *restart),
    )
    if route.toolkit.value:
        return Fault.of("GPU-TOOLKIT-UNUSED", evidence, register)
    platform = facts.platform
    installers = (_INSTALLERS.get(name) for name in (platform.distribution.value or "", *(platform.like.value or ())))
    install = tuple(as_root(rights, *words, _TOOLKIT) for words in installers if words is not None)[:1]
    known = facts.engine.state.value is EngineState.READY
    return Fault.of("GPU-NO-TOOLKIT", evidence, (*install, *register) if known else install)
