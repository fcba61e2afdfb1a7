"""Looking at a Kubernetes cluster through kubectl and helm. Reads only, and never raises for what a cluster does."""

from deploy_kit.detect.site.cluster.look import observe

__all__ = ["observe"]
