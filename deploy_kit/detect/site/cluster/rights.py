"""What we may do in a namespace, as the server's own authorisers answer it."""

from __future__ import annotations

import json
from typing import Any

from deploy_kit.data import table
from deploy_kit.detect.site.cluster.ask import Cluster, objects

_VERSION = "authorization.k8s.io/v1"
_OF_THE_CLUSTER = ("namespaces", "nodes")


def observe(cluster: Cluster, namespace: str) -> dict[str, bool]:
    """Each right of the table, by its name; raises NoAnswer.

    All questions go through one kubectl: nothing is created, the server only answers.
    """
    items = [_question(row["right"], namespace) for row in table("kubernetes")["rights"]]
    asked = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    text = cluster.kubectl("create", "--filename", "-", "--validate=false", "--output", "json", input=asked)
    answers = [one for found in objects(text) for one in (found["items"] if found["kind"] == "List" else [found])]
    return {_name(one["spec"]["resourceAttributes"]): bool(one["status"].get("allowed")) for one in answers}


def _question(right: str, namespace: str) -> dict[str, Any]:
    verb, _, what = right.partition(" ")
    whole, _, group = what.partition(".")
    kind, _, part = whole.partition("/")
    wanted = {"verb": verb, "resource": kind, "group": group, "subresource": part}
    wanted |= {} if kind in _OF_THE_CLUSTER else {"namespace": namespace}
    return {
        "apiVersion": _VERSION,
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {name: text for name, text in wanted.items() if text}},
    }


def _name(asked: dict[str, str]) -> str:
    """``create deployments.apps``, ``get pods/log``."""
    whole = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
    return f"{asked['verb']} {'.'.join(filter(None, (whole, asked.get('group'))))}"
