"""``deploykit.yaml`` as entries with line numbers.

The node tree is read instead of Python values, because YAML 1.1 turns ``no`` into False, ``22:22`` into 1342 and
``0100`` into 64: a setting gets the text that the user wrote, and its own parser decides.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_kit import files
from deploy_kit.config.faults import fault
from deploy_kit.config.table import settings
from deploy_kit.config.values import nearest, size_text
from deploy_kit.errors import Failure, fail
from deploy_kit.findings import Finding

if TYPE_CHECKING:
    import yaml

_SIZE_CAP = 1024 * 1024
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting as written: dotted key, text (a tuple for a list), line (1 is the first)."""

    key: str
    raw: str | tuple[str, ...]
    line: int


def read(file: Path) -> tuple[list[Entry], list[Finding]]:
    """The entries of a file, and what is wrong with its shape and keys.

    Raises:
        Failure: The file cannot be read or is no YAML.
    """
    root = _compose(file, _text(file))
    walk = _Walk(file)
    if root is not None:
        walk.mapping(root, "")
    return walk.entries, walk.findings


def _text(file: Path) -> str:
    try:
        return files.read(file, _SIZE_CAP).decode("utf-8-sig")
    except FileNotFoundError:
        raise fail("CONFIG-MISSING", str(file), commands=(("deploykit", "init", str(file)),)) from None
    except UnicodeDecodeError as error:
        raise fail("CONFIG-NOT-UTF-8", str(file), position=error.start) from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise fail("CONFIG-TOO-LARGE", str(file), limit=size_text(_SIZE_CAP)) from None
        raise fail("CONFIG-UNREADABLE", str(file), reason=error.strerror or str(error)) from None


def _compose(file: Path, text: str) -> yaml.Node | None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax(file, text, error) from None
    except yaml.YAMLError as error:
        raise fail("CONFIG-SYNTAX", str(file), problem=str(error).splitlines()[0], text="") from None
    except RecursionError:
        raise fail("CONFIG-TOO-DEEP", str(file)) from None


def _syntax(file: Path, text: str, error: yaml.MarkedYAMLError) -> Failure:
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    lines = text.splitlines()
    shown = lines[number - 1] if number <= len(lines) else ""
    code = "CONFIG-TAB" if "\t" in shown[: len(shown) - len(shown.lstrip())] else "CONFIG-SYNTAX"
    return fail(code, f"{file}:{number}", problem=error.problem or "", text=shown.strip())


class _Walk:
    """One pass over the node tree, collecting entries and findings."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._groups = {key.rpartition(".")[0] for key in settings()} - {""}
        self._lines: dict[str, int] = {}
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []

    def mapping(self, node: yaml.Node, prefix: str) -> None:
        import yaml

        if not isinstance(node, yaml.MappingNode):
            empty = isinstance(node, yaml.ScalarNode) and not prefix and not node.value
            if not empty and node.tag != _NULL:  # a group with nothing below it is not given
                self._refuse("CONFIG-SHAPE", node, key=prefix or self._file.name)
            return
        seen: dict[str, int] = {}
        for key_node, value in node.value:
            word = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            if word in seen:
                self._refuse("CONFIG-TWICE", key_node, key=prefix + word, first=seen[word])
                continue
            seen[word] = key_node.start_mark.line + 1
            self._pair(prefix + word, key_node, value)

    def _pair(self, key: str, key_node: yaml.Node, value: yaml.Node) -> None:
        if key in settings():
            if key in self._lines:  # once as `limits.pids`, once below `limits`
                self._refuse("CONFIG-TWICE", key_node, key=key, first=self._lines[key])
                return
            self._lines[key] = key_node.start_mark.line + 1
            self._entry(key, value)
        elif key in self._groups:
            self.mapping(value, key + ".")
        else:
            words = tuple(settings()) + tuple(self._groups)
            self._refuse("CONFIG-KEY", key_node, key=key, nearest=nearest(key, words))

    def _entry(self, key: str, value: yaml.Node) -> None:
        import yaml

        line = value.start_mark.line + 1
        if isinstance(value, yaml.ScalarNode):
            plain_null = value.tag == _NULL and value.value in ("~", "null", "Null", "NULL")
            if not plain_null:
                self.entries.append(Entry(key, value.value, line))
        elif isinstance(value, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in value.value):
            self.entries.append(Entry(key, tuple(_scalars(value)), line))
        else:
            self._refuse("CONFIG-SHAPE-VALUE", value, key=key)

    def _refuse(self, code: str, node: yaml.Node, **args: object) -> None:
        place = f"{self._file}:{node.start_mark.line + 1}"
        self.findings.append(fault(code, place, args))


def _scalars(node: yaml.SequenceNode) -> Iterator[str]:
    for item in node.value:
        yield str(item.value)
