"""``report``: everything that helps somebody else to find a fault, and nothing that is only the user's.

What goes in is listed here, piece by piece: no folder is packed as it is. So weights, voices, sounds and texts cannot
get in. Every text passes the `Scrubber`. A piece that cannot be had is named with the reason: the worst host gives the
shortest report, never none.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import platform
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_kit import __version__, codec, files, proc
from deploy_kit.cluster.facts import ClusterFacts
from deploy_kit.config.request import Request
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts
from deploy_kit.lifecycle import privacy
from deploy_kit.lifecycle.site import state_of
from deploy_kit.messages import Catalogue
from deploy_kit.redact import Scrubber
from deploy_kit.run.state import State

LOG_LINES = 2000
_LARGEST = 2 << 20
"""Characters of a text; of a longer one the end is kept."""
_MARGIN = 1 << 16
"""So much more is looked through, so that no secret is cut in two and not known again."""
_HISTORY_LINES = 200
_TOOL_SECONDS = 10.0
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was collected: texts by name, and what could not be had, by name, with the reason."""

    texts: Mapping[str, str]
    missing: Mapping[str, str]

    def packed(self, folder: str) -> bytes:
        """A compressed archive of it, in which everything stands in one folder."""
        raw, now = io.BytesIO(), int(time.time())
        with tarfile.open(fileobj=raw, mode="w") as archive:
            for name, text in self.texts.items():
                content = text.encode("utf-8", "replace")
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size, entry.mode, entry.mtime = len(content), _MODE, now
                archive.addfile(entry, io.BytesIO(content))
        return gzip.compress(raw.getvalue(), mtime=now)


def file_name(request: Request) -> str:
    """A name for the archive that no older one has."""
    return f"deploykit-report-{request.name}-{time.strftime('%Y%m%d-%H%M%S')}.tar.gz"


def write(bundle: Bundle, file: Path) -> None:
    """Write the archive, readable for its owner only.

    Raises:
        OSError: It cannot be written.
    """
    files.write_whole(file, bundle.packed(file.name.partition(".")[0] or "report"), mode=_MODE)


def collect(
    request: Request, words: Catalogue, *, origins: Mapping[str, str] | None = None, trouble: Failure | None = None
) -> Bundle:
    """Ask for every piece; changes nothing on the host.

    Args:
        words: The language of findings and of the list of contents.
        origins: Where each setting came from.
        trouble: Why the user's own settings could not be read, when they could not.
    """
    work = _Work(request, state_of(request), words, origins or {}, trouble)
    pieces: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, piece in work.pieces():
        made, reason = _made(piece, words)
        if made is None:
            missing[name] = reason
        else:
            pieces[name] = made
    scrub = privacy.scrubber(request, work.state, work.facts)
    texts = {name: _text(made, scrub) for name, made in sorted(pieces.items())}
    missing = {name: scrub(reason) for name, reason in missing.items()}
    return Bundle({"README.txt": _readme(texts, missing, words)} | texts, missing)


def _made(piece: Callable[[], Any], words: Catalogue) -> tuple[Any, str]:
    """A piece, or None and why it cannot be had."""
    try:
        return piece(), words("report.nothing_there")
    except FileNotFoundError:
        return None, words("report.nothing_there")
    except Exception as error:  # noqa: BLE001 - a report is made of what there is, whatever is broken
        return None, _reason(error, words)


def _text(made: Any, scrub: Scrubber) -> str:
    """A piece as it is packed."""
    if isinstance(made, str):
        return _end(scrub(made[-_LARGEST - _MARGIN :]))
    return json.dumps(privacy.scrubbed(made, scrub), ensure_ascii=False, indent=1) + "\n"


def _readme(texts: Mapping[str, str], missing: Mapping[str, str], words: Catalogue) -> str:
    lines = [words("report.about", version=__version__), "", words("report.contents"), *texts]
    if missing:
        lines += ["", words("report.missing"), *(f"{name}: {reason}" for name, reason in sorted(missing.items()))]
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Work:
    """The pieces, each made when it is asked for; facts are looked at once."""

    request: Request
    state: State
    words: Catalogue
    origins: Mapping[str, str]
    trouble: Failure | None
    facts: HostFacts | None = None
    cluster: ClusterFacts | None = None

    def pieces(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        yield "facts.json", self._facts
        yield "versions.json", _versions
        yield "settings.json", self._settings
        yield "findings.json", self._findings
        yield "plan.json", self._plan
        yield "status.json", self._status
        yield "kernel.txt", self._kernel
        yield "state/stack.json", lambda: _read(self.state.folder / "stack.json")
        yield "state/history.jsonl", self._history
        yield "state/listing.txt", self._listing
        for path in sorted(self.state.files.glob("*")) if files.is_folder(self.state.files) else ():
            yield f"state/files/{path.name}", functools.partial(_read, path)
        yield "logs/service.txt", self._log
        yield "logs/causes.json", self._causes
        yield "engine/container.json", self._container
        yield "engine/version.txt", lambda: _said("docker", "version")
        yield "engine/info.txt", lambda: _said("docker", "info")
        yield "engine/containers.txt", lambda: _said("docker", "ps", "--all", "--filter", "label=io.deploykit.name")
        yield "engine/images.txt", lambda: _said("docker", "images", "--filter", "label=io.deploykit.inputs")
        yield "cluster/facts.json", self._cluster
        yield "cluster/findings.json", self._cluster_findings
        yield "gpu/nvidia-smi.txt", lambda: _said("nvidia-smi") if proc.which("nvidia-smi") else None

    def _facts(self) -> Any:
        from deploy_kit.lifecycle import doctor

        self.facts = doctor.observe(self.request)
        return codec.to_plain(self.facts)

    def _cluster(self) -> Any:
        """What is seen of a cluster, where the settings mean one: nobody's else is asked."""
        where = self.request.kubernetes
        if self.request.target != "kubernetes" and not (where.context or where.namespace or where.kubeconfig):
            return None
        from deploy_kit.lifecycle import cluster

        self.cluster = cluster.observe(self.request)
        return privacy.without_address(codec.to_plain(self.cluster), self.cluster)

    def _cluster_findings(self) -> Any:
        from deploy_kit.lifecycle import cluster

        if self.cluster is None:
            return None
        _, verdict = cluster.examine(self.request, self.cluster)
        found = codec.to_plain(verdict) | {"findings": [self._finding(one) for one in verdict.findings]}
        return privacy.without_address(found, self.cluster)

    def _settings(self) -> Any:
        found: dict[str, Any] = {"settings": codec.to_plain(self.request), "origins": dict(self.origins)}
        if self.trouble is not None:
            found["trouble"] = [self._finding(one) for one in (self.trouble.finding, *self.trouble.more)]
        return found

    def _findings(self) -> Any:
        from deploy_kit.lifecycle import doctor

        if self.facts is None:
            return None
        verdict = doctor.judge(self.request, self.facts, built=True, stored=True, port_is_ours=True)
        found = [self._finding(finding) for finding in verdict.findings]
        return {"variant": verdict.variant, "device": verdict.device, "findings": found}

    def _finding(self, finding: Any) -> Any:
        said = {}
        for part in ("what", "why", "remedy"):
            message = finding.sentence(part)
            said[part] = self.words.text(message.key, message.args) if self.words.has(message.key) else message.key
        return codec.to_plain(finding) | said

    def _plan(self) -> Any:
        if self.request.target == "kubernetes":  # Helm holds what is planned there
            return None
        from deploy_kit.lifecycle import up

        prepared = up.prepare(self.request)
        return {"stack": codec.to_plain(prepared.stack), "steps": codec.to_plain(prepared.steps)}

    def _status(self) -> Any:
        from deploy_kit.lifecycle import status

        return codec.to_plain(status.status(self.request))

    def _kernel(self) -> str | None:
        lines = self.facts.upkeep.log.value if self.facts is not None else None
        return "\n".join(lines) + "\n" if lines else None

    def _history(self) -> str:
        return "".join(_read(self.state.folder / "history.jsonl").splitlines(keepends=True)[-_HISTORY_LINES:])

    def _listing(self) -> str | None:
        """Names, sizes and modes of what stands in the state folder; of the store and the sounds only that they are."""
        if not files.is_folder(self.state.folder):
            return None
        lines = []
        for path in sorted(self.state.folder.iterdir()):
            inner = sorted(path.iterdir()) if path.name in ("files", "secrets", "site", "local") else []
            for one in (path, *inner):
                found = one.lstat()
                lines.append(f"{found.st_mode:o} {found.st_uid} {found.st_size} {one.relative_to(self.state.folder)}")
        return "\n".join(lines) + "\n"

    def _log(self) -> str | None:
        from deploy_kit.lifecycle.site import running
        from deploy_kit.run import local
        from deploy_kit.tools import docker

        container = running(self.state).container
        lines = (
            docker.logs_tail(container.id, LOG_LINES) if container is not None else local.tail(self.state, LOG_LINES)
        )
        return "\n".join(lines) + "\n" if lines else None

    def _causes(self) -> Any:
        from deploy_kit.lifecycle import explain

        kernel = (self.facts.upkeep.log.value or ()) if self.facts is not None else ()
        return codec.to_plain(explain.service(self.state, kernel=kernel, lines=LOG_LINES))

    def _container(self) -> Any:
        if not proc.which("docker"):
            return None
        from deploy_kit.tools import docker

        said = docker.call("container", "inspect", self.state.name, timeout=_TOOL_SECONDS, check=False)
        return json.loads(said.stdout) if said.ok else None


def _versions() -> Any:
    return {"deploykit": __version__, "python": platform.python_version(), "system": platform.platform()}


def _said(*argv: str) -> str | None:
    """What a program prints; None where it is not."""
    if not proc.which(argv[0]):
        return None
    said = proc.run(argv, timeout=_TOOL_SECONDS, check=False)
    return f"$ {' '.join(argv)}\n{said.stdout}{said.stderr}[exit {said.returncode}]\n"


def _read(path: Path) -> str:
    return files.read(path, _LARGEST).decode("utf-8", "replace")


def _end(text: str) -> str:
    return text if len(text) <= _LARGEST else f"…\n{text[-_LARGEST:]}"


def _reason(error: Exception, words: Catalogue) -> str:
    if isinstance(error, Failure):
        message = error.finding.sentence("what")
        return f"{error.finding.code} {words.text(message.key, message.args)}"
    return f"{type(error).__name__}: {error}"
