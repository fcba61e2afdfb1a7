"""Flags over environment over file over defaults, joined into one `Request`; the origin of each value is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deploy_kit.config.faults import fault
from deploy_kit.config.matrix import read as read_matrix
from deploy_kit.config.request import BuildSettings, Kubernetes, Listen, Request, Weights
from deploy_kit.config.table import OTHER_VARIABLES, PREFIX, settings
from deploy_kit.config.values import Refused, Value, near_label, nearest, parse
from deploy_kit.errors import Failure
from deploy_kit.findings import Finding, Severity
from deploy_kit.redact import has_credentials

T = TypeVar("T")

FILE_NAME = "deploykit.yaml"
DEFAULT = "default"
_LONGEST_SHOWN = 200
_LONGEST_RELEASE = 53
"""Of Helm, so that what is made of the name fits into a label."""
_CHINESE_ZONES = ("Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "Asia/Urumqi", "PRC")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A complete wish.

    ``locale`` is ``en`` or ``zh``; ``origins`` maps each key to ``default``, ``deploykit.yaml:3``, ``DEPLOYKIT_LISTEN``
    or ``--listen``; ``findings`` are warnings about what was given and ignored.
    """

    request: Request
    locale: str
    origins: Mapping[str, str]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Given:
    """One setting from one source. ``layer`` is its rank, ``base`` the folder that relative paths start from."""

    key: str
    raw: str | tuple[str, ...]
    origin: str
    layer: int
    base: Path


def find(flag: str | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    """The config file: by flag or ``DEPLOYKIT_CONFIG``, else ``deploykit.yaml`` in ``folder``, else None."""
    if asked := flag or environment.get("DEPLOYKIT_CONFIG"):
        return Path(asked)
    usual = folder / FILE_NAME
    return usual if os.path.lexists(usual) else None


def load(
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    file: Path | None,
    *,
    folder: Path | None = None,
    timezone: str | None = None,
) -> Loaded:
    """Read everything the user said.

    Args:
        flags: Values by key (``limits.memory``); text, or a sequence of texts for a list. None counts as not given.
        environment: Where ``DEPLOYKIT_…`` names and the locale are looked up.
        file: The config file, which must exist; None for none.
        folder: Where relative paths of flags and environment start; the working directory by default.
        timezone: The host's time zone, used by ``region: auto``; asked of the host when None.

    Raises:
        Failure: Something is wrong with file, keys or values: every fault at once, exit code 2; CONFIG-MATRIX-FILE.
    """
    here = folder or Path.cwd()
    faults: list[Finding] = []
    given = list(_from_file(file, faults)) if file else []
    given += _from_environment(environment, here)
    given += _from_flags(flags, here)
    values, origins = _join(given, faults)
    if faults:
        raise Failure(*faults)
    request = _request(values, timezone if timezone is not None else _timezone(environment))
    return Loaded(request, _locale(str(values["locale"]), environment), origins, tuple(_unknown_variables(environment)))


def _from_file(file: Path, faults: list[Finding]) -> Iterator[_Given]:
    from deploy_kit.config import document

    entries, findings = document.read(file)
    faults.extend(findings)
    for entry in entries:
        yield _Given(entry.key, entry.raw, f"{file}:{entry.line}", 1, file.absolute().parent)


def _from_environment(environment: Mapping[str, str], folder: Path) -> Iterator[_Given]:
    for setting in settings().values():
        if text := environment.get(setting.variable):  # an empty variable counts as unset, as compose files pass them
            yield _Given(setting.key, text, setting.variable, 2, folder)


def _from_flags(flags: Mapping[str, object], folder: Path) -> Iterator[_Given]:
    for key, value in flags.items():
        if value is None:
            continue
        raw = tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else str(value)
        if isinstance(raw, tuple):
            raw = ",".join(raw)
        yield _Given(key, raw, settings()[key].flag, 3, folder)


def _join(given: list[_Given], faults: list[Finding]) -> tuple[dict[str, Value | None], dict[str, str]]:
    values: dict[str, Value | None] = {}
    origins: dict[str, str] = {}
    layers: dict[str, int] = {}
    for key, setting in settings().items():
        values[key] = None if setting.default is None else parse(setting, setting.default, Path("/"))
        origins[key] = DEFAULT
    for item in given:  # in order of rank, so that the last one wins
        try:
            values[item.key] = _value(item)
        except Refused as refusal:
            faults.append(_finding(item, refusal))
        origins[item.key], layers[item.key] = item.origin, item.layer
    if layers.get("cache.path") is not None and layers.get("cache.path") == layers.get("cache.volume"):
        faults.append(fault("CONFIG-CONFLICT", origins["cache.path"], {"a": "cache.volume", "b": "cache.path"}))
    if values["variant"] == "core" and values["engine"] != "espeak":
        faults.append(fault("CONFIG-CORE", origins["variant"], {"engine": values["engine"]}))
    if values["target"] == "local":
        faults.extend(_without_effect(origins))
    if values["target"] == "kubernetes":
        faults.extend(_no_release(str(values["name"]), origins))
    return values, origins


def _without_effect(origins: Mapping[str, str]) -> Iterator[Finding]:
    """What was asked of containers and images, where there are none."""
    given = [key for key, setting in settings().items() if setting.container and origins[key] != DEFAULT]
    if given:
        places = ", ".join(dict.fromkeys(origins[key] for key in given))
        yield fault("CONFIG-LOCAL", places, {"keys": ", ".join(given)})


def _no_release(name: str, origins: Mapping[str, str]) -> Iterator[Finding]:
    """The name stands for a release of Helm, which takes fewer names than Docker."""
    nearest_ = near_label(name, _LONGEST_RELEASE)
    if name != nearest_:
        yield fault("CONFIG-RELEASE", origins["name"], {"name": name, "nearest": nearest_, "longest": _LONGEST_RELEASE})


def _value(item: _Given) -> Value:
    value = parse(settings()[item.key], item.raw, item.base)
    if item.layer == 3 and isinstance(value, str) and has_credentials(value):
        raise Refused("CONFIG-SECRET-FLAG", variable=settings()[item.key].variable)
    return value


def _finding(item: _Given, refusal: Refused) -> Finding:
    shown = item.raw if isinstance(item.raw, str) else ", ".join(item.raw)
    if has_credentials(shown):
        shown = "…"
    if len(shown) > _LONGEST_SHOWN:
        shown = shown[:_LONGEST_SHOWN] + "…"
    args = {"key": item.key, "value": shown} | refusal.args_of_sentence
    return fault(refusal.code, item.origin, args)


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = {setting.variable for setting in settings().values()} | set(OTHER_VARIABLES)
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            yield Finding.of("CONFIG-VARIABLE", Severity.WARNING, name, nearest=nearest(name, tuple(sorted(known))))


def _locale(asked: str, environment: Mapping[str, str]) -> str:
    from deploy_kit.messages import locale_from

    return locale_from(environment) if asked == "auto" else asked


def _timezone(environment: Mapping[str, str]) -> str:
    if zone := environment.get("TZ"):
        return zone.lstrip(":")
    try:
        return str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2]
    except OSError:
        return ""


def _request(values: Mapping[str, Value | None], timezone: str) -> Request:
    region = str(values["region"])
    if region == "auto":
        region = "cn" if timezone in _CHINESE_ZONES else "global"
    matrix = None if values["matrix"] is None else read_matrix(Path(_as(str, values["matrix"])))
    return Request(
        name=_as(str, values["name"]),
        engine=_as(str, values["engine"]),
        device=_as(str, values["device"]),
        variant=_as(str, values["variant"]),
        target=_as(str, values["target"]),
        listen=_as(Listen, values["listen"]),
        cache_volume=_as(str, values["cache.volume"]),
        cache_path=_maybe(str, values["cache.path"]),
        region=region,
        memory=_maybe(int, values["limits.memory"]),
        pids=_maybe(int, values["limits.pids"]),
        cpus=_maybe(float, values["limits.cpus"]),
        drain_seconds=_as(float, values["service.drain_seconds"]),
        service=tuple(sorted((*_service(values), *_inside(values, matrix)))),
        api_key_file=_maybe(str, values["api_key_file"]),
        build=BuildSettings(
            base=_as(str, values["build.base"]),
            base_mirrors=tuple(_as(tuple, values["build.base_mirrors"])),
            apt_mirror=_maybe(str, values["build.apt_mirror"]),
            package_index=_maybe(str, values["build.package_index"]),
            ca_bundle=_maybe(str, values["build.ca_bundle"]),
            engine_source=_as(str, values["build.engine_source"]),
            torch_index=_maybe(str, values["build.torch_index"]),
        ),
        gpus=tuple(_as(tuple, values["gpus"])),
        weights=Weights(
            source=_as(str, values["weights.source"]),
            lock=_maybe(str, values["weights.lock"]),
            token_file=_maybe(str, values["weights.token_file"]),
        ),
        accept_license=_as(bool, values["accept_license"]),
        matrix=matrix,
        kubernetes=Kubernetes(
            context=_maybe(str, values["kubernetes.context"]),
            namespace=_maybe(str, values["kubernetes.namespace"]),
            kubeconfig=_maybe(str, values["kubernetes.kubeconfig"]),
        ),
    )


def _inside(values: Mapping[str, Value | None], matrix: str | None) -> Iterator[tuple[str, str]]:
    """The same table is judged by within the container."""
    if matrix is not None and values["engine"] != "espeak":
        yield "TTS_MATRIX", matrix


def _service(values: Mapping[str, Value | None]) -> Iterator[tuple[str, str]]:
    for setting in settings().values():
        value = values[setting.key]
        if setting.model and values["engine"] == "espeak":
            continue
        if setting.service_env and value is not None:
            yield setting.service_env, _text(value)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as(kind: type[T], value: object) -> T:
    assert isinstance(value, kind)
    return value


def _maybe(kind: type[T], value: object) -> T | None:
    return None if value is None else _as(kind, value)
