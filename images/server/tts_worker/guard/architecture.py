"""Which code a card runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from deploy_kit.data import table

Version = tuple[int, int]


def runs(capability: str, sass: Iterable[str], ptx: Iterable[str] = ()) -> bool:
    """Whether a card of this compute capability runs one of the compiled architectures (``8.6`` say).

    Compiled code for X.y runs on X.z with z >= y; some cards only run exactly their own. Intermediate code (PTX) runs
    on every card that is not older.
    """
    card, exact = _version(capability), table("matrix")["exact"]
    return any(_fits(capability, card, code, exact) for code in sass) or any(card >= _version(code) for code in ptx)


def of_torch(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Compiled and intermediate architectures as torch lists them: ``sm_86`` and ``compute_120``; 8.6 is compiled."""
    compiled: list[str] = []
    intermediate: list[str] = []
    for name in names:
        if "." in name:
            compiled.append(name)
            continue
        kind, _, digits = name.partition("_")
        number = digits.rstrip("af")
        if number.isdecimal():
            (compiled if kind == "sm" else intermediate).append(f"{number[:-1]}.{number[-1]}")
    return compiled, intermediate


def _fits(capability: str, card: Version, code: str, exact: Collection[str]) -> bool:
    if capability in exact or code in exact:
        return capability == code
    major, minor = _version(code)
    return major == card[0] and minor <= card[1]


def _version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor)
