"""Cards by CDI: whether the specifications can be used, and the names to ask for."""

from __future__ import annotations

from deploy_kit.compat import remedies
from deploy_kit.compat.devices import Unit
from deploy_kit.compat.evidence import seen
from deploy_kit.compat.fault import Command, Fault
from deploy_kit.compat.rights import as_root
from deploy_kit.compat.verdict import DeviceRequest, RequestKind
from deploy_kit.compat.versions import at_least, numbers
from deploy_kit.data import table
from deploy_kit.facts import CdiSpec, HostFacts
from deploy_kit.findings import Evidence

_ALL = "nvidia.com/gpu=all"
_VENDOR = "nvidia.com/gpu="
_REFRESHED = "/var/run/cdi/nvidia.yaml"
_SHOWN = 3


def there(facts: HostFacts) -> bool:
    """Whether the engine reads specifications, and these name a card of NVIDIA's."""
    return bool(facts.route.cdi_folders.value) and bool(facts.route.cdi_devices.value)


def wanted(facts: HostFacts) -> bool:
    """Whether the engine reads specifications and there are some, be they fit or not."""
    return bool(facts.route.cdi_folders.value) and bool(facts.route.cdi_devices.value or facts.route.specs.value)


def request(facts: HostFacts, units: tuple[Unit, ...], *, named: bool, required: bool) -> DeviceRequest | Fault:
    """By names that are defined: UUIDs where the specification has them, else the driver's order."""
    if fault := unfit(facts):
        return fault
    defined = facts.route.cdi_devices.value or ()
    if not named and _ALL in defined:
        return DeviceRequest(RequestKind.CDI, (_ALL,), required)
    found = []
    for unit in units:
        name = next((one for one in _names(facts, unit) if one in defined), None)
        if name is None:
            return _stale(facts, seen(facts.route.cdi_devices), unit.uuid)
        found.append(name)
    return DeviceRequest(RequestKind.CDI, tuple(found), required)


def unfit(facts: HostFacts) -> Fault | None:
    """What keeps the engine from using the specifications; None where nothing is known against them."""
    specs = facts.route.specs.value or ()
    broken = [spec for spec in specs if spec.trouble]
    if broken and len(broken) == len(specs):
        evidence = tuple(Evidence(spec.path, spec.trouble) for spec in broken)
        return Fault.of("GPU-CDI-BROKEN", evidence, _anew(facts, broken[0].path), detail=broken[0].trouble)
    sound = [spec for spec in specs if not spec.trouble]
    return _too_new(facts, sound) or _outdated(facts, sound)


def _too_new(facts: HostFacts, specs: list[CdiSpec]) -> Fault | None:
    """A format that this engine does not read: it passes such a file by without a word."""
    engine = facts.engine.version.value
    for spec in specs:
        floor = _floor(spec.version)
        if engine and floor and not at_least(engine, floor):
            evidence = (Evidence(spec.path, f"cdiVersion {spec.version}"), *seen(facts.engine.version))
            flag = "--feature-flag=no-additional-gids-for-device-nodes"
            return Fault.of("GPU-CDI-TOO-NEW", evidence, _anew(facts, spec.path, flag), version=spec.version,
                            floor=floor, engine=engine)  # fmt: skip
    return None


def _floor(version: str | None) -> str | None:
    """The lowest engine that reads a format of this version."""
    floors = {spec: engine for spec, engine in table("compat")["cdi"].items() if version and at_least(version, spec)}
    return max(floors.values(), key=numbers, default=None)


def _outdated(facts: HostFacts, specs: list[CdiSpec]) -> Fault | None:
    driver = facts.gpu.module.value or facts.gpu.driver.value
    for spec in specs:
        if driver and spec.drivers and driver not in spec.drivers:
            return _stale(facts, _written(spec, f"{', '.join(spec.drivers)} ≠ {driver}"), ", ".join(spec.drivers), spec)
        if spec.missing:
            return _stale(facts, _written(spec, ", ".join(spec.missing[:_SHOWN])), spec.missing[0], spec)
    return None


def _written(spec: CdiSpec, text: str) -> tuple[Evidence, ...]:
    return (Evidence(spec.path, text),)


def _stale(facts: HostFacts, evidence: tuple[Evidence, ...], what: str, spec: CdiSpec | None = None) -> Fault:
    path = spec.path if spec else "/etc/cdi/nvidia.yaml"
    return Fault.of("GPU-CDI-STALE", evidence, _anew(facts, path), wanted=what)


def _anew(facts: HostFacts, path: str, *flags: str) -> tuple[Command, ...]:
    """By the service that looks after the file where there is one, else by hand."""
    rights = facts.privileges
    if facts.route.refresh.value and path.endswith(_REFRESHED.rsplit("/run", 1)[-1]) and not flags:
        return (as_root(rights, "systemctl", "restart", "nvidia-cdi-refresh.service"),)
    generate = as_root(rights, "nvidia-ctk", "cdi", "generate", f"--output={path}", *flags)
    told = facts.route.cdi_devices.source.startswith("/") or not facts.engine.version.value
    return (generate,) if told else (generate, remedies.restart_engine(facts))


def _names(facts: HostFacts, unit: Unit) -> tuple[str, ...]:
    """The names under which a specification may define a unit, the surest first."""
    index = [one.uuid for one in facts.gpu.devices.value or ()].index(unit.card.uuid)
    if not unit.sliced:
        return tuple(f"{_VENDOR}{name}" for name in (unit.uuid, index, f"gpu{index}"))
    place = [one.uuid for one in unit.card.slices].index(unit.uuid)
    return tuple(f"{_VENDOR}{name}" for name in (unit.uuid, f"{index}:{place}", f"mig{index}:{place}"))
