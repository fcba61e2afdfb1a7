"""Programs written in Go that the tests run: built from a pinned module, once, into the user's cache folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from deploy_kit import proc

_MODULE = "tests/tools/kube"
_USUAL = ("/usr/local/go/bin", "/usr/lib/go/bin")
_OLDEST = (1, 24)
_HELM = "helm.sh/helm/v3"
_NAMES = (
    *("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl"),
    "device-plugin",
)
"""What the one program of the module is called by."""

_BUILD_SECONDS = 3000.0
_FORGET_SECONDS = 30 * 86400.0


def find_go() -> str | None:
    """A Go that is new enough for the module, on PATH or where it usually lies; None when there is none."""
    places = os.pathsep.join((os.environ.get("PATH", ""), *_USUAL))
    go = shutil.which("go", path=places)
    if go is None:
        return None
    try:
        said = proc.run((go, "env", "GOVERSION"), timeout=20, env={"GOTOOLCHAIN": "local"}).stdout
    except proc.CommandError:
        return None
    version = re.match(r"go(\d+)\.(\d+)", said)
    return go if version and (int(version[1]), int(version[2])) >= _OLDEST else None


def place(root: Path, env: Mapping[str, str] | None = None) -> Path:
    """Where the programs lie that belong to what the module is now; each state has a folder of its own."""
    found = os.environ if env is None else env
    cache = found.get("XDG_CACHE_HOME") or f"{found.get('HOME', '/root')}/.cache"
    return Path(cache) / f"deploykit/tests/kube-{_digest(root / _MODULE)}"


def build(root: Path, go: str, line: Callable[[str], None]) -> Path:
    """Build the programs unless they are there; minutes with empty caches, half a minute with Go's own.

    Two at once are safe: the second waits, then finds them.

    Raises:
        proc.CommandError: Go is missing, offline, or the module does not build.
    """
    folder = place(root)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent):
        if not folder.is_dir():
            _forget(folder.parent)
            with tempfile.TemporaryDirectory(prefix=".kube-", dir=folder.parent) as name:
                fresh = Path(name) / "bin"
                _compile(root / _MODULE, fresh, go, line)
                fresh.rename(folder)
    os.utime(folder)
    return folder


def _compile(module: Path, fresh: Path, go: str, line: Callable[[str], None]) -> None:
    fresh.mkdir()
    packages = (".", "./pause", f"{_HELM}/cmd/helm")
    options = ("-mod=readonly", "-buildvcs=false", "-trimpath", f"-o={fresh}/", f"-ldflags={_flags(module)}")
    settings = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": None, "GOWORK": "off"}
    nice = proc.which("nice")
    gentle = () if nice is None else (nice, "-n", "10")
    proc.stream((*gentle, go, "build", *options, *packages), line, timeout=_BUILD_SECONDS, cwd=module, env=settings)
    for name in _NAMES:
        (fresh / name).symlink_to("kube")


def _flags(module: Path) -> str:
    """Versions into the programs: charts ask the server for its own, and a client compares it with its own."""
    text = (module / "go.mod").read_text(encoding="utf-8")
    release, helm = (_version(text, name) for name in ("k8s.io/kubernetes", _HELM))
    major, minor, _ = release.split(".")
    own = {"gitVersion": f"v{release}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    named = [f"-X k8s.io/component-base/version.{name}={value}" for name, value in own.items()]
    return " ".join(("-s -w", *named, f"-X {_HELM}/internal/version.version=v{helm}"))


def _version(text: str, name: str) -> str:
    found = re.search(rf"^\s*{re.escape(name)} v(\S+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"go.mod does not require {name}")
    return found[1]


def _digest(module: Path) -> str:
    files = sorted((module / "go.mod", module / "go.sum", *module.rglob("*.go")))
    seen = hashlib.sha256(_flags(module).encode())
    for file in files:
        seen.update(f"{file.relative_to(module)}\n".encode() + file.read_bytes())
    return seen.hexdigest()[:16]


def _forget(parent: Path) -> None:
    """Remove what no run has used for a month."""
    for old in parent.glob("kube-*"):
        if time.time() - old.stat().st_mtime > _FORGET_SECONDS:
            shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _alone(parent: Path) -> Iterator[None]:
    with (parent / "kube.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Building:
    """A build in the background, beside whatever else is prepared meanwhile."""

    def __init__(self, root: Path, go: str) -> None:
        self._lines: list[str] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(root, go), name="go-build", daemon=True)
        self._thread.start()

    def end(self) -> str:
        """Wait; what went wrong in the compiler's last words, empty when nothing did."""
        self._thread.join()
        if self._error is None:
            return ""
        said = [text for text in self._lines if not text.startswith("go: downloading")]
        return "\n".join((str(self._error), *said[-8:]))

    def _run(self, root: Path, go: str) -> None:
        try:
            build(root, go, self._lines.append)
        except (proc.CommandError, OSError, ValueError) as error:
            self._error = error
