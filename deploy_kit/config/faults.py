"""Findings about what the user wrote."""

from __future__ import annotations

from collections.abc import Mapping

from deploy_kit.findings import Finding, Severity


def fault(code: str, place: str, args: Mapping[str, object]) -> Finding:
    """A blocking finding about a place (``deploykit.yaml:3``, ``--listen``, ``DEPLOYKIT_LISTEN``)."""
    values = {"subject": place} | {name: str(value) for name, value in args.items()}
    return Finding(code, Severity.BLOCKER, place, tuple(sorted(values.items())))
