"""Every cluster on record, judged for IndexTTS as its administrator would: preset, image, device, pools, findings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from deploy_kit import cluster, codec, errors
from deploy_kit.cluster import ClusterVerdict
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.findings import Severity
from deploy_kit.messages import LOCALES, Catalogue
from tests.support.made_cluster import WISH, codes

FOLDER = Path(__file__).parents[2] / "clusters"
RECORDS = sorted(path.stem for path in FOLDER.glob("*.json"))
QUIET = ("CLUSTER-UNMAINTAINED", "CLUSTER-NO-CRD", "CLUSTER-NO-METRICS")
"""What nearly all of them have in common."""

EXPECTED: list[tuple[str, str, str, str, list[str], list[str]]] = [
    ("aks", "aks", "cu128", "cuda", ["gput4"], ["CLUSTER-TAINT", "CLUSTER-CARD-GUESSED"]),
    ("arm-only", "generic", "cpu", "cpu", [], ["CLUSTER-ARCHITECTURE", "CLUSTER-NO-GPU-NODES"]),
    ("cache-kept", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-CLAIM-FOUND"]),
    ("card-cordoned", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-NOT-READY"]),
    ("card-pascal", "generic", "cu126", "cuda", ["p100-1"], []),
    ("card-tainted", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-TAINT"]),
    ("card-unhealthy", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-GPU-UNHEALTHY"]),
    ("card-unreachable", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-NOT-READY"]),
    ("cards-busy", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-GPU-BUSY"]),
    ("cards-mixed", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-CARD-UNSUPPORTED"]),
    ("certificate-expired", "generic", "cpu", "cpu", [], ["CLUSTER-CERTIFICATE"]),
    ("certificate-unknown", "generic", "cpu", "cpu", [], ["CLUSTER-CERTIFICATE"]),
    ("claim-pending", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-CLAIM-PENDING", "CLUSTER-CLAIM-FOUND"]),
    ("context-not-chosen", "generic", "cpu", "cpu", [], ["CLUSTER-NO-CONTEXT"]),
    ("disk-pressure", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-EVICTION"]),
    ("dra", "generic", "cu128", "cuda", ["nvidia-l40s"], ["CLUSTER-DRA-USED"]),
    ("driver-old", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-DRIVER-OLD"]),
    ("eks-auto", "eks", "cu128", "cuda", ["gpu"], ["CLUSTER-TAINT", "CLUSTER-CARD-GUESSED"]),
    ("eks", "eks", "cu128", "cuda", ["gpu"], ["CLUSTER-TAINT"]),
    ("gke", "gke", "cu128", "cuda", ["l4"], ["CLUSTER-TAINT", "CLUSTER-CARD-GUESSED"]),
    ("healthy", "generic", "cu128", "cuda", ["a10-1"], []),
    ("helm-missing", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-NO-HELM"]),
    ("helm-old", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-HELM-OLD"]),
    ("k3s-without-class", "k3s", "cu128", "cuda", ["tower"], ["CLUSTER-RUNTIME-CLASS-NONE"]),
    ("k3s", "k3s", "cu128", "cuda", ["tower"], ["CLUSTER-CLAIM-FOUND"]),
    ("kubeadm-mig", "generic", "cu128", "cuda", ["dgx-2 (1g.10gb)"], ["CLUSTER-GPU-BUSY", "CLUSTER-MIG"]),
    ("kubeconfig-missing", "generic", "cpu", "cpu", [], ["CLUSTER-NO-KUBECONFIG"]),
    ("kubeconfig-not-there", "generic", "cpu", "cpu", [], ["CLUSTER-BAD-KUBECONFIG"]),
    ("kubectl-missing", "generic", "cpu", "cpu", [], ["CLUSTER-NO-KUBECTL"]),
    ("kubectl-old", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-KUBECTL-OLD"]),
    ("labels-absent", "generic", "cu128", "cuda", ["gpu-1"], ["CLUSTER-CUDA-LABELS-MISSING"]),
    ("limits-small", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-LIMIT-RANGE"]),
    ("little-rights", "generic", "cpu", "cpu", [], ["CLUSTER-NODES-UNSEEN", "CLUSTER-UNSEEN"]),
    ("login-expired", "generic", "cpu", "cpu", [], ["CLUSTER-LOGIN-FAILED"]),
    ("login-plugin-missing", "generic", "cpu", "cpu", [], ["CLUSTER-NO-LOGIN-PLUGIN"]),
    ("namespace-absent", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-NO-NAMESPACE"]),
    ("namespace-not-ours-to-make", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-NAMESPACE-FORBIDDEN"]),
    ("newer-than-known", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-NEWER"]),
    ("no-default-class", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-NO-DEFAULT-CLASS"]),
    ("no-gpu", "generic", "cpu", "cpu", ["nodes"], ["CLUSTER-NO-GPU-NODES"]),
    ("no-nodes", "generic", "cpu", "cpu", [], ["CLUSTER-NO-NODES"]),
    ("no-room", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-ROOM-TAKEN"]),
    ("no-storage-class", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-NO-STORAGE-CLASS"]),
    ("nodes-hidden", "generic", "cpu", "cpu", [], ["CLUSTER-NODES-UNSEEN"]),
    ("nodes-not-ready", "generic", "cpu", "cpu", [], ["CLUSTER-NOT-READY", "CLUSTER-NO-GPU-NODES"]),
    ("nothing-may-be-made", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-FORBIDDEN"]),
    ("oke", "oke", "cu128", "cuda", ["gpu"], ["CLUSTER-TAINT", "CLUSTER-CARD-GUESSED"]),
    ("plugin-absent", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-NO-DEVICE-PLUGIN"]),
    ("plugin-crashes", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-PLUGIN-TROUBLE"]),
    ("privileged-only-warned", "generic", "cu128", "cuda", ["a10-1"], []),
    ("quota-spent", "generic", "cu128", "cpu", ["worker-1"], ["CLUSTER-QUOTA", "CLUSTER-QUOTA-GPU"]),
    ("release-stuck", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-RELEASE-STUCK"]),
    ("restricted", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-POD-SECURITY-MET"]),
    ("server-refuses", "generic", "cpu", "cpu", [], ["CLUSTER-UNREACHABLE"]),
    ("server-silent", "generic", "cpu", "cpu", [], ["CLUSTER-UNREACHABLE"]),
    ("server-unnamed", "generic", "cpu", "cpu", [], ["CLUSTER-UNREACHABLE"]),
    ("time-slicing", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-SHARED"]),
    ("token-expired", "generic", "cpu", "cpu", [], ["CLUSTER-UNAUTHORIZED"]),
    ("too-old", "generic", "cu128", "cuda", ["a10-1"], ["CLUSTER-TOO-OLD"]),
]


def facts(name: str) -> ClusterFacts:
    return codec.loads(ClusterFacts, (FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def judge(name: str, device: str = "auto") -> ClusterVerdict:
    return cluster.judge(facts(name), dataclasses.replace(WISH, device=device))


def test_no_cluster_on_record_is_left_out() -> None:
    assert sorted(row[0] for row in EXPECTED) == RECORDS


@pytest.mark.parametrize(
    ("name", "preset", "variant", "device", "chosen", "said"), [pytest.param(*row, id=row[0]) for row in EXPECTED]
)
def test_a_cluster_on_record(
    name: str, preset: str, variant: str, device: str, chosen: list[str], said: list[str]
) -> None:
    verdict = judge(name)

    assert (verdict.preset, verdict.variant, verdict.device) == (preset, variant, device)
    assert list(verdict.chosen) == chosen
    assert [code for code in codes(verdict) if code not in QUIET] == said


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_finding_can_be_said(name: str, locale: str) -> None:
    words = Catalogue(locale)

    for finding in judge(name).findings:
        for part in ("what", "why", "remedy"):
            said = finding.sentence(part)
            assert words(said.key, **dict(said.args))


@pytest.mark.parametrize("name", RECORDS)
def test_who_insists_on_a_card_gets_one_or_is_refused(name: str) -> None:
    verdict = judge(name, "cuda")

    assert verdict.device == "cuda" or verdict.blockers
    assert all(errors.exit_code(one) is errors.ExitCode.HOST for one in verdict.blockers)


@pytest.mark.parametrize("name", RECORDS)
def test_who_wants_the_cpu_hears_nothing_of_cards(name: str) -> None:
    verdict = judge(name, "cpu")

    assert (verdict.variant, verdict.device) == ("cpu", "cpu")
    assert not [one for one in codes(verdict) if "-GPU" in one or "-CARD" in one]


@pytest.mark.parametrize("name", RECORDS)
def test_what_stands_in_the_way_has_evidence(name: str) -> None:
    assert [one.code for one in judge(name).findings if one.severity is not Severity.INFO and not one.evidence] == []
