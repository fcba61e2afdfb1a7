"""Every row of the book: what it finds, what it leaves alone, and that its expressions cannot be made slow."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from deploy_kit import diagnose
from deploy_kit.cli.table import find
from deploy_kit.data import table
from deploy_kit.diagnose import Source, book, text
from deploy_kit.diagnose.scan import REACH
from deploy_kit.messages import Catalogue, topic

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_constants
    import sre_parse

FOLDER = Path(__file__).parent
SAMPLES: dict[str, dict[str, list[str]]] = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))
UPSTREAM: dict[str, dict[str, Any]] = json.loads((FOLDER / "upstream.json").read_text(encoding="utf-8"))
POSITIVE = [(row, line) for row, sample in SAMPLES.items() for line in sample["positive"]]
NEAR = [(row, line) for row, sample in SAMPLES.items() for line in sample["near"]]
EXPRESSIONS = [(row.id, pattern) for row in book.rows().values() for pattern in row.patterns]
PROBLEMS = 40
SHORT = 8
STEPS = 30_000
"""How many ways an expression may have to be tried at one place."""


def found(line: str, source: Source | None = None) -> list[str]:
    return [match.row for match in diagnose.read([line], source=source)]


def ways(parsed: Any, within: int = 1) -> int:
    """In how many ways an expression can be laid over one place of a text, as far as its wildcards go.

    A repeat must be bounded, and only a short one may stand in another.
    """
    total = 1
    for operator, argument in parsed:
        if operator in (sre_constants.MAX_REPEAT, sre_constants.MIN_REPEAT):
            least, most, inner = argument
            assert most <= REACH, "a repeat without end"
            assert within <= SHORT or most <= SHORT, "a repeat in a repeat"
            wild = any(kind in (sre_constants.ANY, sre_constants.NOT_LITERAL) for kind, _ in inner)
            total *= ways(inner, most) * (most - least + 1 if wild else 1)
        elif operator is sre_constants.SUBPATTERN:
            total *= ways(argument[3], within)
        elif operator is sre_constants.BRANCH:
            total *= sum(ways(branch, within) for branch in argument[1])
        elif operator in (sre_constants.ASSERT, sre_constants.ASSERT_NOT):
            total *= ways(argument[1], within)
    return total


def check(pattern: str) -> None:
    parsed = sre_parse.parse(pattern)
    assert parsed.getwidth()[1] <= REACH
    assert ways(parsed) <= STEPS


@pytest.mark.parametrize(("row", "line"), POSITIVE)
def test_a_line_of_its_kind_is_found(row: str, line: str) -> None:
    assert row in found(line)


@pytest.mark.parametrize(("row", "line"), POSITIVE)
def test_a_line_of_its_kind_is_found_in_the_sources_that_the_row_names(row: str, line: str) -> None:
    assert all(row in found(line, source) for source in book.rows()[row].sources)


@pytest.mark.parametrize(("row", "line"), NEAR)
def test_a_line_that_only_looks_like_it_is_left_alone(row: str, line: str) -> None:
    assert row not in found(line)


def test_every_row_that_reads_text_has_samples_of_both_kinds() -> None:
    reading = {row.id for row in book.rows().values() if row.patterns}

    assert {row for row, sample in SAMPLES.items() if sample["positive"]} == reading
    assert {row for row, sample in SAMPLES.items() if sample["near"]} == reading
    assert all(row.patterns or row.exits for row in book.rows().values())


@pytest.mark.parametrize(("row", "pattern"), EXPRESSIONS)
def test_every_expression_has_a_sample_of_its_own(row: str, pattern: str) -> None:
    signature = book.Signature.of(book.rows()[row], pattern)
    lines = [line for sample in SAMPLES[row]["positive"] for line in text.plain(sample).split("\n")]

    assert any(signature.compiled().search(text.small(text.body(line))) for line in lines)


@pytest.mark.parametrize(("row", "pattern"), EXPRESSIONS)
def test_an_expression_is_bounded_and_nests_no_repeats(row: str, pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize(("row", "pattern"), EXPRESSIONS)
def test_an_expression_is_in_small_letters_and_has_a_needle(row: str, pattern: str) -> None:
    needle = book.needle_of(pattern)

    assert len(needle) >= 4
    assert needle == needle.lower()
    assert "\\" not in needle


@pytest.mark.parametrize(("row", "pattern"), EXPRESSIONS)
def test_the_needle_stands_in_everything_that_the_expression_takes(row: str, pattern: str) -> None:
    """Its letters are literals of the top level, side by side, each of them wanted exactly once."""
    run, runs = "", []
    for operator, argument in sre_parse.parse(pattern):
        if operator is sre_constants.LITERAL:
            run += chr(argument)
        else:
            runs.append(run)
            run = ""

    assert any(book.needle_of(pattern) in literals for literals in (*runs, run))


def test_ids_are_unique_and_named_in_the_samples() -> None:
    ids = [row["id"] for row in table("book")["rows"]]

    assert len(ids) == len(set(ids))
    assert set(SAMPLES) == set(ids)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_row_says_what_it_means_and_what_to_do(locale: str) -> None:
    said = topic(locale, "book")
    actions = {entry["action"] for entry in table("xid")["codes"].values()} | {"unknown"}
    names = {row.id for row in book.rows().values() if not row.lookup} | {f"L02.{action}" for action in actions}

    assert {key.rpartition(".")[0] for key in said if not key.startswith("seen.")} == names
    for row in (row for row in book.rows().values() if not row.lookup):
        lines = SAMPLES[row.id]["positive"]
        matches = [match for line in lines for match in diagnose.read([line]) if match.row == row.id]
        exits = [diagnose.exit_code(code, bool(row.oom)) for code in row.exits]
        for match in (*matches, *(end for end in exits if end is not None)):
            for part in ("means", "remedy"):
                sentence = match.sentence(part)
                assert Catalogue(locale).text(sentence.key, sentence.args)


@pytest.mark.parametrize("number", sorted(table("xid")["codes"], key=int))
@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_xid_has_its_sentences(number: str, locale: str) -> None:
    (match,) = diagnose.read([f"NVRM: Xid (PCI:0000:01:00): {number}, pid=1"])

    for part in ("means", "remedy"):
        sentence = match.sentence(part)
        assert number in Catalogue(locale).text(sentence.key, sentence.args) or part == "remedy"


def test_a_row_names_only_findings_that_exist() -> None:
    named = {code for row in book.rows().values() for code in (row.finding, row.build) if code}
    families = {code.partition("-")[0].lower() for code in named}
    known = {key.rpartition(".")[0] for family in families for key in topic("en", f"findings/{family}")}

    assert named - known == set()


def test_what_follows_from_what_goes_round_in_no_circle() -> None:
    rows = book.rows()
    assert all(name in rows for row in rows.values() for name in row.explains)

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, (*way, name)
        for follower in rows[name].explains:
            walk(follower, (*way, name))

    for name in rows:
        walk(name, ())


def test_each_of_the_recurring_problems_of_upstream_is_met_or_cannot_happen() -> None:
    assert set(UPSTREAM) == {str(number) for number in range(1, PROBLEMS + 1)}
    for entry in UPSTREAM.values():
        assert set(entry) <= {"rows", "ours"}
        assert entry.get("rows") or entry.get("ours")
        assert all(row in book.rows() for row in entry.get("rows", ()))


def test_commands_are_lists_of_words() -> None:
    for row in book.rows().values():
        for commands in (row.commands, *row.commands_on.values()):
            assert all(command and all(isinstance(word, str) and word for word in command) for command in commands)


@pytest.mark.parametrize("pattern", ["(?:a{1,20}b?){1,20}", "device.*gone", "device (?:.+)+", "x{0,999}"])
def test_the_check_of_expressions_sees_what_is_dangerous(pattern: str) -> None:
    with pytest.raises(AssertionError):
        check(pattern)


def test_settings_and_commands_that_a_remedy_names_exist() -> None:
    known = {row["key"] for row in table("settings")}
    groups = {key.partition(".")[0] for key in known if "." in key}
    for locale in ("en", "zh"):
        for key, said in topic(locale, "book").items():
            named = re.findall(r"`([a-z_]+\.[a-z_.]+)(?::[^`]*)?`", said)
            assert [name for name in named if name.partition(".")[0] in groups and name not in known] == [], key
    for row in book.rows().values():
        for commands in (row.commands, *row.commands_on.values()):
            assert all(find(command[1]) for command in commands if command[0] == "deploykit"), row.id
