"""Where the engine's source comes from, what is taken of it, and what is said about it."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deploy_kit import data
from deploy_kit.builder import engine_source, taken
from deploy_kit.builder.fetch import Fetcher
from deploy_kit.config.request import BuildSettings
from deploy_kit.errors import Failure
from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event

FILES = {
    "indextts/__init__.py": "",
    "indextts/infer_v2_5.py": "class IndexTTS2: ...\n",
    "indextts/s2mel/modules/audio.py": "x = 1\n",
    "LICENSE": "terms\n",
    "LICENSE_ZH.txt": "条款\n",
    "DISCLAIMER": "none\n",
}
REST = {
    "webui.py": "print()\n",
    "indextts/BigVGAN/activation.cu": "__global__\n",
    "indextts/s2mel/.ipynb_checkpoints/audio-checkpoint.py": "old\n",
    "assets/video.mp4": "big",
}


@dataclass
class Net:
    """A network of make-believe: what each address serves; everything else cannot be reached."""

    served: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def fetch(self, url: str, target: Path, most: int) -> str:
        self.asked.append(url)
        if url not in self.served:
            return "no route to host"
        target.write_bytes(self.served[url])
        return ""

    @property
    def environment(self) -> dict[str, str]:
        return {}

    @property
    def said(self) -> list[str]:
        return [Catalogue("en").text(e.message.key, e.message.args) for e in self.events if e.message is not None]


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    """The pinned commit is the little source of these tests; nobody has git."""
    files = {name: text.encode() for name, text in FILES.items()}
    table = {**data.table("engine_source"), "digest": digest(files)}
    real = data.table
    monkeypatch.setattr(data, "table", lambda name: table if name == "engine_source" else real(name))
    monkeypatch.setattr(engine_source.proc, "run", nothing_runs)
    return Net()


def nothing_runs(argv: tuple[str, ...], **_: Any) -> Any:
    raise engine_source.proc.CommandMissing(argv, "git: not found")


def digest(files: dict[str, bytes]) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        return taken.digest(taken.files(lay(Path(name), files), data.table("engine_source")))


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def checkout(folder: Path, **more: str) -> Path:
    return lay(folder, {name: text.encode() for name, text in {**FILES, **REST, **more}.items()})


def tarred(folder: Path, top: str = "index-tts-abc/") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, arcname=f"{top}{path.relative_to(folder)}", recursive=False)
    return buffer.getvalue()


def zipped(folder: Path, top: str = "index-tts-abc/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{top}{path.relative_to(folder)}")
    return buffer.getvalue()


def acquire(net: Net, cache: Path, source: str = "auto", *mirrors: str) -> engine_source.EngineSource:
    settings = BuildSettings("base", engine_source=source, engine_archives=mirrors)
    return engine_source.acquire(settings, net, net.events.append, cache=cache)  # type: ignore[arg-type]


def test_of_a_checkout_the_modules_and_the_licences_are_taken_and_nothing_else(net: Net, tmp_path: Path) -> None:
    found = acquire(net, tmp_path / "cache", str(checkout(tmp_path / "mine")))

    assert {str(p.relative_to(found.folder)) for p in found.folder.rglob("*") if p.is_file()} == set(FILES)
    assert found.locked
    assert net.asked == []


def test_a_checkout_that_differs_is_taken_and_said_to_be_unlocked(net: Net, tmp_path: Path) -> None:
    found = acquire(net, tmp_path / "cache", str(checkout(tmp_path / "mine", **{"indextts/new.py": "y = 1\n"})))

    assert not found.locked
    assert any("not the pinned commit" in text for text in net.said)


def test_a_change_in_a_checkout_is_seen_at_the_next_build(net: Net, tmp_path: Path) -> None:
    mine = checkout(tmp_path / "mine")
    first = acquire(net, tmp_path / "cache", str(mine))
    (mine / "indextts/infer_v2_5.py").write_text("class IndexTTS2: x = 2\n")

    assert acquire(net, tmp_path / "cache", str(mine)).digest != first.digest


@pytest.mark.parametrize("pack", [tarred, zipped])
@pytest.mark.parametrize("top", ["index-tts-abc/", "", "./"])
def test_an_archive_is_the_same_as_its_checkout(net: Net, tmp_path: Path, pack: Callable[..., bytes], top: str) -> None:
    archive = tmp_path / "source.archive"
    archive.write_bytes(pack(checkout(tmp_path / "mine"), top))

    assert acquire(net, tmp_path / "cache", str(archive)).locked


def test_the_pinned_commit_comes_from_the_first_place_that_serves_it(net: Net, tmp_path: Path) -> None:
    commit = data.table("engine_source")["commit"]
    net.served = {f"https://mirror.example/{commit}.tar.gz": tarred(checkout(tmp_path / "mine"))}

    found = acquire(
        net, tmp_path / "cache", "auto", "https://down.example/{commit}", "https://mirror.example/{commit}.tar.gz"
    )

    assert found.locked
    assert net.asked == [f"https://down.example/{commit}", f"https://mirror.example/{commit}.tar.gz"]


def test_what_was_fetched_once_needs_no_network(net: Net, tmp_path: Path) -> None:
    net.served = {"https://mirror.example/x.tar.gz": tarred(checkout(tmp_path / "mine"))}
    first = acquire(net, tmp_path / "cache", "auto", "https://mirror.example/x.tar.gz")
    net.asked.clear()

    assert acquire(net, tmp_path / "cache", "auto", "https://mirror.example/x.tar.gz") == first
    assert net.asked == []


def test_what_is_kept_or_lies_on_the_disk_is_at_hand(net: Net, tmp_path: Path) -> None:
    net.served = {"https://mirror.example/x.tar.gz": tarred(checkout(tmp_path / "there"))}
    before = engine_source.at_hand("auto", cache=tmp_path / "c")
    acquire(net, tmp_path / "c", "auto", "https://mirror.example/x.tar.gz")

    assert (before, engine_source.at_hand("auto", cache=tmp_path / "c")) == (False, True)
    assert engine_source.at_hand(str(checkout(tmp_path / "mine")), cache=tmp_path / "other")
    assert not engine_source.at_hand("https://example.org/it.tar.gz", cache=tmp_path / "c")


def test_a_kept_source_that_was_touched_is_fetched_again(net: Net, tmp_path: Path) -> None:
    net.served = {"https://mirror.example/x.tar.gz": tarred(checkout(tmp_path / "mine"))}
    first = acquire(net, tmp_path / "cache", "auto", "https://mirror.example/x.tar.gz")
    (first.folder / "indextts/infer_v2_5.py").write_text("evil\n")

    again = acquire(net, tmp_path / "cache", "auto", "https://mirror.example/x.tar.gz")

    assert again.locked
    assert (again.folder / "indextts/infer_v2_5.py").read_text() == FILES["indextts/infer_v2_5.py"]


def test_a_mirror_that_serves_something_else_is_named_and_nothing_of_it_is_kept(net: Net, tmp_path: Path) -> None:
    other = checkout(tmp_path / "other", **{"indextts/infer_v2_5.py": "evil\n"})
    net.served = {"https://me:secret@mirror.example/x.tar.gz": tarred(other)}

    with pytest.raises(Failure) as caught:
        acquire(net, tmp_path / "cache", "auto", "https://me:secret@mirror.example/x.tar.gz")

    assert caught.value.finding.code == "BUILD-ENGINE-UNLOCKED"
    assert "mirror.example" in caught.value.finding.subject
    assert "secret" not in str(caught.value.finding)
    assert not list((tmp_path / "cache").glob("*"))


def test_when_nobody_answers_every_place_that_was_tried_is_told(net: Net, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        acquire(net, tmp_path / "cache", "auto", "https://me:secret@mirror.example/x.tar.gz")

    finding = caught.value.finding
    assert finding.code == "BUILD-ENGINE-SOURCE"
    reason = str(dict(finding.args)["reason"])
    assert "mirror.example" in reason
    assert "no route to host" in reason
    assert "git" in reason
    assert "secret" not in reason
    assert "build.engine_source" in Catalogue("en").text("findings.BUILD-ENGINE-SOURCE.remedy", finding.args)


@pytest.mark.parametrize(
    "content", [b"<html>captive portal</html>", b"", b"PK\x03\x04 broken"], ids=["html", "empty", "half a zip"]
)
def test_what_is_no_archive_is_said_to_be_none(net: Net, tmp_path: Path, content: bytes) -> None:
    net.served = {"https://m.example/x.zip": content}

    with pytest.raises(Failure) as caught:
        acquire(net, tmp_path / "cache", "https://m.example/x.zip")

    assert caught.value.finding.code == "BUILD-ENGINE-SOURCE"
    assert "no readable archive" in str(dict(caught.value.finding.args)["reason"])


def test_a_folder_without_an_engine_is_refused(net: Net, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(Failure) as caught:
        acquire(net, tmp_path / "cache", str(tmp_path / "empty"))

    assert "no indextts/ in it" in str(dict(caught.value.finding.args)["reason"])


def test_an_archive_writes_nothing_outside_its_folder(net: Net, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("top/indextts/../../../evil.py", "/indextts/evil.py", "top/indextts/__init__.py"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("top/indextts/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    net.served = {"https://m.example/x.tar.gz": buffer.getvalue()}

    found = acquire(net, tmp_path / "cache", "https://m.example/x.tar.gz")

    assert {p.name for p in found.folder.rglob("*") if p.is_file()} <= {"__init__.py", "evil.py"}
    assert [p for p in tmp_path.rglob("evil.py") if not p.is_relative_to(tmp_path / "cache")] == []
    assert not list(tmp_path.rglob("link.py"))


def test_the_tests_own_engine_says_that_it_stands_in(net: Net, tmp_path: Path) -> None:
    marked = checkout(tmp_path / "marked", **{"STAND-IN": ""})
    coded = checkout(tmp_path / "coded", **{"indextts/__init__.py": "STAND_IN = True\n"})

    for folder in (marked, coded):
        assert engine_source.is_stand_in(str(folder))
        assert acquire(net, tmp_path / "cache", str(folder)).stand_in
    assert not engine_source.is_stand_in("auto")
    assert not engine_source.is_stand_in(str(checkout(tmp_path / "plain")))


def test_the_identity_of_a_source_needs_no_network_and_knows_its_content(net: Net, tmp_path: Path) -> None:
    mine = checkout(tmp_path / "mine")
    before = engine_source.identity(str(mine))
    (mine / "webui.py").write_text("another\n")
    same = engine_source.identity(str(mine))
    (mine / "indextts/infer_v2_5.py").write_text("another\n")

    assert before == same == engine_source.identity("auto")
    assert engine_source.identity(str(mine)) != before
    assert engine_source.identity("https://x.example/a.git#1") != engine_source.identity("https://x.example/a.git#2")
    assert net.asked == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is part of every developer's machine")
def test_a_commit_of_a_repository_is_taken_without_its_history(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    mine = checkout(tmp_path / "mine")
    git = ("git", "-C", str(mine), "-c", "user.name=x", "-c", "user.email=x@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "one")):
        subprocess.run((*git, *words), check=True)
    commit = subprocess.run((*git, "rev-parse", "HEAD"), check=True, capture_output=True, text=True).stdout.strip()

    found = engine_source.acquire(
        BuildSettings("base", engine_source=f"file://{mine}#{commit}"),
        Fetcher(),
        net.events.append,
        cache=tmp_path / "c",
    )

    assert {p.name for p in found.folder.rglob("*") if p.is_file()} == {Path(name).name for name in FILES}
    with pytest.raises(Failure) as caught:
        engine_source.acquire(
            BuildSettings("base", engine_source=f"file://{mine}#{'0' * 40}"),
            Fetcher(),
            net.events.append,
            cache=tmp_path,
        )
    assert caught.value.finding.code == "BUILD-ENGINE-SOURCE"
