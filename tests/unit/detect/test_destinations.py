"""Which places a deployment fetches from, by what the user, the region and the host's own files settle."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy_kit import proc
from deploy_kit.config.request import BuildSettings
from deploy_kit.data import table
from deploy_kit.detect.site import destinations
from deploy_kit.detect.site.destinations import Destination, Wanted
from deploy_kit.facts import SiteFacts, known
from tests.support.hosts import Host

DEB822 = """# made by the installer
Types: deb
URIs: http://one.example/debian http://two.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie

Types: deb
URIs: https://flat.example/repo
Suites: ./
"""
ONE_LINE = """# deb http://commented.example/ubuntu noble main
deb [arch=amd64 signed-by=/k.gpg] https://three.example/ubuntu noble main universe
deb-src http://four.example/ubuntu noble main
deb cdrom:[Ubuntu 24.04]/ noble main
deb file:/srv/packages ./
deb mirror+https://list.example/mirrors.txt noble main
"""


def site(index: Mapping[str, str] | None = None, proxies: Mapping[str, str] | None = None) -> SiteFacts:
    return SiteFacts(known(dict(proxies or {}), ""), known(None, ""), known(dict(index or {}), ""))


def found(folder: Path, wanted: Wanted | None = None, **changes: object) -> dict[str, list[Destination]]:
    """The destinations of a host by purpose."""
    customs = changes.pop("customs", site())
    assert isinstance(customs, SiteFacts)
    context = Host(**{"files": {}, **changes}).context(folder)  # type: ignore[arg-type]
    rows = destinations.find(context, customs, wanted or Wanted())
    rows += destinations.asked(context, customs, wanted or Wanted())
    return {purpose: [row for row in rows if row.purpose == purpose] for purpose in sorted({r.purpose for r in rows})}


def test_every_hub_is_asked_for_a_small_file_from_its_store(tmp_path: Path) -> None:
    rows = found(tmp_path)["weights"]

    assert [row.name for row in rows] == table("hubs")["order"]["global"]
    assert not any(row.spare for row in rows)
    assert all(row.url.endswith("wav2vec2bert_stats.pt") for row in rows)


def test_a_named_source_is_asked_and_the_other_hubs_are_spare(tmp_path: Path) -> None:
    rows = found(tmp_path, Wanted(source="https://me:sesame@mirror.example/hub"))["weights"]

    assert [(row.name, row.spare) for row in rows][:2] == [("mirror.example", False), ("huggingface", True)]
    assert rows[0].host == "mirror.example"


def test_weights_from_a_folder_need_no_hub(tmp_path: Path) -> None:
    assert "weights" not in found(tmp_path, Wanted(source="/srv/weights"))


def test_the_endpoint_in_the_environment_stands_for_its_hub(tmp_path: Path) -> None:
    rows = found(tmp_path, env={"HF_ENDPOINT": "https://inside.example/"})["weights"]

    assert (rows[0].name, rows[0].host) == ("huggingface", "inside.example")


def test_a_twin_of_modelscope_is_asked_in_its_form(tmp_path: Path) -> None:
    rows = found(tmp_path, Wanted(source="modelscope+https://twin.example"))["weights"]

    assert rows[0].url.startswith("https://twin.example/api/v1/models/")


@pytest.mark.parametrize("engine", ["indextts-2", "indextts-2.5", "espeak", ""])
def test_the_file_that_is_asked_for_belongs_to_the_engine(tmp_path: Path, engine: str) -> None:
    url = found(tmp_path, Wanted(engine=engine))["weights"][0].url
    expected = engine.replace("indextts-", "IndexTTS-") if engine.startswith("index") else "IndexTTS-2.5"

    assert f"/{expected}/" in url


def test_the_index_of_the_user_comes_before_the_hosts_and_the_regions(tmp_path: Path) -> None:
    own = site({"index-url": "https://me:sesame@host.example/simple", "extra-index-url": "https://more.example/simple/"})
    chosen = Wanted(build=BuildSettings(base="", package_index="https://chosen.example/simple"), region="cn")

    assert [row.host for row in found(tmp_path, chosen, customs=own)["packages"]] == ["chosen.example"]
    hosts = [(row.host, row.spare) for row in found(tmp_path, Wanted(region="cn"), customs=own)["packages"]]
    assert hosts == [("host.example", False), ("more.example", True)]
    regional = urlsplit(table("mirrors")["regions"]["cn"]["package_index"]).netloc
    assert [row.host for row in found(tmp_path, Wanted(region="cn"))["packages"]] == [regional]


def test_the_proxy_and_the_trusted_hosts_of_pip_hold_for_its_index(tmp_path: Path) -> None:
    own = site({"index-url": "https://a.example/simple", "proxy": "http://p:1", "trusted-host": "a.example b.example"})
    row = found(tmp_path, customs=own)["packages"][0]

    assert (row.verified, row.proxies) == (False, {"http_proxy": "http://p:1", "https_proxy": "http://p:1"})


def test_where_nothing_is_set_pip_is_asked_for_its_index(tmp_path: Path) -> None:
    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        assert argv[0] == sys.executable
        return proc.Completed(argv, 0, "https://index.example/simple/\n", "", 0)

    context = replace(Host({}).context(tmp_path), run=run)
    rows = destinations.asked(context, site(), Wanted())

    assert [row.url for row in rows] == ["https://index.example/simple/uvicorn/"]


def test_the_pip_that_is_installed_knows_its_index() -> None:
    address = proc.run((sys.executable, "-I", "-c", destinations._PIP), timeout=20).stdout.strip()

    assert urlsplit(address).scheme == "https"
    assert address.rstrip("/").endswith("/simple")


def test_a_pip_that_does_not_answer_is_no_obstacle(tmp_path: Path) -> None:
    assert "packages" not in found(tmp_path)


def test_torchs_index_is_needed_by_the_variants_that_have_their_packages_there(tmp_path: Path) -> None:
    rows = table("matrix")["variants"]
    for variant in rows:
        row = found(tmp_path / variant, Wanted(variant=variant))["torch"][0]
        assert row.spare is (rows[variant].get("index") != "pytorch")
        assert f"/{variant if not row.spare else 'cpu'}/torch/" in row.url
    assert found(tmp_path / "core", Wanted(variant="core"))["torch"][0].spare


def test_the_engines_code_comes_from_the_pinned_places_or_the_named_one(tmp_path: Path) -> None:
    rows = found(tmp_path)["source"]
    named = Wanted(build=BuildSettings(base="", engine_source="https://git.example/x.git#abc"))
    archive = Wanted(build=BuildSettings(base="", engine_source="https://git.example/x.tar.gz"))

    assert [row.form for row in rows] == ["archive", "repository"]
    assert table("engine_source")["commit"] in rows[0].url
    assert [r.url for r in found(tmp_path, named)["source"]] == [
        "https://git.example/x.git/info/refs?service=git-upload-pack"
    ]
    assert [row.form for row in found(tmp_path, archive)["source"]] == ["archive"]
    assert "source" not in found(tmp_path, Wanted(build=BuildSettings(base="", engine_source="/srv/code")))


def test_images_come_from_the_registry_and_the_mirrors_that_the_daemon_knows(tmp_path: Path) -> None:
    daemon = json.dumps({"registry-mirrors": ["https://mirror.example", "http://plain.example:5000/"]})
    files = {"/etc/docker/daemon.json": daemon, "/etc/docker/certs.d/plain.example:5000/ca.crt": ""}
    rows = found(tmp_path, files=files)["images"]

    assert [row.url for row in rows][1:] == ["https://mirror.example/v2/", "http://plain.example:5000/v2/"]
    assert rows[0].name == "docker.io"
    assert [row.verified for row in rows] == [True, True, False]


def test_another_registry_has_no_mirrors(tmp_path: Path) -> None:
    files = {"/etc/docker/daemon.json": '{"registry-mirrors": ["https://mirror.example"]}'}
    wanted = Wanted(build=BuildSettings(base="registry.example:5000/debian:12", base_mirrors=("m.example/x",)))

    assert [row.host for row in found(tmp_path, wanted, files=files)["images"]] == [
        "registry.example:5000",
        "m.example",
    ]


def test_an_engine_on_another_machine_fetches_images_by_itself(tmp_path: Path) -> None:
    assert "images" not in found(tmp_path, env={"DOCKER_HOST": "ssh://ada@box"})


def test_both_formats_of_apt_sources_are_read(tmp_path: Path) -> None:
    files = {"/etc/apt/sources.list": ONE_LINE, "/etc/apt/sources.list.d/debian.sources": DEB822}
    rows = found(tmp_path, files=files)["system"]

    assert {row.url for row in rows} == {
        "https://three.example/ubuntu/dists/noble/InRelease",
        "http://four.example/ubuntu/dists/noble/InRelease",
        "https://list.example/mirrors.txt",
        "http://one.example/debian/dists/trixie/InRelease",
        "http://two.example/debian/dists/trixie/InRelease",
        "https://flat.example/repo/InRelease",
    }


def test_apts_own_proxies_hold_for_its_sources(tmp_path: Path) -> None:
    dump = (
        'Acquire::http::Proxy "http://apt:3142";\n'
        'Acquire::http::Proxy::two.example "DIRECT";\n'
        'Acquire::http::Timeout "30";\n'
    )
    context = Host(
        files={"/etc/apt/sources.list.d/debian.sources": DEB822}, programs=("/usr/bin/apt-config",)
    ).context(tmp_path)

    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        if argv[0] == "apt-config":
            return proc.Completed(argv, 0, dump, "", 0)
        raise proc.CommandMissing(argv, "none")

    own = site(proxies={"http_proxy": "http://other:1", "no_proxy": "x"})
    rows = destinations.asked(replace(context, run=run), own, Wanted())
    proxies = {row.host: dict(row.proxies or {}) for row in rows}

    assert proxies["one.example"]["http_proxy"] == "http://apt:3142"
    assert proxies["flat.example"] == {
        "http_proxy": "http://apt:3142", "https_proxy": "http://apt:3142", "no_proxy": "x"
    }  # fmt: skip
    assert proxies["two.example"]["http_proxy"] == ""


def test_no_purpose_has_more_places_than_a_person_reads(tmp_path: Path) -> None:
    text = "\n".join(f"deb http://host{n}.example/debian trixie main" for n in range(40))

    assert len(found(tmp_path, files={"/etc/apt/sources.list": text})["system"]) == table("reach")["most_of_a_purpose"]


def test_what_no_address_is_made_of_is_left_out(tmp_path: Path) -> None:
    files = {"/etc/docker/daemon.json": '{"registry-mirrors": ["", 7, "https://"]}'}

    assert [row.name for row in found(tmp_path, files=files)["images"]] == ["docker.io", "7"]
    files = {"/etc/docker/daemon.json": '{"registry-mirrors": "https://m.example"}'}
    assert [row.name for row in found(tmp_path / "b", files=files)["images"]] == ["docker.io"]
