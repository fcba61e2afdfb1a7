"""Who may reach the service: the API key in force, and what narrows a port that other machines can reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy_kit.client import addresses
from deploy_kit.config.request import Request
from deploy_kit.errors import fail
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.run.state import State, key_version

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


_SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: never logged, never an argument. ``new`` means nobody has seen it yet."""

    value: str
    new: bool = False

    @property
    def version(self) -> str:
        return key_version(self.value)


def key_for(request: Request, state: State) -> Key | None:
    """The key in force: the user's own, the stored one, or a new one where other machines can reach the port.

    Raises:
        Failure: CONFIG-KEY-FILE.
    """
    if request.api_key_file is not None:
        return Key(_read(request.api_key_file))
    if request.listen.loopback:
        return None
    if (stored := state.key()) is not None:
        return Key(stored)
    import secrets

    return Key(secrets.token_urlsafe(32), new=True)


def _read(path: str) -> str:
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise fail("CONFIG-KEY-FILE", path, reason=getattr(error, "strerror", None) or error) from None
    if len(key) < _SHORTEST_KEY or not key.isascii() or any(character.isspace() for character in key):
        raise fail(
            "CONFIG-KEY-FILE", path, reason=f"a key has at least {_SHORTEST_KEY} ASCII characters, no white space"
        )
    return key


def firewall(stack: Stack) -> tuple[tuple[str, ...], ...]:
    """The command that lets only the local network in; empty for a loopback listener.

    Ports published by Docker bypass ufw, and after Docker's own translation the port is the container's:
    so the rule stands in DOCKER-USER and asks for the port that the packet first went to.
    """
    if stack.listen.loopback:
        return ()
    network, port = _network(stack), str(stack.listen.port)
    if stack.target is Target.LOCAL:
        return (("sudo", "ufw", "allow", "from", network, "to", "any", "port", port, "proto", "tcp"),)
    match = ("-p", "tcp", "-m", "conntrack", "--ctorigdstport", port, "!", "-s", network)
    return (("sudo", "iptables", "-I", "DOCKER-USER", *match, "-j", "DROP"),)


def _network(stack: Stack) -> str:
    """The private network that the listener is in, as far as its address tells."""
    import ipaddress

    own = next(addresses(stack.listen), stack.listen.host)
    try:
        address = ipaddress.ip_address(own)
    except ValueError:
        return _PRIVATE[2]
    return next((network for network in _PRIVATE if address in ipaddress.ip_network(network)), _PRIVATE[2])
