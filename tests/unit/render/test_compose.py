"""The compose file says exactly what the stack says."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from deploy_kit.config.request import Listen
from deploy_kit.plan.stack import Stack
from deploy_kit.render import compose, yaml_text
from tests.support import samples

scalars = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
documents = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aby:#- ", min_size=1), inner)
    ),
    max_size=4,
)


def service(stack: Stack) -> dict[str, object]:
    return compose.document(stack, secret_file="/state/api_key")["services"]["tts"]


@given(documents)
def test_any_document_loads_back_as_itself(document: dict[str, object]) -> None:
    text = yaml_text.emit(document, {})

    assert (yaml.safe_load(text) or {}) == document


def test_comments_change_nothing() -> None:
    stack = samples.stack(secret_version="v1")

    assert yaml.safe_load(compose.text(stack, secret_file="/key")) == compose.document(stack, secret_file="/key")
    assert yaml.safe_load(compose.manual_text(stack)) == compose.manual_document(stack)


def test_every_comment_stands_above_a_key_that_exists() -> None:
    text = compose.manual_text(samples.stack())

    for path, lines in (compose.comments_of("common") | compose.comments_of("manual")).items():
        following = text.split(f"# {lines[-1]}\n", 1)[1].lstrip()
        assert following.startswith(f"{path.rsplit('.', 1)[-1]}:"), path


def test_the_container_holds_no_privilege() -> None:
    found = service(samples.stack())

    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["user"] == "10001:0"
    assert found["mem_limit"] == 1 << 30
    assert found["pids_limit"] == 256


def test_the_port_is_published_on_loopback_only() -> None:
    assert service(samples.stack())["ports"] == ["127.0.0.1:7860:7860"]
    assert service(samples.stack(listen=Listen("::1", 8000)))["ports"] == ["[::1]:8000:7860"]


def test_the_cache_volume_is_external_so_that_down_with_v_keeps_it() -> None:
    volumes = compose.document(samples.stack())["volumes"]

    assert volumes["cache_hub"] == {"name": "cache_hub", "external": True}
    assert volumes["indextts_outputs"] == {"name": "indextts_outputs"}


def test_a_key_is_a_file_secret_and_its_version_reaches_the_labels() -> None:
    one, two = samples.stack(secret_version="v1"), samples.stack(secret_version="v2")

    assert compose.document(one, secret_file="/state/api_key")["secrets"] == {"api_key": {"file": "/state/api_key"}}
    assert service(one)["labels"] != service(two)["labels"]


def test_dollar_signs_are_not_for_compose_to_replace() -> None:
    found = service(samples.stack(service=(("TTS_QUEUE", "$HOME"),)))

    assert found["environment"]["TTS_QUEUE"] == "$$HOME"  # type: ignore[index]


def test_the_manual_file_has_a_name_of_its_own() -> None:
    manual, made = compose.manual_document(samples.stack()), compose.document(samples.stack())

    assert manual["name"] != made["name"]
    assert manual["services"]["tts"]["container_name"] != made["services"]["tts"]["container_name"]
    assert "io.deploykit.name" not in str(manual)


def test_the_comment_about_the_port_is_true() -> None:
    wide = compose.text(samples.stack(listen=Listen("0.0.0.0", 7860), secret_version="v1"), secret_file="/key")

    assert "Only this machine can reach it" in compose.text(samples.stack())
    assert "Only this machine can reach it" not in wide
    assert "Other machines can reach it, with the API key" in wide
