"""A Kubernetes cluster: what was observed of it, and what that allows. Pure: `deploy_kit.detect.site.cluster` looks."""
