"""The facts of a plain Debian host with an engine, where only what a test names is of interest."""

from __future__ import annotations

import dataclasses

from deploy_kit.facts import (
    SCHEMA,
    EngineFacts,
    Fact,
    HostFacts,
    MemoryFacts,
    PlatformFacts,
    PortFacts,
    PrivilegeFacts,
    SiteFacts,
    known,
    unknown,
)


def facts(
    *,
    endpoint: str = "unix:///var/run/docker.sock",
    mirrors: tuple[str, ...] = (),
    uid: int = 0,
    sudo: bool = True,
    site: SiteFacts | None = None,
) -> HostFacts:
    """Debian 12 on x86_64 as root; everything not named is unknown."""
    platform = dataclasses.replace(
        PlatformFacts(*(_open() for _ in dataclasses.fields(PlatformFacts))),
        machine=_seen("x86_64"),
        distribution=_seen("debian"),
        version=_seen("12"),
        codename=_seen("bookworm"),
    )
    engine = dataclasses.replace(
        EngineFacts(*(_open() for _ in dataclasses.fields(EngineFacts))),
        endpoint=_seen(endpoint),
        mirrors=_seen(mirrors),
    )
    return HostFacts(
        SCHEMA,
        platform,
        PrivilegeFacts(_seen(uid), _seen(sudo), _seen(True)),
        engine,
        MemoryFacts(_open(), _open(), _open()),
        (),
        PortFacts("127.0.0.1", 7860, _open(), _open()),
        site or SiteFacts(_seen({}), _seen(None), _seen({})),
    )


def _seen(value):
    return known(value, "test")


def _open() -> Fact:
    return unknown("test", "of no interest")
