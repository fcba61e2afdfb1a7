"""The page of ``doctor``, its JSON and the table of hosts."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import pytest

from deploy_kit import codec
from deploy_kit.cli.main import main
from deploy_kit.cli.output.host import fit, mended, page, schema, table, verdict
from deploy_kit.cli.output.host.document import document
from deploy_kit.cli.output.host.groups import GROUPS
from deploy_kit.cli.output.text import width
from deploy_kit.compat import Verdict
from deploy_kit.config.request import Request
from deploy_kit.facts import Endpoint, Fact, HostFacts, NetworkFacts, Reach, State, known
from deploy_kit.findings import Finding, Severity
from deploy_kit.lifecycle import doctor, fix, prove
from deploy_kit.messages import Catalogue
from tests.support import samples
from tests.support.hosts import FACTS

EN, ZH = Catalogue("en"), Catalogue("zh")
HOSTS = sorted(path.stem for path in FACTS.glob("*.json"))


def wish(**changes: object) -> Request:
    return samples.request(**{"engine": "indextts-2.5", **changes})


def host(name: str) -> HostFacts:
    return codec.loads(HostFacts, (FACTS / f"{name}.json").read_text(encoding="utf-8"))


def examined(name: str, **changes: object) -> tuple[HostFacts, Verdict, Request]:
    request = wish(**changes)
    return *doctor.examine(request, host(name)), request


PLAIN = page.Look(EN)


def shown(name: str, look: page.Look = PLAIN, **changes: object) -> list[str]:
    return list(page.page(*examined(name, **changes), look))


def test_every_fact_stands_in_one_group() -> None:
    places = [place.rstrip("*") for _, some in GROUPS for place in some]
    assert sorted(places) == sorted(page.every_place())


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_every_fact_has_a_name(words: Catalogue) -> None:
    assert all(page.label(place, words) for place in page.every_place() if "." in place)


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("name", HOSTS)
def test_every_recorded_host_fits_a_narrow_terminal(name: str, words: Catalogue) -> None:
    lines = shown(name, page.Look(words, columns=44, verbose=True))
    assert [line for line in lines if width(line) > 44 and not line.startswith("      ")] == []
    assert "{" not in lines[0]


@pytest.mark.parametrize("name", HOSTS)
def test_every_recorded_host_is_a_document_without_loss(name: str) -> None:
    facts, judged, request = examined(name)
    plain = json.loads(json.dumps(document(facts, judged, request, EN)))
    assert codec.from_plain(HostFacts, plain["facts"]) == facts
    assert [one["code"] for one in plain["findings"]] == [one.code for one in judged.findings]
    assert plain["exit_code"] == (4 if judged.blockers else 0)
    assert plain["verdict"]["runs"] is not bool(judged.blockers)


@pytest.mark.parametrize("name", HOSTS)
def test_the_document_is_as_its_schema_says(name: str) -> None:
    jsonschema.validate(json.loads(json.dumps(document(*examined(name), EN))), schema.schema())


def test_the_schema_is_printed_and_refuses_what_lacks_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "doctor"], {}) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == schema.schema()
    plain = json.loads(json.dumps(document(*examined("gpu-ready"), EN)))
    del plain["facts"]["platform"]["kernel"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain, printed)


def test_the_verdict_comes_first_and_what_to_do_last() -> None:
    lines = shown("gpu-no-toolkit")
    assert lines[0].startswith("! indextts-2.5 runs here on the CPU, from the image cu128, and not on a graphics card.")
    titles = [line for line in lines if line and not line.startswith(" ")][1:]
    assert titles[-2:] == ["Findings", "What to do"]
    assert any(line.startswith("      sudo ") for line in lines[lines.index("What to do") :])


def test_what_can_be_mended_is_pointed_at_on_this_host_only() -> None:
    last = shown("gpu-cdi-off")[-2:]
    assert last == ["  1 of these can be mended by deploykit, which asks first:", "      deploykit doctor --fix"]
    assert "--fix" not in "\n".join(shown("gpu-cdi-off", page.Look(EN, here=False)))


def test_the_verdict_names_image_and_card() -> None:
    assert "indextts-2.5 runs here on NVIDIA GeForce RTX 5090, from the image cu128." in shown("gpu-blackwell")[0]


def test_the_built_in_voice_needs_no_card() -> None:
    assert "built-in voice runs here, from the image core" in shown("gpu-no-toolkit", engine="espeak")[0]


def test_what_is_refused_says_so_and_what_up_would_do() -> None:
    facts, judged, request = examined("gpu-no-toolkit", device="cuda")
    first = verdict.text(judged, request, facts, EN)
    assert first.startswith("indextts-2.5 does not run here as asked.")
    assert "exit code 4" in " ".join(verdict.more(judged, request, EN))


def test_a_setup_that_up_offers_is_announced() -> None:
    _, judged, request = examined("ubuntu-2404-bare", engine="espeak")
    assert "docker.io" in " ".join(verdict.more(judged, request, EN))


def test_sources_are_shown_on_demand() -> None:
    assert not any("←" in line for line in shown("gpu-ready"))
    loud = shown("gpu-ready", page.Look(EN, verbose=True))
    assert any(line.endswith("← uname") for line in loud)
    assert any("not asked" in line for line in loud)


def test_colour_is_only_paint() -> None:
    painted = shown("gpu-no-toolkit", page.Look(EN, colour=True))
    assert re.sub(r"\x1b\[\d*m", "", "\n".join(painted)).splitlines() == shown("gpu-no-toolkit")
    assert "\x1b[" not in "\n".join(shown("gpu-no-toolkit"))


def test_a_value_stands_below_its_label_where_there_is_no_room() -> None:
    assert fit.rows([("label", "a value")], 30) == ["  label", "    a value"]
    assert fit.rows([("label", "a value")], None) == ["  label  a value"]


def test_long_words_and_chinese_are_broken_by_columns() -> None:
    text = "显卡驱动过旧，请更新驱动程序然后重启主机。" + "x" * 40
    lines = fit.wrapped(text, 30, "  ")
    assert all(width(line) <= 30 for line in lines)
    assert "".join(line.strip() for line in lines) == text


def test_lines_for_a_file_are_never_broken() -> None:
    assert fit.wrapped("word " * 100, None) == [("word " * 100).rstrip()]


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_the_network_is_shown_place_by_place(words: Catalogue) -> None:
    places = tuple(Endpoint("weights", "hub", "hub.test", reach, 12) for reach in Reach)
    network = NetworkFacts(known(places, "HTTP"), known(-90.0, "Date"))
    facts = dataclasses.replace(host("gpu-ready"), network=network)
    request = wish()
    lines = "\n".join(page.page(*doctor.examine(request, facts), request, page.Look(words)))
    assert lines.count("hub") >= len(Reach)
    assert "-90" in lines


def test_a_fact_that_could_not_be_had_says_why() -> None:
    network = NetworkFacts(Fact(State.UNKNOWN, source="HTTP", reason="cut off"))
    facts, request = dataclasses.replace(host("gpu-ready"), network=network), wish()
    lines = page.page(*doctor.examine(request, facts), request, PLAIN)
    assert any("unknown: cut off" in line for line in lines)


def test_the_table_has_a_line_a_host_and_is_a_block_each_where_narrow() -> None:
    judged = [table.Judged(name, *examined(name)[:2]) for name in HOSTS]
    assert len(table.lines(judged, EN)) == 1 + len(HOSTS)
    assert all(width(line) <= 50 for line in table.lines(judged, ZH, 50))
    assert [row["name"] for row in table.documents(judged)] == HOSTS


def test_a_folder_of_facts_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--facts", str(FACTS), "--engine", "indextts-2.5"], {}) == 4
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["host", "card", "driver", "engine", "verdict", "codes"]
    assert [row.split()[0] for row in rows] == HOSTS
    assert any(re.search(r"gpu-blackwell +NVIDIA GeForce RTX 5090 .*. cu128/cuda", row) for row in rows)


def test_several_files_are_a_table_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    files = [word for name in ("gpu-ready", "gpu-ampere") for word in ("--facts", str(FACTS / f"{name}.json"))]
    assert main(["doctor", *files, "--engine", "indextts-2.5", "--output", "json"], {}) == 0
    assert [row["device"] for row in json.loads(capsys.readouterr().out)["hosts"]] == ["cuda", "cuda"]


def test_several_hosts_are_not_saved_into_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--facts", str(FACTS), "--save", str(tmp_path / "a")], {}) == 2
    assert "USAGE-SAVE-SEVERAL" in capsys.readouterr().err


def test_a_folder_without_facts_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--facts", str(tmp_path)], {}) == 2
    assert "USAGE-FACTS-NONE" in capsys.readouterr().err


def test_another_host_is_only_shown_what_would_be_offered(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["doctor", "--facts", str(FACTS / "gpu-cdi-off.json"), "--engine", "indextts-2.5", "--fix"]
    assert main([*argv, "--dry-run"], {}) == 0
    shown = capsys.readouterr().out
    assert "GPU-TOOLKIT-UNUSED: would be offered\n      sudo nvidia-ctk runtime configure" in shown
    assert main(argv, {}) == 2
    assert "USAGE-FIX-ELSEWHERE" in capsys.readouterr().err
    assert main([*argv[:-1], "--prove"], {}) == 2


def test_offers_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["doctor", "--facts", str(FACTS / "gpu-cdi-off.json"), "--engine", "indextts-2.5", "--fix", "--dry-run"]
    main([*argv, "--output", "json"], {})
    (offer,) = json.loads(capsys.readouterr().out.splitlines()[-1])["fix"]["offers"]
    assert (offer["code"], offer["result"], offer["restarts_engine"]) == ("GPU-TOOLKIT-UNUSED", "shown", True)


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("outcome", list(prove.Outcome))
def test_every_end_of_a_proof_is_said(outcome: prove.Outcome, words: Catalogue) -> None:
    finding = Finding.of("GPU-NOT-INSIDE", Severity.BLOCKER, "x", cause="GPU-UVM", reason="why")
    seen = prove.Seen(outcome, "deploykit/cu128:1", findings=(finding,), commands=(("deploykit", "build"),))
    look = page.Look(words)
    assert list(mended.proved(seen, look))
    assert json.loads(json.dumps(mended.proved_document(seen, look)))["outcome"] == outcome.value


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("result", list(fix.Result))
def test_every_end_of_an_offer_is_said(result: fix.Result, words: Catalogue) -> None:
    facts, judged, request = examined("gpu-cdi-off")
    (offer,) = fix.offers(facts, judged)
    done = fix.Mended((fix.Deed(offer, result, offer.commands, "a line"),), judged, facts, judged)
    assert len(list(mended.mended(done, request, page.Look(words)))) > 2
    assert mended.mended_document(done)["offers"][0]["result"] == result.value


def test_what_was_mended_and_is_not_felt_yet_says_what_is_left_to_do() -> None:
    facts, judged, request = examined("forbidden-socket")
    (offer,) = fix.offers(facts, judged)
    done = fix.Mended((fix.Deed(offer, fix.Result.DONE, offer.commands),), judged, facts, judged)

    shown = "\n".join(mended.mended(done, request, PLAIN))

    assert "ENGINE-FORBIDDEN: done" in shown
    assert "log out and in again" in " ".join(shown.split())
