"""The bill of materials, from an inventory."""

from __future__ import annotations

import json

from deploy_kit.builder import sbom
from deploy_kit.tools.docker import ImageInfo

IMAGE = ImageInfo("sha256:" + "a" * 64, 1, "2026-01-01T00:00:00Z", {})
INVENTORY = sbom.Inventory(
    "debian",
    (("tini", "0.19.0-1", "amd64"), ("libstdc++6", "12.2.0-14+deb12u1", "amd64")),
    (("typing_extensions", "4.16.0", "PSF-2.0"), ("Jinja2", "3.1.6", "")),
)


def components() -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(sbom.document(INVENTORY, "x:1", IMAGE))["components"]}


def test_every_package_has_a_url_of_its_own_kind() -> None:
    urls = {name: row["purl"] for name, row in components().items()}

    assert urls == {
        "libstdc++6": "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64",
        "tini": "pkg:deb/debian/tini@0.19.0-1?arch=amd64",
        "Jinja2": "pkg:pypi/jinja2@3.1.6",
        "typing_extensions": "pkg:pypi/typing-extensions@4.16.0",
    }


def test_a_licence_is_told_where_it_is_known() -> None:
    assert components()["typing_extensions"]["licenses"] == [{"expression": "PSF-2.0"}]
    assert "licenses" not in components()["Jinja2"]


def test_the_engines_source_is_told_with_its_licence_and_a_stand_in_never_passes_for_it() -> None:
    def row(*engine: object) -> dict[str, object]:
        inventory = sbom.Inventory("debian", (), (), engine)  # type: ignore[arg-type]
        (found,) = json.loads(sbom.document(inventory, "x:1", IMAGE))["components"]
        return dict(found)

    assert row("abc", "d" * 64, False)["purl"] == f"pkg:generic/index-tts@abc?checksum=sha256:{'d' * 64}"
    assert "bilibili" in str(row("abc", "d" * 64, False)["licenses"])
    assert row("", "d" * 64, False)["version"] == "unlocked-dddddddddddd"
    assert row("", "d" * 64, True)["name"] == "indextts-stand-in"


def test_the_image_depends_on_all_of_them() -> None:
    made = json.loads(sbom.document(INVENTORY, "x:1", IMAGE))

    (row,) = made["dependencies"]
    assert row["ref"] == made["metadata"]["component"]["bom-ref"] == IMAGE.id
    assert row["dependsOn"] == [one["bom-ref"] for one in made["components"]]


def test_the_same_image_gives_the_same_document_and_another_one_another_number() -> None:
    other = ImageInfo("sha256:" + "b" * 64, 1, IMAGE.created, {})
    shuffled = sbom.Inventory("debian", INVENTORY.system[::-1], INVENTORY.python[::-1])

    assert sbom.document(shuffled, "x:1", IMAGE) == sbom.document(INVENTORY, "x:1", IMAGE)
    assert (
        json.loads(sbom.document(INVENTORY, "x:1", other))["serialNumber"]
        != json.loads(sbom.document(INVENTORY, "x:1", IMAGE))["serialNumber"]
    )
