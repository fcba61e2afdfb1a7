"""The stand-in has upstream's signatures, and its weights are what torch writes."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest

from tests.support import standin_weights
from tests.worker.conftest import ENGINES
from tests.worker.peer import ROOT

SOURCE = ROOT / "tests/support/standin"
SIGNATURES = json.loads((Path(__file__).parent / "signatures.json").read_text(encoding="utf-8"))
"""Of upstream at the pinned commit: parameters with their defaults, as source text."""


def parameters(function: ast.FunctionDef) -> list[str]:
    names = [argument.arg for argument in function.args.args[1:]]
    defaults = [f"={ast.unparse(one)}" for one in function.args.defaults]
    shown = [
        name + default for name, default in zip(names, [""] * (len(names) - len(defaults)) + defaults, strict=True)
    ]
    return shown + ([f"**{function.args.kwarg.arg}"] if function.args.kwarg else [])


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signatures_are_upstreams(name: str) -> None:
    module, _, kind = name.rpartition(".")
    tree = ast.parse((SOURCE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind)
    methods = {node.name: parameters(node) for node in found.body if isinstance(node, ast.FunctionDef)}

    assert {method: methods[method] for method in SIGNATURES[name]} == SIGNATURES[name]


def test_it_says_what_it_is() -> None:
    assert (SOURCE / "STAND-IN").is_file()
    assert "STAND_IN = True" in (SOURCE / "indextts/__init__.py").read_text(encoding="utf-8")


def test_it_writes_into_its_package_at_its_first_use(interpreter: str, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "source"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("tagger_cache", "__pycache__"))
    script = "from indextts.utils.front import TextNormalizer; TextNormalizer().load()"
    subprocess.run([interpreter, "-c", script], env={"PYTHONPATH": str(folder)}, check=True, timeout=60)

    rules = {path.name for path in (folder / "indextts/utils/tagger_cache").iterdir()}
    assert rules == {".gitignore", "zh_tn_tagger.fst", "zh_tn_verbalizer.fst"}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_weights_each_time_and_small(engine: str) -> None:
    files = standin_weights.files(engine)

    assert files == standin_weights.files(engine)
    assert sum(map(len, files.values())) < 1_000_000


def test_torch_reads_what_was_written_without_it(interpreter: str, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(standin_weights.torch_file(standin_weights.identity()))
    script = "import torch; x = torch.load('x.pth')['tone.weight']; print(bool((x == torch.eye(256)).all()))"
    done = subprocess.run(
        [interpreter, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == "True"
