"""The arguments of each command."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from deploy_kit.messages import Catalogue

_DAY = 86400.0


def parser(environment: Mapping[str, str], words: Catalogue) -> argparse.ArgumentParser:
    """The parser; defaults come from the environment that the service has."""
    top = argparse.ArgumentParser(prog="tts_cache", description=words("cache.help"), allow_abbrev=False)
    rows = top.add_subparsers(dest="command", required=True)
    for name, extras in _COMMANDS.items():
        one = rows.add_parser(name, help=words(f"cache.help-{name}"), allow_abbrev=False)
        _common(one, environment)
        for extra in extras:
            _EXTRAS[extra](one, environment)
    return top


def _common(one: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    one.add_argument("--cache", default=environment.get("TTS_CACHE_HUB") or "/cache_hub", metavar="DIR")
    one.add_argument("--lock", default=environment.get("TTS_WEIGHTS_LOCK") or None, metavar="FILE")
    one.add_argument("--json", action="store_true")
    one.add_argument("--locale", choices=("en", "zh"), default=None)


def _engine(one: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    one.add_argument("--engine", default=environment.get("TTS_ENGINE") or None)
    wanted = environment.get("TTS_EMOTION_TEXT") == "on"
    one.add_argument("--emotion-text", action=argparse.BooleanOptionalAction, default=wanted)


def _network(one: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    region = environment.get("TTS_REGION") or "global"
    one.add_argument("--source", default=environment.get("TTS_WEIGHTS_SOURCE") or "auto")
    one.add_argument("--region", choices=("global", "cn"), default=region if region == "cn" else "global")
    one.add_argument("--token-file", default=environment.get("TTS_HUB_TOKEN_FILE") or None, metavar="FILE")


def _accept(one: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    told = "TTS_ACCEPT_LICENSE" if environment.get("TTS_ACCEPT_LICENSE", "").lower() == "true" else None
    one.add_argument("--accept-license", nargs="?", const="--accept-license", default=told, metavar="HOW")


def _write(one: argparse.ArgumentParser, _: Mapping[str, str]) -> None:
    one.add_argument("--wait", type=float, default=_DAY, metavar="SECONDS")
    one.add_argument("--limits", default="", metavar="NAME=VALUE,…")


def _dry(one: argparse.ArgumentParser, _: Mapping[str, str]) -> None:
    one.add_argument("--dry-run", action="store_true")


def _voices(one: argparse.ArgumentParser, _: Mapping[str, str]) -> None:
    one.add_argument("--voices", action="store_true")


def _from(one: argparse.ArgumentParser, _: Mapping[str, str]) -> None:
    one.add_argument("origin", metavar="SOURCE")


def _to(one: argparse.ArgumentParser, _: Mapping[str, str]) -> None:
    one.add_argument("target", metavar="TARGET")


_EXTRAS = {
    "engine": _engine,
    "network": _network,
    "accept": _accept,
    "write": _write,
    "dry": _dry,
    "voices": _voices,
    "from": _from,
    "to": _to,
}
_COMMANDS = {
    "pull": ("engine", "network", "accept", "write"),
    "list": ("engine",),
    "verify": ("engine", "write"),
    "prune": ("engine", "write", "dry"),
    "purge": ("write", "dry", "voices"),
    "import": ("engine", "write", "from"),
    "export": ("engine", "to"),
    "accept": ("engine", "accept"),
}
