"""``doctor --target kubernetes``: its page, its JSON, its files, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploy_kit import codec
from deploy_kit.cli.main import main
from deploy_kit.cli.output.cluster import page, pools, schema, table, values, verdict
from deploy_kit.cli.output.cluster.document import document
from deploy_kit.cli.output.cluster.groups import GROUPS
from deploy_kit.cli.output.host.page import Look
from deploy_kit.cli.output.text import width
from deploy_kit.cluster.facts import (
    ClusterFacts,
    DaemonFacts,
    LimitFacts,
    NamespaceFacts,
    NodeFacts,
    QuotaFacts,
    ReleaseFacts,
    Taint,
    Trouble,
)
from deploy_kit.cluster.verdict import ClusterVerdict, Pool
from deploy_kit.facts import Fact, known, not_asked, unknown
from deploy_kit.findings import Finding, Severity
from deploy_kit.lifecycle import cluster
from deploy_kit.messages import Catalogue
from tests.support import samples
from tests.support.hosts import FACTS

CLUSTERS = Path(__file__).parents[2] / "clusters"
NAMES = sorted(path.stem for path in CLUSTERS.glob("*.json"))
EN, ZH = Catalogue("en"), Catalogue("zh")
both = pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
every = pytest.mark.parametrize("name", NAMES)

REQUEST = samples.request(engine="indextts-2.5", target="kubernetes")
L4 = Pool("l4", ("a", "b"), "nvidia-l4", "nvidia.com/gpu", 4, 3, "8.9", "570.133.20", variant="cu128")
OLD = Pool("p100", ("c",), "tesla-p100", "nvidia.com/gpu", 1, 1, "6.0", reason="CLUSTER-CARD-UNSUPPORTED")
PLAIN = Pool("web", ("d",))
VALUES = {"platform": "gke", "tolerations": [{"key": "sku", "operator": "Equal", "value": "yes"}], "gpu": {"count": 1}}


def recorded(name: str) -> ClusterFacts:
    return codec.loads(ClusterFacts, (CLUSTERS / f"{name}.json").read_text(encoding="utf-8"))


def examined(name: str) -> tuple[ClusterFacts, ClusterVerdict]:
    return cluster.examine(REQUEST, recorded(name))


def made(**changes: object) -> ClusterVerdict:
    judged = ClusterVerdict("gke", "cu128", "cuda", (L4, OLD, PLAIN), ("l4",), VALUES)
    return dataclasses.replace(judged, **changes)


def shown(name: str, look: Look | None = None) -> list[str]:
    return list(page.page(*examined(name), REQUEST, look or Look(EN, here=False)))


def said(value: object, *, whole: bool = False, words: Catalogue = EN) -> str:
    return values.shown(known(value, "somewhere"), words, whole=whole)


def test_every_fact_stands_in_one_group() -> None:
    places = [place.rstrip("*") for _, some in GROUPS for place in some]
    assert sorted(places) == sorted({field.name for field in dataclasses.fields(ClusterFacts)} - {"kind", "schema"})


@both
@every
def test_every_recorded_cluster_fits_a_narrow_terminal(name: str, words: Catalogue) -> None:
    lines = shown(name, Look(words, columns=40, verbose=True))
    assert [line for line in lines if width(line) > 40 and not line.startswith("      ")] == []
    assert "{" not in "\n".join(lines[:4])


@every
def test_every_recorded_cluster_is_a_document_without_loss_and_as_its_schema_says(name: str) -> None:
    facts, judged = examined(name)
    plain = json.loads(json.dumps(document(facts, judged, REQUEST, EN)))
    jsonschema.validate(plain, schema.schema())
    assert codec.from_plain(ClusterFacts, plain["facts"]) == facts
    assert plain["exit_code"] == (4 if judged.blockers else 0)
    assert plain["verdict"]["runs"] is not bool(judged.blockers)
    assert sorted(one["code"] for one in plain["findings"]) == sorted(one.code for one in judged.findings)


@every
def test_the_proposed_values_can_be_copied_from_the_page(name: str) -> None:
    _, judged = examined(name)
    lines = shown(name, Look(EN, columns=40))
    if not judged.values:
        assert "Proposed values" not in lines
        return
    below = lines[lines.index("Proposed values") :]
    end = below.index("") if "" in below else len(below)
    assert yaml.safe_load("\n".join(line for line in below[1:end] if line.startswith("      "))) == judged.values


def test_the_schema_is_printed_and_refuses_what_lacks_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "cluster"], {}) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == schema.schema()
    plain = json.loads(json.dumps(document(*examined("gke"), REQUEST, EN)))
    del plain["facts"]["nodes"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain, printed)


def test_the_verdict_comes_first_and_what_to_do_last() -> None:
    lines = shown("plugin-absent")
    assert lines[0].startswith("! indextts-2.5 can run on this cluster on the CPU, from the image cu128, and not on a")
    titles = [line for line in lines if line and not line.startswith(" ")][1:]
    assert titles == ["Cluster", "Namespace", "Nodes and devices", "Storage", "Pools", "Findings", "Proposed values",
                      "What to do"]  # fmt: skip


def test_a_cluster_that_does_not_answer_shows_what_is_known_and_why_not_more() -> None:
    lines = shown("server-refuses")
    assert lines[0].startswith("✗ Whether indextts-2.5 runs on this cluster is not known. ")
    assert shown("no-storage-class")[0].startswith("✗ indextts-2.5 does not run on this cluster as asked. ")
    assert any(line.startswith("  version     unknown: no way there (") for line in lines)
    assert "Pools" not in lines
    assert "Nodes and devices" not in lines
    assert any("not asked" in line for line in shown("server-refuses", Look(EN, verbose=True)))


def test_colour_is_only_paint() -> None:
    painted = shown("plugin-absent", Look(EN, colour=True, here=False))
    assert "\x1b[1mPools\x1b[0m" in painted
    assert re.sub(r"\x1b\[\d*m", "", "\n".join(painted)).splitlines() == shown("plugin-absent")


def test_sources_are_shown_on_demand() -> None:
    assert not any("←" in line for line in shown("gke"))
    assert any(line.endswith("← /version") for line in shown("gke", Look(EN, verbose=True)))


def test_the_verdict_names_the_cards_that_are_taken_and_how_many_are_free() -> None:
    assert verdict.text(recorded("gke"), made(), REQUEST, EN) == (
        "indextts-2.5 can run on this cluster on nvidia-l4 (3 of 4 free), from the image cu128."
    )
    again = dataclasses.replace(L4, name="l4-spot", free=0, total=2)
    assert verdict.cards(made(pools=(L4, again), chosen=("l4", "l4-spot")), EN) == "nvidia-l4 (3 of 6 free)"
    assert verdict.cards(made(chosen=()), EN) == "GPU"


@both
def test_a_cluster_without_usable_cards_says_why(words: Catalogue) -> None:
    why = Finding.of("CLUSTER-CARD-UNSUPPORTED", Severity.WARNING, "p100", pools="p100", product="tesla-p100")
    other = Finding.of("CLUSTER-QUOTA", Severity.WARNING, "q")
    judged = made(device="cpu", variant="cpu", pools=(OLD, PLAIN), chosen=(), findings=(other, why))
    assert verdict.about_device(judged) is why
    assert verdict.mark(judged) == ("!", "33")
    lines = [verdict.text(recorded("gke"), judged, REQUEST, words), *verdict.more(judged, REQUEST, words)]
    assert len(lines) == 3
    assert all(line and not line.startswith("cli.") for line in lines)


def test_the_built_in_voice_needs_no_card() -> None:
    request = samples.request(target="kubernetes")
    judged = made(device="cpu", variant="core", chosen=())
    assert "needs no graphics card" in verdict.text(recorded("gke"), judged, request, EN)
    assert list(verdict.more(judged, request, EN)) == [EN("cli.cluster.verdict.only_looks")]


def test_each_pool_says_whether_it_is_used() -> None:
    head, first, second, third = pools.lines(made(), EN, None)
    assert head.split() == ["pool", "nodes", "card", "free", "capability", "driver", "use"]
    assert re.split(r" {2,}", first.strip()) == [
        "l4", "2", "nvidia-l4", "3/4 nvidia.com/gpu", "8.9", "570.133.20", "✓ cu128"]  # fmt: skip
    assert second.endswith("✗ CLUSTER-CARD-UNSUPPORTED")
    assert third.split() == ["web", "1", "–", "–", "–", "–", "–"]
    spare = dataclasses.replace(L4, name="spare")
    assert pools.lines(made(pools=(spare,)), EN, None)[1].endswith("· cu128")


@both
def test_a_shared_card_is_called_one(words: Catalogue) -> None:
    for sharing in ("time-slicing", "mps"):
        text = pools.card(dataclasses.replace(L4, sharing=sharing, memory=24 << 30), words)
        assert text.startswith("nvidia-l4, 25.8 GB, ")


def test_on_a_narrow_terminal_a_pool_is_a_block() -> None:
    lines = pools.lines(made(), EN, 40)
    assert lines[:3] == ["  l4", "    nodes: 2", "    card: nvidia-l4"]
    assert lines[-2:] == ["  web", "    nodes: 1"]


@both
@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_reason_has_words(trouble: Trouble, words: Catalogue) -> None:
    text = values.shown(unknown("x", f"{trouble.value}: dial tcp 10.0.0.1"), words, whole=True)
    assert "dial tcp 10.0.0.1" in text
    assert f"{trouble.value}:" not in text
    assert words(f"cli.cluster.trouble.{trouble.value}") in text


def test_what_the_program_said_of_a_lacking_right_is_left_out() -> None:
    assert values.shown(unknown("x", "forbidden: User x cannot"), EN) == "unknown: not permitted"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((), "none"),
        (None, "none"),
        (("v1", "apps/v1"), "v1, apps/v1"),
        (NamespaceFacts("a", exists=False), "a (does not exist yet)"),
        (NamespaceFacts("a", True, "baseline", "restricted"), "a, pod security: baseline, warns below restricted"),
        ({"create pods": True, "list nodes": False}, "lacking: list nodes"),
        ({"create pods": True}, "all 1 that were asked for"),
        (ReleaseFacts("a", "tts-1.0", "deployed", 3), "a: tts-1.0, deployed, revision 3"),
        ((LimitFacts("l", "Container", {"cpu": 100}, {"memory": 1 << 30}),),
         "l, Container: cpu ≥ 0.1, memory ≤ 1.1 GB"),
        ((QuotaFacts("q", {"requests.nvidia.com/gpu": 2, "pods": 10}, {"pods": 4}, ("BestEffort",)),),
         "q (BestEffort): pods 4 of 10, requests.nvidia.com/gpu 0 of 2"),
    ],
)  # fmt: skip
def test_values_in_words(value: object, text: str) -> None:
    assert said(value) == text


def test_a_long_list_is_cut_and_whole_on_demand() -> None:
    limits = tuple(LimitFacts(f"l{number}", "Pod", {}, {"cpu": 1000}) for number in range(20))
    assert said(limits).splitlines()[-1] == "… and 13 more (--verbose)"
    assert len(said(limits, whole=True).splitlines()) == 20


def test_a_component_is_shown_without_its_registry_and_whole_on_demand() -> None:
    plugin = DaemonFacts(
        "device-plugin", "gpu", "plugin", "registry.example/nvidia/plugin:v1", 2, 1, "CrashLoopBackOff"
    )
    assert said((plugin,)) == "device-plugin: gpu/plugin, 1/2 ready, plugin:v1 — CrashLoopBackOff"
    assert "registry.example/nvidia/plugin:v1 — " in said((plugin,), whole=True)


def test_nodes_are_counted_and_one_by_one_on_demand() -> None:
    good = NodeFacts("a", True, True, kubelet="1.34.4", architecture="amd64", allocatable={"nvidia.com/gpu": 2})
    bad = NodeFacts("b", False, False, kubelet="1.33.1", architecture="amd64", pressure=("DiskPressure",),
                    taints=(Taint("sku", "gpu", "NoSchedule"),))  # fmt: skip
    assert said((good, bad)).splitlines() == [
        "2, 1 ready, 1 closed to new pods", "amd64", "kubelet 1 × 1.34.4, 1 × 1.33.1"]  # fmt: skip
    assert said((good, bad), whole=True).splitlines()[1:] == [
        "a: 2 nvidia.com/gpu", "b: not ready, closed to new pods, DiskPressure, sku=gpu:NoSchedule"]  # fmt: skip


@both
def test_the_table_has_a_line_a_cluster_and_is_a_block_each_where_narrow(words: Catalogue) -> None:
    judged = [table.Judged(name, *examined(name)) for name in NAMES]
    assert len(table.lines(judged, words)) == 1 + len(NAMES)
    assert all(width(line) <= 40 for line in table.lines(judged, words, 40))
    assert [row["name"] for row in table.documents(judged)] == NAMES


def test_a_cluster_that_did_not_answer_has_no_platform() -> None:
    (row,) = table.documents([table.Judged("x", *examined("server-refuses"))])
    assert (row["preset"], row["version"], row["nodes"], row["runs"]) == (None, None, None, False)


def test_a_folder_of_clusters_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--facts", str(CLUSTERS), "--engine", "indextts-2.5"], {}) == 4
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["cluster", "platform", "version", "nodes", "cards", "verdict", "codes"]
    assert [row.split()[0] for row in rows] == NAMES
    assert any(re.search(r"^gke +gke .* 3 × nvidia-l4 +✓ cu128/cuda", row) for row in rows)


def test_several_files_are_a_table_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    files = [word for name in ("gke", "eks") for word in ("--facts", str(CLUSTERS / f"{name}.json"))]
    assert main(["doctor", *files, "--engine", "indextts-2.5", "--output", "json"], {}) == 0
    assert [row["preset"] for row in json.loads(capsys.readouterr().out)["clusters"]] == ["gke", "eks"]


def test_a_file_says_itself_that_it_is_about_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "again.json"
    argv = ["doctor", "--facts", str(CLUSTERS / "gke.json"), "--engine", "indextts-2.5", "--output", "json"]
    assert main([*argv, "--save", str(copy)], {}) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["verdict"]["target"] == "kubernetes"
    assert codec.loads(ClusterFacts, copy.read_text(encoding="utf-8")) == recorded("gke")
    assert json.loads(copy.read_text(encoding="utf-8"))["kind"] == "cluster"


def test_a_blocked_cluster_is_exit_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["doctor", "--facts", str(CLUSTERS / "token-expired.json"), "--target", "kubernetes", "--locale", "zh"]
    assert main(argv, {}) == 4
    assert "CLUSTER-UNAUTHORIZED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--target", "kubernetes", "--fix"], "USAGE-CLUSTER-MEND"),
        (["--target", "kubernetes", "--prove"], "USAGE-CLUSTER-MEND"),
        (["--facts", str(CLUSTERS / "gke.json"), "--fix", "--dry-run"], "USAGE-CLUSTER-MEND"),
        (["--target", "kubernetes", "--offline"], "USAGE-CLUSTER-OFFLINE"),
        (["--target", "kubernetes", "--facts", str(FACTS / "gpu-ready.json")], "USAGE-FACTS-HOST"),
        (["--facts", str(FACTS / "gpu-ready.json"), "--facts", str(CLUSTERS / "gke.json")], "USAGE-FACTS-MIXED"),
        (["--facts", str(CLUSTERS), "--save", "x.json"], "USAGE-SAVE-SEVERAL"),
    ],
)
def test_what_does_not_go_with_a_cluster_is_refused(
    argv: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", *argv], {}) == 2
    assert code in capsys.readouterr().err


def test_other_commands_do_not_take_the_facts_of_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(CLUSTERS / "gke.json")
    assert main(["plan", "--facts", file], {}) == 2
    said = capsys.readouterr().err
    assert "USAGE-FACTS-CLUSTER" in said
    assert f"deploykit doctor --facts {file}" in said


def test_a_fact_that_nobody_asked_for_is_not_shown() -> None:
    facts = dataclasses.replace(recorded("gke"), slices=not_asked("no DRA here"))
    lines = "\n".join(page.page(facts, made(), REQUEST, Look(EN)))
    assert "devices (DRA)" not in lines
    loud = "\n".join(page.page(facts, made(), REQUEST, Look(EN, verbose=True)))
    assert "not asked (no DRA here)" in loud


def test_a_known_fact_with_a_remark_shows_it() -> None:
    fact: Fact[str] = known("1.34.4", "/version", "of a proxy")
    assert values.shown(fact, EN) == "1.34.4 (of a proxy)"


@pytest.mark.parametrize("command", ["up", "plan", "render out", "build", "verify", "cache list"])
def test_other_commands_refuse_a_cluster_by_name(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--target", "kubernetes"], {}) == 2
    said = capsys.readouterr().err
    assert f"CONFIG-TARGET  --target: `{command.split(maxsplit=1)[0]}` does not know `target: kubernetes` yet." in said
    assert "deploykit doctor --target kubernetes" in said


@pytest.mark.parametrize("command", ["status", "down", "logs"])
def test_what_stands_in_the_file_is_refused_too(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deploykit.yaml").write_text("name: radio\ntarget: kubernetes\n")
    monkeypatch.chdir(tmp_path)
    assert main([command], {}) == 2
    assert "deploykit.yaml:2: " in capsys.readouterr().err
