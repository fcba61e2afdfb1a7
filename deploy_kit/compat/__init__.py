"""What the facts of a host allow: pure rules over facts and tables."""

from deploy_kit.compat.packages import PURPOSES, PackagePlan, packages_for

__all__ = ["PURPOSES", "PackagePlan", "packages_for"]
