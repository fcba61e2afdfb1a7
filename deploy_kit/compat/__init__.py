"""What the facts of a host allow: pure rules over facts and tables."""

from deploy_kit.compat.judge import build_bytes, judge
from deploy_kit.compat.packages import PURPOSES, PackagePlan, packages_for
from deploy_kit.compat.verdict import DeviceRequest, EngineSetup, RequestKind, Verdict, Wish

__all__ = [
    "PURPOSES",
    "DeviceRequest",
    "EngineSetup",
    "PackagePlan",
    "RequestKind",
    "Verdict",
    "Wish",
    "build_bytes",
    "judge",
    "packages_for",
]
