"""The state folder: whole files, private keys, one command at a time."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy_kit.errors import Failure
from deploy_kit.run.state import State, home, key_version
from tests.support import samples


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State("indextts", tmp_path)


def test_root_and_users_keep_their_state_apart() -> None:
    assert home({}, 0) == Path("/var/lib/deploykit")
    assert home({"HOME": "/home/me"}, 1000) == Path("/home/me/.local/state/deploykit")
    assert home({"XDG_STATE_HOME": "/x", "HOME": "/home/me"}, 1000) == Path("/x/deploykit")


def test_a_saved_stack_comes_back(state: State) -> None:
    stack = samples.stack()
    state.save_files({"compose.yaml": "text"})
    state.save_stack(stack)

    assert state.stack() == stack
    assert state.files_digest(stack, {"compose.yaml": "text"}) == stack.digest


def test_a_file_changed_by_hand_is_noticed(state: State) -> None:
    state.save_files({"compose.yaml": "text"})
    (state.files / "compose.yaml").write_text("changed")

    assert state.files_digest(samples.stack(), {"compose.yaml": "text"}) == "other"


def test_no_files_are_no_digest(state: State) -> None:
    assert state.files_digest(samples.stack(), {"compose.yaml": "text"}) is None


def test_a_key_counts_as_unseen_until_it_was_shown(state: State) -> None:
    assert state.key_unseen()
    state.save_key("s3cret-key", shared_with_group=False, unseen=True)
    assert state.key_unseen()

    state.key_seen()

    assert not state.key_unseen()


def test_a_stack_of_another_version_is_no_stack(state: State) -> None:
    state.save_stack(samples.stack())
    (state.folder / "stack.json").write_text('{"schema": 99, "other": true}')

    assert state.stack() is None


@pytest.mark.parametrize(("shared", "mode"), [(False, 0o600), (True, 0o640)])
def test_the_key_is_private(state: State, shared: bool, mode: int) -> None:
    state.save_key("s3cret-key", shared_with_group=shared)

    assert stat.S_IMODE(state.key_file.stat().st_mode) == mode
    assert state.key() == "s3cret-key"
    assert state.key_version() == key_version("s3cret-key")
    assert "s3cret" not in key_version("s3cret-key")


def test_what_kept_nothing_leaves_no_folder(state: State) -> None:
    with pytest.raises(RuntimeError), state.lock():
        raise RuntimeError

    assert not state.folder.exists()


def test_what_was_kept_stays_with_its_lock(state: State) -> None:
    with state.lock():
        state.record("start")

    assert (state.folder / "lock").exists()
    with state.lock():
        assert len(list(state.folder.iterdir())) == 2


def test_two_commands_at_once_are_refused(state: State) -> None:
    with state.lock(), pytest.raises(Failure) as caught, State("indextts", state.folder.parent).lock():
        pass

    assert caught.value.finding.code == "HOST-STACK-BUSY"


def test_an_unwritable_place_is_one_clear_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Failure) as caught:
        State("indextts", tmp_path / "file").save_stack(samples.stack())

    assert caught.value.finding.code == "HOST-STATE-UNWRITABLE"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00key", b"two words", "ключ-ключ".encode(), b"", b"line\nline"])
def test_a_damaged_key_is_no_key(state: State, content: bytes) -> None:
    state.save_key("s3cret-key", shared_with_group=False)
    state.key_file.write_bytes(content)

    assert state.key() is None
    assert state.key_version() is None


def test_a_damaged_proof_is_none(state: State) -> None:
    state.save_stack(samples.stack())
    (state.folder / "proof").write_bytes(b"\xff\xfe")

    assert state.proof() is None


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(Failure) as caught:
        act()
    return caught.value.finding.code


def test_a_lock_that_cannot_be_opened_is_a_finding(state: State) -> None:
    (state.folder / "lock").mkdir(parents=True)

    assert code_of(lambda: state.lock().__enter__()) == "HOST-STATE-UNWRITABLE"


def test_a_history_that_cannot_be_written_is_a_finding(state: State) -> None:
    (state.folder / "history.jsonl").mkdir(parents=True)

    assert code_of(lambda: state.record("start")) == "HOST-STATE-UNWRITABLE"


def test_a_state_file_in_the_place_of_the_folder_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "indextts").write_text("")
    state = State("indextts", tmp_path)

    assert code_of(lambda: state.remember_proof("1 2")) == "HOST-STATE-UNWRITABLE"
    assert (state.key(), state.proof(), state.stack(), state.key_unseen()) == (None, None, None, True)


def test_a_stack_with_half_a_character_is_no_stack(state: State) -> None:
    state.save_stack(samples.stack())
    saved = state.folder / "stack.json"
    saved.write_text(saved.read_text().replace('"espeak"', '"\\ud800"'))

    assert state.stack() is None


def test_a_stack_that_is_nested_without_end_is_no_stack(state: State) -> None:
    state.save_stack(samples.stack())
    (state.folder / "stack.json").write_text("[" * 100_000)

    assert state.stack() is None


def test_a_file_of_an_earlier_stack_is_noticed_and_removed(state: State) -> None:
    state.save_files({"compose.yaml": "text", "compose.gpu.yaml": "card"})
    only = {"compose.yaml": "text"}
    assert state.files_digest(samples.stack(), only) == "other"

    state.save_files(only)

    assert state.files_digest(samples.stack(), only) == samples.stack().digest
    assert not (state.files / "compose.gpu.yaml").exists()


def test_the_token_of_the_hub_is_private(state: State) -> None:
    state.save_token("hf_token", shared_with_group=False)

    assert stat.S_IMODE(state.token_file.stat().st_mode) == 0o600
    assert state.token_version() == key_version("hf_token")


def test_accepted_licences_are_remembered_for_each_engine(state: State) -> None:
    state.accept_licence("indextts-2.5")
    state.accept_licence("indextts-2")

    assert state.licences() == {"indextts-2", "indextts-2.5"}
