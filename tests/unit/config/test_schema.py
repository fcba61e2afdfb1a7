"""The JSON Schema and the sample file agree with what the loader takes."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploy_kit.config.load import load
from deploy_kit.config.sample import sample
from deploy_kit.config.schema import schema
from deploy_kit.config.table import Setting, settings
from deploy_kit.messages import LOCALES, Catalogue


def uncommented(text: str) -> str:
    """The sample with every setting switched on: ``#key`` and ``#  key`` lose their mark, sentences keep it."""
    return "\n".join(line[1:] if re.match("#([a-z]|  )", line) else line for line in text.splitlines())


@pytest.mark.parametrize("locale", LOCALES)
def test_the_sample_sets_nothing(locale: str) -> None:
    assert yaml.safe_load(sample(Catalogue(locale))) is None


@pytest.mark.parametrize("locale", LOCALES)
def test_the_sample_with_every_line_switched_on_means_the_defaults(locale: str, tmp_path: Path) -> None:
    file = tmp_path / "deploykit.yaml"
    file.write_text(uncommented(sample(Catalogue(locale))), encoding="utf-8")
    found = load({}, {}, file, timezone="")
    assert found.request == load({}, {}, None, timezone="").request
    given = [key for key, origin in found.origins.items() if origin != "default"]
    assert given == [key for key, setting in settings().items() if setting.default is not None]


@pytest.mark.parametrize("locale", LOCALES)
def test_the_schema_is_valid_and_takes_the_sample(locale: str) -> None:
    document = schema(Catalogue(locale))
    jsonschema.Draft202012Validator.check_schema(document)
    validator = jsonschema.Draft202012Validator(document)
    validator.validate(None)
    validator.validate(yaml.safe_load(uncommented(sample(Catalogue(locale)))))


@pytest.mark.parametrize("wrong", [{"nam": "a"}, {"target": "moon"}, {"limits": {"pids": 1}}, {"listen": 7860}, []])
def test_the_schema_refuses_what_the_loader_refuses(wrong: object, tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema(Catalogue("en")))
    assert not validator.is_valid(wrong)


def test_every_row_of_the_table_is_a_setting_with_a_description() -> None:
    for setting in settings().values():
        assert isinstance(setting, Setting)
        for locale in LOCALES:
            assert Catalogue(locale).has(f"settings.{setting.key}")
