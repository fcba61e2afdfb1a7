"""The model directory that upstream gets: links into the cache, and a config that can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.cache.conftest import ENGINE, FILES, plant
from tests.support.hub import write_lock

CONFIG = b"""dataset:
    bpe_model: bpe.model
gpt:
    model_dim: 1280
gpt_checkpoint: /cubefs/somebody/run7/checkpoint_5000.pth   # theirs
s2mel_checkpoint: "/mnt/x/s2mel.pth"
w2v_stat: wav2vec2bert_stats.pt
qwen_emo_path: qwen0.6bemo4-merge/
version: 2.5
"""


def made(tmp_path: Path, files: dict[str, bytes], *, emotion_text: bool = True) -> tuple[Path, tuple[str, ...]]:
    from tts_cache import view
    from tts_cache.lock import Lock

    root = plant(tmp_path / "weights", files)
    write_lock(root, tmp_path / "lock.json", engine=ENGINE)
    items = Lock.load(tmp_path / "lock.json").needs(ENGINE, emotion_text)
    cache = plant(tmp_path / "cache", {item.place: files[item.path] for item in items})
    before = {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    result = view.make(cache, items, tmp_path / "view")
    assert {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()} == before
    return result.folder, result.repaired


def test_every_file_stands_where_upstream_looks(tmp_path: Path) -> None:
    folder, repaired = made(tmp_path, dict(FILES))

    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(FILES)
    assert (folder / "gpt.pth").is_symlink()
    assert (folder / "gpt.pth").read_bytes() == FILES["gpt.pth"]
    assert repaired == ()


def test_a_config_with_paths_of_its_makers_machine_is_repaired_and_told(tmp_path: Path) -> None:
    folder, repaired = made(tmp_path, FILES | {"config.yaml": CONFIG, "wav2vec2bert_stats.pt": b"x"})

    rows = (folder / "config.yaml").read_text().splitlines()
    assert "gpt_checkpoint: gpt.pth   # theirs" in rows
    assert "s2mel_checkpoint: s2mel.pth" in rows
    assert "    model_dim: 1280" in rows
    assert repaired == ("config.yaml: gpt_checkpoint", "config.yaml: s2mel_checkpoint")
    assert not (folder / "config.yaml").is_symlink()


def test_a_view_can_be_made_again_in_the_same_place(tmp_path: Path) -> None:
    made(tmp_path, FILES | {"config.yaml": CONFIG})
    folder, _ = made(tmp_path, dict(FILES))

    assert (folder / "config.yaml").read_bytes() == FILES["config.yaml"]


def test_the_products_own_lock_gives_upstreams_directory() -> None:
    from tts_cache.lock import Lock

    lock = Lock.load()
    views = {item.view for item in lock.needs("indextts-2.5", False)}

    assert {"config.yaml", "gpt.pth", "codec.pth", "hf_cache/w2v-bert-2.0/model.safetensors"} <= views
    assert {"hf_cache/campplus_cn_common.bin", "hf_cache/bigvgan/bigvgan_generator.pt"} <= views
    assert not any("semantic_codec" in place for place in views)
    assert "hf_cache/semantic_codec_model.safetensors" in {item.view for item in lock.needs("indextts-2", False)}


@pytest.mark.parametrize(
    ("engine", "emotion_text", "gigabytes"),
    [
        ("indextts-2.5", False, 7.08),
        ("indextts-2.5", True, 8.29),
        ("indextts-2", False, 7.66),
        ("indextts-2", True, 8.87),
    ],
)
def test_only_what_the_engine_needs_is_fetched(engine: str, emotion_text: bool, gigabytes: float) -> None:
    from tts_cache.lock import Lock

    need = sum(item.bytes or 0 for item in Lock.load().needs(engine, emotion_text))

    assert round(need / 1e9, 2) == gigabytes


def test_both_versions_share_what_they_have_in_common() -> None:
    from tts_cache.lock import Lock

    lock = Lock.load()
    new, old = ({item.place for item in lock.needs(engine, True)} for engine in ("indextts-2.5", "indextts-2"))

    assert len(new & old) == 6
    assert lock.needs("espeak", True) == ()
