"""The way of a card into the service: device nodes, and the form in which this container engine is asked for it."""

from __future__ import annotations

from deploy_kit.compat import cdi, engine, remedies
from deploy_kit.compat.devices import Unit
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.fault import Command, Fault
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import DeviceRequest, RequestKind, Wish
from deploy_kit.compat.versions import at_least
from deploy_kit.data import table
from deploy_kit.facts import EngineState, HostFacts

_HOOKLESS = ("cdi", "csv")
"""Modes of NVIDIA's toolkit in which its hook refuses to be called by the engine."""


def nodes(facts: HostFacts, wish: Wish) -> Fault | None:
    """The nodes that CUDA opens; NVIDIA's hook makes them by itself, plain processes and CDI need them there."""
    gpu = facts.gpu
    if gpu.wsl.value or not gpu.nodes.known:
        return None
    if made_by_hook(facts, wish) or "nvidia-uvm" in (gpu.nodes.value or ()):
        return None
    if facts.platform.container.value == "lxc":
        return Fault.of("GPU-LXC", seen(gpu.nodes), detail=gpu.module.value or "?")
    commands = (as_root(facts.privileges, "nvidia-modprobe", "-u", "-c=0"),)
    return Fault.of("GPU-UVM", seen(gpu.nodes), commands, detail="no /dev/nvidia-uvm")


def made_by_hook(facts: HostFacts, wish: Wish) -> bool:
    """Whether device nodes are made when a container starts."""
    return wish.target != "local" and (_hook(facts) or _cdi_first(facts))


def find(facts: HostFacts, wish: Wish, units: tuple[Unit, ...], *, named: bool) -> DeviceRequest | Fault | None:
    """The request for these cards in the form that this engine understands; None for plain processes.

    A reservation is understood by every Compose; ``gpus: all`` is never used, because old ones ignore it silently.

    Args:
        named: The cards must be asked for one by one; else all of them are.
    """
    if wish.target == "local":
        return None
    required = wish.device == "cuda"
    uuids = tuple(one.uuid for one in units) if named else ()
    if engine.impossible(facts):  # which is said once, and no toolkit would change it
        return DeviceRequest(RequestKind.RESERVATION, uuids, required)
    if fault := _elsewhere(facts):
        return fault
    if not (facts.engine.rootless.value and cdi.there(facts)):
        if _hook(facts) or not facts.route.toolkit.known or facts.engine.kind.value == "docker-desktop":
            return DeviceRequest(RequestKind.RESERVATION, uuids, required)
        if _cdi_first(facts):
            return cdi.unfit(facts) or DeviceRequest(RequestKind.RESERVATION, uuids, required)
    named_by_cdi = cdi.request(facts, units, named=named, required=required) if cdi.wanted(facts) else None
    if isinstance(named_by_cdi, DeviceRequest):
        return named_by_cdi
    if _runtime(facts):
        return DeviceRequest(RequestKind.RUNTIME, uuids, required)
    return named_by_cdi or _confined(facts) or _barred(facts)


def by_hook(facts: HostFacts, request: DeviceRequest | None) -> bool:
    """Whether a card comes in behind the engine's back, so that the engine does not know of its device nodes."""
    if request is None or request.kind is RequestKind.CDI or facts.gpu.wsl.value:
        return False
    if request.kind is RequestKind.RUNTIME:
        return facts.route.mode.value not in _HOOKLESS
    return _hook(facts) and not _cdi_first(facts)


def assumed(wish: Wish) -> DeviceRequest | None:
    """The request where nothing is known of the host."""
    if wish.target == "local":
        return None
    return DeviceRequest(RequestKind.RESERVATION, wish.gpus, required=True)


def _hook(facts: HostFacts) -> bool:
    """Whether the engine can call NVIDIA's hook, and the hook may do its work."""
    programs = facts.route.toolkit.value or ()
    if "nvidia-container-runtime-hook" not in programs or facts.route.mode.value in _HOOKLESS:
        return False
    return not _without_rights(facts)


def _without_rights(facts: HostFacts) -> bool:
    """The hook would write rules for devices into control groups that belong to somebody else."""
    confined = facts.engine.rootless.value or facts.platform.container.value == "lxc"
    return bool(confined) and facts.route.no_cgroups.known and not facts.route.no_cgroups.value


def _cdi_first(facts: HostFacts) -> bool:
    """Engines that serve a reservation by CDI."""
    floor = table("compat")["floors"]["cdi_reservation"]
    programs = facts.route.toolkit.value or ()
    return "nvidia-cdi-hook" in programs and at_least(facts.engine.version.value or "", floor)


def _runtime(facts: HostFacts) -> bool:
    by_cdi = facts.route.mode.value in _HOOKLESS
    return "nvidia" in (facts.route.runtimes.value or ()) and (by_cdi or not _without_rights(facts))


def _elsewhere(facts: HostFacts) -> Fault | None:
    """Engines that cannot hand this machine's cards in, whatever is installed here."""
    there = facts.engine
    if there.package.value == "snap":
        commands = (as_root(facts.privileges, "snap", "remove", "docker"), ("deploykit", "up"))
        return Fault.of("GPU-SNAP", seen(there.package), commands)
    if there.kind.value == "docker-desktop" and not facts.gpu.wsl.value:
        return Fault.of("GPU-ENGINE-ELSEWHERE", seen(there.kind))
    address = there.endpoint.value
    if address is not None and not address.startswith("unix://"):
        return Fault.of("GPU-ENGINE-ELSEWHERE", seen(there.endpoint))
    return None


def _confined(facts: HostFacts) -> Fault | None:
    """A hook that lacks the rights for its work: it can be told to leave control groups alone."""
    if "nvidia-container-runtime-hook" not in (facts.route.toolkit.value or ()) or not _without_rights(facts):
        return None
    rights = facts.privileges
    tell = as_root(rights, "nvidia-ctk", "config", "--in-place", "--set", "nvidia-container-cli.no-cgroups=true")
    rootless = bool(facts.engine.rootless.value)
    commands = (tell, ("systemctl", "--user", "restart", "docker") if rootless else remedies.restart_engine(facts))
    evidence = seen(facts.engine.rootless if rootless else facts.platform.container, facts.route.no_cgroups)
    return Fault.of("GPU-NO-CGROUPS", evidence, commands)


def _barred(facts: HostFacts) -> Fault:
    route, rights = facts.route, facts.privileges
    evidence = seen(route.runtimes, route.cdi_folders, route.toolkit)
    register: tuple[Command, ...] = (
        as_root(rights, "nvidia-ctk", "runtime", "configure", "--runtime=docker"),
        remedies.restart_engine(facts),
    )
    if facts.engine.rootless.value:
        register = _rootless(facts)
    if route.toolkit.value:
        return Fault.of("GPU-TOOLKIT-UNUSED", evidence, register)
    install = remedies.commands(facts, "toolkit")
    known = facts.engine.state.value is EngineState.READY
    return Fault.of("GPU-NO-TOOLKIT", evidence, (*install, *register) if known else install)


def _rootless(facts: HostFacts) -> tuple[Command, ...]:
    """The engine of a user alone: it reads CDI's usual folder, and has a configuration of its own."""
    generate = as_root(facts.privileges, "nvidia-ctk", "cdi", "generate", "--output=/etc/cdi/nvidia.yaml")
    config = "--config=$HOME/.config/docker/daemon.json"
    enable = ("nvidia-ctk", "runtime", "configure", "--runtime=docker", config, "--cdi.enabled")
    restart = ("systemctl", "--user", "restart", "docker")
    return (generate, restart) if facts.route.cdi_folders.value else (generate, enable, restart)
