"""The state folder of one stack: lock, stack, rendered files, API key, history.

Labels on containers are the truth; everything here but the API key and the history can be made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from deploy_kit import codec, files
from deploy_kit.errors import fail
from deploy_kit.plan.stack import Stack


def home(environment: Mapping[str, str], uid: int) -> Path:
    """Where the state of all stacks lives: ``/var/lib/deploykit`` for root, else under ``$XDG_STATE_HOME``."""
    if uid == 0:
        return Path("/var/lib/deploykit")
    base = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME", "/")) / ".local/state")
    return Path(base) / "deploykit"


def key_version(key: str) -> str:
    """A name for an API key, so that a changed key changes the stack; one way, and never shown."""
    return hashlib.sha256(b"deploykit api key\0" + key.encode()).hexdigest()[:16]


class State:
    """The state folder of the stack ``name``; made when something is first written."""

    def __init__(self, name: str, base: Path) -> None:
        self.name = name
        self.folder = base / name
        self.files = self.folder / "files"
        self.local = self.folder / "local"
        self.key_file = self.folder / "secrets" / "api_key"
        self.token_file = self.key_file.with_name("hub_token")
        self._unseen = self.key_file.with_name("unseen")
        self.outputs = self.folder / "outputs"
        self.cache_hub = base / "cache_hub"
        self.gpu_hub = base / "gpu"
        self.site = self.folder / "site"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold this stack for one command.

        Raises:
            Failure: HOST-STACK-BUSY, when another command holds it; HOST-STATE-UNWRITABLE.
        """
        with self._locked():
            try:
                yield
            finally:
                self._leave_no_trace()

    def _locked(self) -> IO[str]:
        """The lock's file, locked: that which stands there, for one that went without a trace is nobody's any more."""
        path = self.folder / "lock"
        while True:
            self._make(self.folder)
            with _writable(path):
                try:
                    file = path.open("a")
                except FileNotFoundError:  # the folder went just now
                    continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
            except BlockingIOError:
                file.close()
                raise fail("HOST-STACK-BUSY", self.name) from None
            file.close()

    def _leave_no_trace(self) -> None:
        """What failed before it kept anything does not keep a folder either."""
        with contextlib.suppress(OSError):
            if [path.name for path in self.folder.iterdir()] == ["lock"]:
                (self.folder / "lock").unlink()
                self.folder.rmdir()

    def stack(self) -> Stack | None:
        """The stack that was last started; None without one or when it was written by another version."""
        try:
            return codec.loads(Stack, (self.folder / "stack.json").read_bytes())
        except (OSError, codec.CodecError):
            return None

    def save_files(self, files: Mapping[str, str]) -> None:
        """Write the rendered files; those of an earlier stack that this one has not are removed."""
        self._make(self.files)
        for name, text in files.items():
            self._write(self.files / name, text.encode())
        for path in self._stale(files):
            with _writable(path):
                path.unlink(missing_ok=True)

    def save_stack(self, stack: Stack) -> None:
        """Remember the stack that was just started: what `status` and `say` go by."""
        self._make(self.folder)
        self._write(self.folder / "stack.json", codec.dumps(stack, indent=1).encode(), 0o600)

    def files_digest(self, stack: Stack, files: Mapping[str, str]) -> str | None:
        """The stack's digest when its files stand there as rendered, ``other`` when something else does, or None."""
        stale = self._stale(files)
        if not stale and all(_says(self.files / name, text) for name, text in files.items()):
            return stack.digest
        return "other" if any(os.path.lexists(self.files / name) for name in files) else None

    def _stale(self, files: Mapping[str, str]) -> list[Path]:
        """Compose files that stand there and are none of these."""
        return sorted(path for path in self.files.glob("compose*.yaml") if path.name not in files)

    def key(self) -> str | None:
        """The API key in force, or None; what could not be sent as a key is none, and the next ``up`` makes one."""
        words = (_text(self.key_file) or "").split()
        return words[0] if len(words) == 1 and words[0].isascii() else None

    def key_version(self) -> str | None:
        """The version of the stored API key, None without one."""
        key = self.key()
        return None if key is None else key_version(key)

    def save_key(self, key: str, *, shared_with_group: bool, unseen: bool = False) -> None:
        """Store the API key: mode 0600, or 0640 where the service reads it through group 0."""
        self._make(self.key_file.parent, 0o711)
        if unseen:
            self._write(self._unseen, b"")
        self._write(self.key_file, key.encode(), 0o640 if shared_with_group else 0o600)

    def token_version(self) -> str | None:
        """The version of the stored token of the hub, None without one."""
        token = _text(self.token_file)
        return None if token is None else key_version(token)

    def save_token(self, token: str, *, shared_with_group: bool) -> None:
        """Store the hub's token where the service can read it; modes as for the API key."""
        self._make(self.token_file.parent, 0o711)
        self._write(self.token_file, token.encode(), 0o640 if shared_with_group else 0o600)

    def save_site(self, variables: str, authorities: bytes | None, *, shared_with_group: bool) -> None:
        """Store what the service's downloads need of the site; proxies may hold passwords: modes as for the API key."""
        self._make(self.site, 0o711)
        self._write(self.site / "variables.json", variables.encode(), 0o640 if shared_with_group else 0o600)
        if authorities is not None:
            self._write(self.site / "ca.pem", authorities, 0o644)

    def licences(self) -> frozenset[str]:
        """The engines for whose weights the user has accepted the licences."""
        text = _text(self.folder / "licences") or ""
        return frozenset(text.split())

    def accept_licence(self, engine: str) -> None:
        """Remember that the licences of an engine's weights were accepted."""
        self._make(self.folder)
        self._write(self.folder / "licences", " ".join(sorted(self.licences() | {engine})).encode())

    def key_unseen(self) -> bool:
        """Whether the key still has to be made, or was stored by an ``up`` that ended before it could be shown."""
        return not files.is_file(self.key_file) or files.is_file(self._unseen)

    def key_seen(self) -> None:
        """The key was handed to the user: it is never shown again."""
        with _writable(self._unseen):
            self._unseen.unlink(missing_ok=True)

    def proof(self) -> str | None:
        """Which start of the service has spoken its sentence (`remember_proof`)."""
        return _text(self.folder / "proof")

    def remember_proof(self, start: str) -> None:
        self._write(self.folder / "proof", start.encode())

    def wish(self) -> str | None:
        """What was left open and what was said when the stack was last decided (`remember_wish`)."""
        return _text(self.folder / "wish")

    def remember_wish(self, digest: str) -> None:
        if self.wish() != digest:
            self._make(self.folder)
            self._write(self.folder / "wish", digest.encode())

    def record(self, event: str, **fields: Any) -> None:
        """Append a line to the history; times are seconds since the epoch."""
        self._make(self.folder)
        path = self.folder / "history.jsonl"
        with _writable(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": round(time.time(), 3), "event": event, **fields}) + "\n")

    def write(self, path: Path, text: str) -> None:
        """Write a file of this folder, whole or not at all."""
        self._write(path, text.encode())

    def _make(self, folder: Path, mode: int = 0o755) -> None:
        with _writable(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=mode)

    def _write(self, path: Path, content: bytes, mode: int = 0o644) -> None:
        with _writable(path):
            files.write_whole(path, content, mode=mode)


@contextlib.contextmanager
def _writable(path: Path) -> Iterator[None]:
    """What the system refuses about a path of the state folder becomes a finding."""
    try:
        yield
    except OSError as error:
        raise fail("HOST-STATE-UNWRITABLE", str(path), reason=error.strerror or str(error)) from None


def _text(path: Path) -> str | None:
    """The text of a file, None when there is none or it was damaged."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _says(path: Path, text: str) -> bool:
    return _text(path) == text
