"""Which facts of a cluster stand together on its page, and in which order."""

from __future__ import annotations

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cluster", ("context", "server", "version", "kubectl", "helm", "groups*")),
    ("namespace", ("namespace", "rights", "release", "quotas", "limits", "claims")),
    ("nodes", ("nodes", "daemons", "runtime_classes", "device_classes", "slices")),
    ("storage", ("storage_classes",)),
)
"""Group to its facts; those with a star are shown to who asks for everything."""
