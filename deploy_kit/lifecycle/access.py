"""Who may reach the service: the API key in force, and what narrows a port that other machines can reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy_kit import files
from deploy_kit.client import addresses
from deploy_kit.compat.needs import BUILT_IN
from deploy_kit.config.request import Request
from deploy_kit.errors import fail
from deploy_kit.plan.stack import Stack, Target
from deploy_kit.run.state import State, key_version

_PRIVATE_V6 = "fc00::/7"
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


_SHORTEST_KEY = 8
_LARGEST_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: never logged, never an argument. Without a value it is still to be made; ``new`` means unseen."""

    value: str | None
    new: bool = False

    @property
    def version(self) -> str:
        return "to-be-made" if self.value is None else key_version(self.value)

    def made(self) -> Key:
        """The same key, with a random value when it had none."""
        if self.value is not None:
            return self
        import secrets

        return Key(secrets.token_urlsafe(32), new=True)


def key_for(request: Request, state: State) -> Key | None:
    """The key in force: the user's own, the stored one, or one to be made where other machines can reach the port.

    Raises:
        Failure: CONFIG-KEY-FILE.
    """
    if request.api_key_file is not None:
        return Key(_read(request.api_key_file))
    if request.listen.loopback:
        return None
    return Key(state.key(), new=state.key_unseen())


def token_for(request: Request) -> str | None:
    """The hub's token that the user named, None without one or where no weights are needed.

    Raises:
        Failure: CONFIG-TOKEN-FILE.
    """
    path = request.weights.token_file
    if path is None or request.engine == BUILT_IN:
        return None
    try:
        token = files.read(Path(path), _LARGEST_FILE).decode(errors="replace").strip()
    except OSError as error:
        raise fail("CONFIG-TOKEN-FILE", path, reason=error.strerror or error) from None
    if len(token.split()) != 1 or not token.isascii() or not token.isprintable():
        raise fail("CONFIG-TOKEN-FILE", path, reason="one word is wanted")
    return token


def _read(path: str) -> str:
    try:
        key = files.read(Path(path), _LARGEST_FILE).decode().strip()
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
    packets = ("-p", "tcp", "-m", "conntrack", "--ctorigdstport", port, "--ctdir", "ORIGINAL")  # answers stay untouched
    rules = [("sudo", "iptables", "-I", "DOCKER-USER", *packets, "!", "-s", network, "-j", "DROP")]
    if ":" in stack.listen.host:
        rules.append(("sudo", "ip6tables", "-I", "DOCKER-USER", *packets, "!", "-s", _PRIVATE_V6, "-j", "DROP"))
    return tuple(rules)


def _network(stack: Stack) -> str:
    """The private network that the listener is in, as far as its address tells."""
    import ipaddress

    own = next(addresses(stack.listen), stack.listen.host)
    try:
        address = ipaddress.ip_address(own)
    except ValueError:
        return _PRIVATE[2]
    return next((network for network in _PRIVATE if address in ipaddress.ip_network(network)), _PRIVATE[2])
