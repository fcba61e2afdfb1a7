"""How a Kubernetes cluster is shown: a page, JSON, and a table of several."""
