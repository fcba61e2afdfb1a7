"""A Kubernetes cluster: what was observed of it, and what that allows. Pure: `deploy_kit.detect.site.cluster` looks."""

from deploy_kit.cluster.judge import judge
from deploy_kit.cluster.verdict import ClusterVerdict, Pool, Wish

__all__ = ["ClusterVerdict", "Pool", "Wish", "judge"]
