"""The plan: what must be done, why, and that nothing is done twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_kit.compat import DeviceRequest, RequestKind
from deploy_kit.config.request import Listen, Weights
from deploy_kit.messages import LOCALES, Catalogue
from deploy_kit.plan.observed import Observed, Service, ServiceState, after
from deploy_kit.plan.reconcile import differences, reconcile
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.plan.steps import Operation, Step
from tests.support import samples

LOCK = "lock-digest"

stacks = st.builds(
    samples.stack,
    name=st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True),
    target=st.sampled_from(["compose", "local"]),
    listen=st.builds(Listen, st.sampled_from(["127.0.0.1", "0.0.0.0", "::1"]), st.integers(1, 65535)),
    cache_path=st.none() | st.just("/srv/cache_hub"),
    cpus=st.none() | st.floats(0.5, 8),
    secret_version=st.none() | st.just("v1"),
    engine=st.sampled_from(["espeak", "indextts-2.5"]),
    weights=st.sampled_from([Weights(), Weights("/srv/weights.tar", "/srv/lock.json")]),
    gpu=st.none() | st.builds(DeviceRequest, st.sampled_from(RequestKind), st.just(("GPU-1",)), st.booleans()),
    token_version=st.none() | st.just("t1"),
)


def plan(stack: Stack, observed: Observed) -> tuple[Step, ...]:
    return reconcile(stack, observed, environment=LOCK)


def operations(steps: tuple[Step, ...]) -> list[Operation]:
    return [step.operation for step in steps]


@given(stacks)
def test_nothing_is_left_to_do_after_a_successful_up(stack: Stack) -> None:
    assert plan(stack, after(stack, environment=LOCK)) == ()


@given(stacks, st.data())
def test_steps_stand_in_the_order_of_execution(stack: Stack, data: st.DataObject) -> None:
    complete = after(stack, environment=LOCK)
    nothing = Observed(packages=("docker.io",))
    fields = data.draw(st.sets(st.sampled_from(sorted(Observed.__dataclass_fields__))))
    observed = replace(complete, **{name: getattr(nothing, name) for name in fields})

    order = list(Operation)
    found = [order.index(operation) for operation in operations(plan(stack, observed))]

    assert sorted(found) == found


def test_a_bare_host_gets_every_step() -> None:
    steps = plan(samples.stack(), Observed(packages=("docker.io",)))

    assert operations(steps) == [
        Operation.INSTALL_PACKAGES,
        Operation.START_ENGINE,
        Operation.GET_BASE,
        Operation.BUILD_IMAGE,
        Operation.CREATE_VOLUME,
        Operation.WRITE_FILES,
        Operation.START_SERVICE,
        Operation.WAIT_READY,
        Operation.PROVE,
    ]
    assert not any(step.interrupts for step in steps)


def test_what_the_user_brings_is_not_made_for_him() -> None:
    stack = samples.model_stack(weights=Weights("/srv/weights", "/srv/lock.json"))

    assert [step.subject for step in plan(stack, Observed()) if step.operation is Operation.CREATE_VOLUME] == [
        "cache_hub"
    ]


def test_a_card_brings_the_volume_on_which_stacks_share_it() -> None:
    stack = samples.model_stack(DeviceRequest(RequestKind.RESERVATION))
    steps = plan(stack, Observed())

    assert "deploykit_gpu" in [step.subject for step in steps if step.operation is Operation.CREATE_VOLUME]


def test_another_token_of_the_hub_restarts_the_service() -> None:
    old, new = (samples.model_stack(token_version=version) for version in ("t1", "t2"))
    steps = plan(new, after(old))

    assert [step.subject for step in steps if step.operation is Operation.MAKE_SECRET] == ["hub_token"]
    assert Operation.START_SERVICE in operations(steps)


def test_a_changed_limit_recreates_the_service_and_builds_nothing() -> None:
    old, new = samples.stack(), samples.stack(memory=2 << 30)
    observed = replace(after(old), ready=False)

    steps = plan(new, observed)

    assert operations(steps) == [
        Operation.WRITE_FILES,
        Operation.START_SERVICE,
        Operation.WAIT_READY,
        Operation.PROVE,
    ]
    assert steps[1].interrupts
    assert steps[1].cause.args == (("fields", "limits.memory"),)


def test_a_changed_setting_is_named() -> None:
    assert differences(samples.stack(), samples.stack(service=(("TTS_QUEUE", "3"),))) == (
        "settings.TTS_LOG_LEVEL",
        "settings.TTS_QUEUE",
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ready": False}, [Operation.WAIT_READY, Operation.PROVE]),
        ({"proved": False}, [Operation.PROVE]),
        ({"volumes": frozenset()}, [Operation.CREATE_VOLUME]),
        ({"files": None}, [Operation.WRITE_FILES]),
        ({"service": None}, [Operation.START_SERVICE, Operation.WAIT_READY, Operation.PROVE]),
        ({"image": None}, [Operation.BUILD_IMAGE, Operation.START_SERVICE, Operation.WAIT_READY, Operation.PROVE]),
        (
            {"image": None, "base": False},
            [
                Operation.GET_BASE,
                Operation.BUILD_IMAGE,
                Operation.START_SERVICE,
                Operation.WAIT_READY,
                Operation.PROVE,
            ],
        ),
        ({"elsewhere": Target.LOCAL}, [Operation.STOP_SERVICE]),
        (
            {"elsewhere": Target.LOCAL, "service": None},
            [Operation.STOP_SERVICE, Operation.START_SERVICE, Operation.WAIT_READY, Operation.PROVE],
        ),
    ],
)
def test_only_what_is_missing_is_done(change: dict[str, object], expected: list[Operation]) -> None:
    stack = samples.stack()

    assert operations(plan(stack, replace(after(stack), **change))) == expected  # type: ignore[arg-type]


def test_a_stopped_container_is_started_without_interrupting_anything() -> None:
    stack = samples.stack()
    stopped = Service("id", ServiceState.STOPPED, stack.digest, stack.image.inputs, "then")

    steps = plan(stack, replace(after(stack), service=stopped, ready=False))

    assert operations(steps) == [Operation.START_SERVICE, Operation.WAIT_READY, Operation.PROVE]
    assert steps[0].cause.key == "plan.service-stopped"
    assert not steps[0].interrupts


def test_a_container_that_ends_again_and_again_is_made_anew_and_not_waited_for() -> None:
    stack = samples.stack()
    looping = Service("id", ServiceState.RESTARTING, stack.digest, stack.image.inputs, "then")

    steps = plan(stack, replace(after(stack), service=looping, ready=False))

    assert operations(steps) == [Operation.START_SERVICE, Operation.WAIT_READY, Operation.PROVE]
    assert steps[0].cause.key == "plan.service-crashing"


def test_a_changed_key_is_stored_and_given_to_the_service() -> None:
    old, new = samples.stack(secret_version="v1"), samples.stack(secret_version="v2")

    steps = plan(new, after(old))

    assert operations(steps)[:3] == [Operation.MAKE_SECRET, Operation.WRITE_FILES, Operation.START_SERVICE]
    assert "v2" not in str(steps)


def test_a_local_service_is_stopped_before_its_code_changes_under_it() -> None:
    old, new = samples.stack(target="local"), samples.stack(target="local", inputs="cd" * 32)

    steps = plan(new, after(old, environment=LOCK))

    assert operations(steps) == [
        Operation.UNPACK_PAYLOAD,
        Operation.WRITE_FILES,
        Operation.STOP_SERVICE,
        Operation.START_SERVICE,
        Operation.WAIT_READY,
        Operation.PROVE,
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_operation_has_a_name_in_every_language(locale: str) -> None:
    say = Catalogue(locale)

    assert all(say(f"plan.op.{operation.value}") for operation in Operation)
