"""What a node's labels, resources and DRA slices tell of its cards."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy_kit.cluster.facts import NodeFacts, SliceFacts
from deploy_kit.compat.versions import numbers
from deploy_kit.data import table

_MIB = 1 << 20
_GB = 10**9
_GFD = "nvidia.com/"


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards of a node, all alike: name, compute capability (``8.9``), driver, memory in bytes, ``sharing`` (none,
    time-slicing, mps), how many share one; empty or 0 where nothing tells it. ``guessed``: the capability comes from
    the name alone."""

    product: str = ""
    capability: str = ""
    driver: str = ""
    memory: int = 0
    sharing: str = "none"
    replicas: int = 1
    guessed: bool = False


def windows(node: NodeFacts) -> bool:
    """Whether a node runs Windows: its containers are others than ours."""
    return node.labels.get("kubernetes.io/os") == "windows" or node.system.startswith("Windows")


def nvidia(node: NodeFacts) -> bool:
    """Whether anything says that the node has one of NVIDIA's cards."""
    rows = table("kubernetes")["labels"]["nvidia"]
    labelled = any(re.search(row["value"], node.labels.get(row["key"], "")) for row in rows)
    return labelled or bool(resources(node)) or bool(_by_instance(node))


def resources(node: NodeFacts) -> tuple[str, ...]:
    """The names of NVIDIA's resources that the node has any of, sorted."""
    patterns = table("kubernetes")["resources"]
    found = (name for name, count in node.capacity.items() if count > 0)
    return tuple(sorted(name for name in found if any(re.search(one, name) for one in patterns)))


def others(node: NodeFacts) -> tuple[str, ...]:
    """The resources of other makers' accelerators."""
    patterns = table("kubernetes")["other_makers"]
    found = (name for name, count in node.capacity.items() if count > 0)
    return tuple(sorted(name for name in found if any(re.search(one, name) for one in patterns)))


def read(node: NodeFacts, offer: SliceFacts | None = None) -> Cards:
    """The cards of a node; what a DRA driver tells of them counts before the labels."""
    product = _attribute(offer, "productName") or _product(node) or _by_instance(node)
    told = _attribute(offer, "cudaComputeCapability") or _capability(node)
    capability = ".".join(map(str, numbers(told)[:2])) if len(numbers(told)) > 1 else ""
    guess = "" if capability else guess_capability(product)
    return Cards(
        product,
        capability or guess,
        _attribute(offer, "driverVersion") or _driver(node),
        _number(_attribute(offer, "memory")) or _number(node.labels.get(f"{_GFD}gpu.memory", "")) * _MIB,
        _sharing(node, product),
        max(_number(node.labels.get(f"{_GFD}gpu.replicas", "")), 1),
        bool(guess),
    )


def guess_capability(product: str) -> str:
    """The compute capability of a card by its name as labels spell it, empty for names that no row knows."""
    name = re.sub(r"[ _]+", "-", product.lower())
    rows = table("kubernetes")["cards"]
    return next((str(row["capability"]) for row in rows if name and re.search(row["pattern"], name)), "")


def slice_bytes(resource: str) -> int:
    """The memory of a MIG slice by its resource's name (``nvidia.com/mig-1g.10gb``); 0 for other names."""
    match = re.search(r"mig-\d+g\.(\d+)gb", resource)
    return int(match.group(1)) * _GB if match else 0


def _product(node: NodeFacts) -> str:
    return next((node.labels[key] for key in table("kubernetes")["labels"]["product"] if node.labels.get(key)), "")


def _by_instance(node: NodeFacts) -> str:
    book = table("kubernetes")
    kind = next((node.labels[key] for key in book["labels"]["instance"] if node.labels.get(key)), "")
    return next((str(row["product"]) for row in book["instances"] if re.search(row["pattern"], kind)), "")


def _capability(node: NodeFacts) -> str:
    major, minor = (node.labels.get(f"{_GFD}gpu.compute.{part}", "") for part in ("major", "minor"))
    return f"{major}.{minor}"


def _driver(node: NodeFacts) -> str:
    """Whole, or from its parts; the older names of the labels as well."""
    whole = node.labels.get(f"{_GFD}cuda.driver-version.full", "")
    if numbers(whole):
        return whole
    for names in (("driver-version.major", "driver-version.minor", "driver-version.revision"),
                  ("driver.major", "driver.minor", "driver.rev")):  # fmt: skip
        parts = [node.labels.get(f"{_GFD}cuda.{name}", "") for name in names]
        if numbers(parts[0]):
            return ".".join(part for part in parts if part)
    return ""


def _sharing(node: NodeFacts, product: str) -> str:
    told = node.labels.get(f"{_GFD}gpu.sharing-strategy", "")
    if told in ("time-slicing", "mps"):
        return told
    renamed = any(name.endswith(".shared") for name in resources(node))
    return "time-slicing" if renamed or product.endswith("-SHARED") else "none"


def _attribute(offer: SliceFacts | None, name: str) -> str:
    """An attribute, whether or not the driver's name stands before it."""
    found = offer.attributes.items() if offer is not None else ()
    return next((value for key, value in found if key.rpartition("/")[2] == name), "")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
