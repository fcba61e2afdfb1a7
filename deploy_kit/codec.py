"""Values to JSON and back: one codec for every frozen dataclass of the project.

Supported field types: dataclasses (generic ones too), enums, ``str``, ``int``, ``float``, ``bool``, ``None``,
optional and union types of these, ``tuple[T, ...]``, fixed tuples, ``list[T]`` and ``dict[str, T]``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import types
import typing
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_HALVES = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON writes surrogates."""


class CodecError(ValueError):
    """A document that does not describe the value asked for; the text names the place."""


def to_plain(value: Any) -> Any:
    """Turn a value into what ``json`` can write."""
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Canonical JSON: sorted keys, no clock, no locale; the same value gives the same text."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(to_plain(value), sort_keys=True, ensure_ascii=False, indent=indent, separators=separators)


def digest(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of a value."""
    return hashlib.sha256(dumps(value).encode()).hexdigest()


def loads(cls: type[T], text: str | bytes) -> T:
    """Read a value of ``cls`` from JSON text.

    Raises:
        CodecError: The text is no JSON, or no ``cls``.
    """
    return read(cls, plain(text))


def read(cls: type[T], data: Any) -> T:
    """Build a value of ``cls`` from what `plain` read.

    Raises:
        CodecError: It is no ``cls``.
    """
    try:
        return typing.cast("T", from_plain(cls, data, "$"))
    except RecursionError:
        raise CodecError("nested too deeply") from None


def plain(text: str | bytes) -> Any:
    """What ``json`` reads from a text that somebody else may have written or damaged.

    Raises:
        CodecError: The text is no JSON, is nested without end, or holds halves of characters, which no file can hold.
    """
    try:
        data = json.loads(text)
        if _HALVES.search(text if isinstance(text, str) else text.decode("utf-8", "replace")):
            json.dumps(data, ensure_ascii=False).encode()
    except RecursionError:
        raise CodecError("nested too deeply") from None
    except UnicodeEncodeError:
        raise CodecError("holds half of a character (a lone surrogate)") from None
    except ValueError as error:
        raise CodecError(f"not JSON: {error}") from error
    return data


def from_plain(kind: Any, data: Any, path: str = "$") -> Any:
    """Build a value of type ``kind`` from what ``json`` read.

    Raises:
        CodecError: ``data`` does not fit; the text names the path.
    """
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _from_union(typing.get_args(kind), data, path)
    if origin in (tuple, list):
        return _from_sequence(origin, typing.get_args(kind), data, path)
    if origin is dict:
        _demand(isinstance(data, dict), path, "an object")
        return {key: from_plain(typing.get_args(kind)[1], item, f"{path}.{key}") for key, item in data.items()}
    cls = origin or kind
    if dataclasses.is_dataclass(cls):
        return _from_object(typing.cast("type", cls), typing.get_args(kind), data, path)
    if isinstance(cls, type) and issubclass(cls, Enum):
        try:
            return cls(data)
        except ValueError:
            raise CodecError(f"{path}: {data!r} is none of {[member.value for member in cls]}") from None
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is typing.Any:
        return data
    if kind is types.NoneType or kind is None:
        _demand(data is None, path, "null")
        return None
    _demand(type(data) is cls, path, getattr(cls, "__name__", str(cls)))
    return data


def _demand(condition: bool, path: str, wanted: str) -> None:
    if not condition:
        raise CodecError(f"{path}: expected {wanted}")


def _from_union(choices: tuple[Any, ...], data: Any, path: str) -> Any:
    if data is None and types.NoneType in choices:
        return None
    reasons = []
    for choice in choices:
        if choice is types.NoneType:
            continue
        try:
            return from_plain(choice, data, path)
        except CodecError as error:
            reasons.append(str(error))
    raise CodecError("; ".join(reasons) or f"{path}: unexpected {data!r}")


def _from_sequence(origin: Any, args: tuple[Any, ...], data: Any, path: str) -> Any:
    _demand(isinstance(data, list), path, "a list")
    if origin is list or (len(args) == 2 and args[1] is Ellipsis):
        return origin(from_plain(args[0], item, f"{path}[{index}]") for index, item in enumerate(data))
    _demand(len(data) == len(args), path, f"{len(args)} items")
    return tuple(from_plain(arg, item, f"{path}[{index}]") for index, (arg, item) in enumerate(zip(args, data)))


@cache
def _field_types(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _from_object(cls: type, args: tuple[Any, ...], data: Any, path: str) -> Any:
    _demand(isinstance(data, dict), path, "an object")
    variables = dict(zip(getattr(cls, "__parameters__", ()), args))
    hints = _field_types(cls)
    known = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise CodecError(f"{path}: unknown field {unknown[0]}")
    values = {}
    for name in known & set(data):
        values[name] = from_plain(_substitute(hints[name], variables), data[name], f"{path}.{name}")
    try:
        return cls(**values)
    except TypeError as error:
        raise CodecError(f"{path}: {error}") from None


def _substitute(kind: Any, variables: dict[Any, Any]) -> Any:
    if not variables:
        return kind
    if kind in variables:
        return variables[kind]
    if parameters := getattr(kind, "__parameters__", ()):
        return kind[tuple(variables[parameter] for parameter in parameters)]
    return kind
