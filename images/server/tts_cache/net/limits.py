"""How long to be patient, and with what."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from deploy_kit import data


@dataclass(frozen=True, slots=True)
class Limits:
    """``reserve_bytes`` stay free on the disk; ``silence_seconds`` without a byte is a cut; less than ``slow_bytes`` a
    second over ``slow_seconds`` is too slow; ``patience_seconds`` is the longest wait a source may ask for."""

    reserve_bytes: int
    silence_seconds: float
    slow_bytes: int
    slow_seconds: float
    patience_seconds: float
    probe_seconds: float
    probe_bytes: int

    @classmethod
    def usual(cls, changes: str = "") -> Limits:
        """The limits of ``data/hubs.json``, with changes as ``name=value,…``.

        Raises:
            ValueError: A change that names no limit, or whose value is no number.
        """
        usual = cls(**data.table("hubs")["limits"])
        known = {field.name for field in fields(cls)}
        for change in filter(None, changes.split(",")):
            name, _, value = change.partition("=")
            if name not in known:
                raise ValueError(f"no such limit: {name}")
            kind = type(getattr(usual, name))
            usual = replace(usual, **{name: kind(float(value))})
        return usual
