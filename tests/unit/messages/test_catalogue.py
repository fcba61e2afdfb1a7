"""Both languages say the same things, and every sentence can be said."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

from deploy_kit import messages
from deploy_kit.messages import LOCALES, Catalogue, locale_from

FOLDER = Path(messages.__file__).parent
TOPICS = sorted(path.stem for path in (FOLDER / "en").glob("*.json"))
PACKAGE = FOLDER.parent


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_topics() -> None:
    chinese = sorted(path.stem for path in (FOLDER / "zh").glob("*.json"))
    assert chinese == TOPICS


@pytest.mark.parametrize("name", TOPICS)
def test_both_languages_have_the_same_keys(name: str) -> None:
    english, chinese = (set(messages.topic(locale, name)) for locale in LOCALES)
    assert english == chinese


@pytest.mark.parametrize("name", TOPICS)
def test_both_languages_fill_the_same_places(name: str) -> None:
    english, chinese = (messages.topic(locale, name) for locale in ("en", "zh"))
    differing = [key for key in english if placeholders(english[key]) != placeholders(chinese[key])]
    assert differing == []


@pytest.mark.parametrize("name", TOPICS)
def test_no_sentence_is_empty(name: str) -> None:
    for locale in LOCALES:
        assert [key for key, text in messages.topic(locale, name).items() if not text.strip()] == []


def test_every_finding_has_its_three_sentences() -> None:
    keys = set(messages.topic("en", "findings"))
    codes = {key.rpartition(".")[0] for key in keys}
    assert {f"{code}.{part}" for code in codes for part in ("what", "why", "remedy")} == keys


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    from deploy_kit.errors import _FAMILIES

    pattern = re.compile(r'"((?:' + "|".join(_FAMILIES) + r')-[A-Z0-9-]+)"')
    used = {code for path in PACKAGE.rglob("*.py") for code in pattern.findall(path.read_text(encoding="utf-8"))}
    known = {key.rpartition(".")[0] for key in messages.topic("en", "findings")}
    prefixes = {code for code in used - known if any(name.startswith(f"{code}-") for name in known)}
    assert used - known - prefixes == set()


def test_files_are_sorted_so_that_edits_do_not_collide() -> None:
    for locale in LOCALES:
        keys = list(json.loads((FOLDER / locale / "findings.json").read_text(encoding="utf-8")))
        assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("environment", "locale"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_TW"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_system_decides_the_language(environment: dict[str, str], locale: str) -> None:
    assert locale_from(environment) == locale


def test_a_list_in_the_file_is_one_text() -> None:
    assert "\n" in Catalogue("en")("config.header")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        Catalogue("en")("config.choices")
