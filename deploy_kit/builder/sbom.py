"""The bill of materials of an image, from what its own package databases say: CycloneDX 1.5, as JSON.

The engine's builder refuses attestations, so this stands beside the image. Equal images give equal documents.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from urllib.parse import quote

from deploy_kit import codec, proc
from deploy_kit.errors import fail
from deploy_kit.tools import docker

_SECONDS = 60.0
_NAMESPACE = uuid.UUID("6f9c0f2e-6d0b-5f0e-9a44-0d9c0b8a3f51")
_PYTHON = "/opt/deploykit/server/bin/python"
_ENGINE = "/opt/deploykit/engine/lib/python3.11/site-packages"
_INVENTORY = r"""
import importlib.metadata, json, os, subprocess
form = "${Package}\t${Version}\t${Architecture}\n"
rows = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout.splitlines()
found = {}
places = [*importlib.metadata.distributions(), *importlib.metadata.distributions(path=["ENGINE"])]
for one in places:
    data = one.metadata
    found[data["Name"], one.version] = [data["Name"], one.version, data["License-Expression"] or ""]
source = None
if os.path.exists("ENGINE/../../../deploykit.json"):
    facts = json.load(open("ENGINE/../../../deploykit.json"))
    source = [facts["source"]["commit"] or "", facts["source"]["digest"], facts["stand_in"]]
release = dict(line.split("=", 1) for line in open("/etc/os-release").read().splitlines() if "=" in line)
print(json.dumps({
    "distribution": release["ID"].strip('"'),
    "system": [row.split("\t") for row in rows],
    "python": sorted(found.values()),
    "engine": source,
}))
""".replace("ENGINE", _ENGINE)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an image holds: Debian packages as (name, version, architecture), Python's as (name, version, licence).

    ``engine`` is the source of IndexTTS: commit (empty when it is not the pinned one), digest, whether it stands in.
    """

    distribution: str
    system: tuple[tuple[str, str, str], ...]
    python: tuple[tuple[str, str, str], ...]
    engine: tuple[str, str, bool] | None = None


def describe(reference: str) -> str:
    """The bill of materials of a local image; a container without network and rights reads the databases.

    Raises:
        Failure: BUILD-SBOM-FAILED, when there is no such image or it does not answer.
    """
    image = docker.image(reference)
    if image is None:
        raise fail("BUILD-SBOM-FAILED", reference, reason="no such image")
    options = ("--rm", "--network=none", "--read-only", "--cap-drop=ALL", f"--entrypoint={_PYTHON}")
    try:
        said = docker.call("run", *options, image.id, "-I", "-c", _INVENTORY, timeout=_SECONDS).stdout
        inventory = codec.loads(Inventory, said)
    except (proc.CommandError, codec.CodecError) as error:
        raise fail("BUILD-SBOM-FAILED", reference, reason=error) from error
    return document(inventory, reference, image)


def document(inventory: Inventory, reference: str, image: docker.ImageInfo) -> str:
    """The CycloneDX text of an inventory."""
    inside = [*_debian(inventory), *_pypi(inventory), *_engine(inventory)]
    whole = {"type": "container", "bom-ref": image.id, "name": reference, "version": image.id}
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, image.id)}",
        "version": 1,
        "metadata": {
            "timestamp": image.created,
            "tools": {"components": [{"type": "application", "name": "deploykit"}]},
            "component": whole,
        },
        "components": inside,
        "dependencies": [{"ref": image.id, "dependsOn": [component["bom-ref"] for component in inside]}],
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _debian(inventory: Inventory) -> list[dict[str, object]]:
    kind = f"pkg:deb/{inventory.distribution}"
    return [
        _component(name, version, f"{kind}/{quote(name, safe='')}@{quote(version, safe='')}?arch={architecture}")
        for name, version, architecture in sorted(inventory.system)
    ]


def _pypi(inventory: Inventory) -> list[dict[str, object]]:
    found = []
    for name, version, licence in sorted(inventory.python):
        normal = name.lower().replace("_", "-").replace(".", "-")
        component = _component(name, version, f"pkg:pypi/{quote(normal, safe='')}@{quote(version, safe='')}")
        found.append(component | ({"licenses": [{"expression": licence}]} if licence else {}))
    return found


def _engine(inventory: Inventory) -> list[dict[str, object]]:
    if inventory.engine is None:
        return []
    commit, digest, stands_in = inventory.engine
    name = "indextts-stand-in" if stands_in else "index-tts"
    version = commit or f"unlocked-{digest[:12]}"
    component = _component(name, version, f"pkg:generic/{name}@{version}?checksum=sha256:{digest}")
    terms = {} if stands_in else {"licenses": [{"license": {"name": "bilibili Model Use License Agreement"}}]}
    return [component | terms]


def _component(name: str, version: str, purl: str) -> dict[str, object]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
