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


def topics(locale: str) -> list[str]:
    """Every topic of a language, ``findings/host`` included."""
    folder = FOLDER / locale
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json"))


TOPICS = topics("en")
FINDINGS = [name for name in TOPICS if name.startswith("findings/")]
PACKAGE = FOLDER.parent


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_topics() -> None:
    assert topics("zh") == TOPICS


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
    keys = {key for name in FINDINGS for key in messages.topic("en", name)}
    codes = {key.rpartition(".")[0] for key in keys}
    assert {f"{code}.{part}" for code in codes for part in ("what", "why", "remedy")} == keys


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    from deploy_kit.errors import _FAMILIES

    pattern = re.compile(r'"((?:' + "|".join(_FAMILIES) + r')-[A-Z0-9-]+)"')
    used = {code for path in PACKAGE.rglob("*.py") for code in pattern.findall(path.read_text(encoding="utf-8"))}
    known = {key.rpartition(".")[0] for name in FINDINGS for key in messages.topic("en", name)}
    prefixes = {code for code in used - known if any(name.startswith(f"{code}-") for name in known)}
    assert used - known - prefixes == set()


def test_files_are_sorted_so_that_edits_do_not_collide() -> None:
    for path in (FOLDER / locale / f"{name}.json" for locale in LOCALES for name in FINDINGS):
        keys = list(json.loads(path.read_text(encoding="utf-8")))
        assert keys == sorted(keys)


def test_a_family_holds_only_its_own_findings() -> None:
    for name in FINDINGS:
        family = name.removeprefix("findings/").upper()
        assert {key.partition("-")[0] for key in messages.topic("en", name)} == {family}


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
