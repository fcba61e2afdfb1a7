"""The reader for simple YAML: it agrees with the full one, or says that it is not sure."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_kit.detect.site import plain_yaml
from deploy_kit.detect.site.plain_yaml import Unsure

GENERATED = """---
cdiVersion: 0.5.0
containerEdits:
  deviceNodes:
  - path: /dev/nvidia-modeset
  - path: /dev/nvidia-uvm
  - path: /dev/nvidiactl
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - args:
    - nvidia-cdi-hook
    - create-symlinks
    - --link
    - libglxserver_nvidia.so.570.133.20::/usr/lib/xorg/modules/extensions/libglxserver_nvidia.so
    hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
  mounts:
  - containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.570.133.20
    hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.570.133.20
    options:
    - ro
    - nosuid
    - nodev
    - rbind
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: GPU-5d2f2a5c-9f0b-a3d1-6c3e-8a1d6f6a7a11
kind: nvidia.com/gpu
"""
BY_HAND = """# written at three in the morning
cdiVersion: "0.6.0"   # as text
kind: 'nvidia.com/gpu'

devices:
    -   name: all     # every card
        containerEdits:
            deviceNodes: [ {path: /dev/nvidia0, permissions: rw}, {path: "/dev/nvidiactl"} ]
            env: ["A=b # c", 'it''s: fine', plain]
            mounts: []
    - name: "\\u0030"
      annotations: {}
containerEdits:
    env:
    - "NVIDIA_VISIBLE_DEVICES=void"
    -
      - nested
      - - deeper
    empty:
"""
VALUES = st.recursive(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)
    | st.sampled_from(["nvidia.com/gpu=all", "/dev/nvidia0", "0", "yes", "null", "- x", "a: b", "#", "it's", " ", "~"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc/._- '\"#:", max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
BITS = [
    *(": ", "- ", "\n", "  ", " ", "#", " #", "'", '"', "[", "]", ",", "{", "}", ":", "-", "\n  x", "a", "~", "\n- "),
    *("?", "!", "&", "*", ">", "%", "@", "`", "\\", "\t", "<<: ", "---\n"),
]


def full(text: str) -> Any:
    """What PyYAML reads, with every scalar as text."""
    return yaml.load(text, yaml.BaseLoader)


@pytest.mark.parametrize("text", [GENERATED, BY_HAND, GENERATED.replace("\n", "\r\n"), f"\n# x\n{BY_HAND}\n\n# end"])
def test_real_looking_files_are_read_as_the_full_reader_reads_them(text: str) -> None:
    assert plain_yaml.read(text) == full(text)


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([2, 4]))
@settings(max_examples=400, deadline=None)
def test_it_agrees_with_the_full_reader_on_what_programs_write(value: Any, flow: bool, wide: bool, indent: int) -> None:
    text = yaml.safe_dump(
        {"devices": value}, default_flow_style=None if flow else False, width=9999 if wide else 80, indent=indent,
        allow_unicode=True,
    )  # fmt: skip
    try:
        found = plain_yaml.read(text)
    except Unsure:
        return
    assert found == full(text)


@pytest.mark.parametrize("seed", range(12))
def test_it_agrees_with_the_full_reader_on_what_went_wrong_in_an_editor(seed: int) -> None:
    chance, sure = random.Random(seed), 0
    for _ in range(400):
        lines = chance.choice([GENERATED, BY_HAND]).split("\n")
        start = chance.randrange(len(lines))
        text = "\n".join(lines[start : start + chance.randint(1, 9)])
        for _ in range(chance.randint(0, 3)):
            place = chance.randrange(len(text) + 1)
            text = text[:place] + chance.choice(["", *BITS]) + text[place + chance.randint(0, 3) :]
        try:
            found = plain_yaml.read(text)
        except Unsure:
            continue
        sure += 1
        assert found == full(text), text

    assert sure > 60


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing", "a: &x 1\nb: *x", "a: !!int 1", "a: |\n  text", "a: >\n  text", "a: 1\n---\nb: 2",
        "%YAML 1.2\n---\na: 1",
        "a: one\n  two", 'a: "one\n  two"', "a: [1,\n  2]", "? a\n: b", "a: b: c", "a:\tb", "- a\nb: c", "a: 1\na: 2",
        "<<: {a: 1}", "a: 'x' y", "a: \x07", "a: [b: c]", "a: {b}", "a: {b: [}", "  a: 1\nb: 2", "a: \"\\q\"",
        "a: " + "x" * 5000,
        "a: " + "[" * 60 + "]" * 60, "\n".join("  " * depth + f"k{depth}:" for depth in range(60)), "a: \u2028",
        "\ufeffa: 1", "key: @x", "key: `x`", "...", "a: 1\n...\n", "a: 'x'#y",
    ],
)  # fmt: skip
def test_what_is_beyond_it_it_leaves_to_others(text: str) -> None:
    with pytest.raises(Unsure):
        plain_yaml.read(text)


def test_a_file_for_eight_cards_is_read_in_a_moment() -> None:
    head, _, tail = GENERATED.partition("  mounts:\n")
    mount, _, rest = tail.partition("devices:\n")
    text = f"{head}  mounts:\n{mount * 600}devices:\n{rest}"
    start = time.process_time()
    found = plain_yaml.read(text)

    assert len(found["containerEdits"]["mounts"]) == 600
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "text", ["a" + " " * 3900 + "x", "a: " + "'" * 3900, "a: [" + "a," * 1900, "- " * 1900, ": " * 1900]
)
def test_hostile_lines_cost_no_time(text: str) -> None:
    start = time.process_time()
    for _ in range(20):
        try:
            plain_yaml.read(f"{text}\n" * 20)
        except Unsure:
            continue

    assert time.process_time() - start < 10
