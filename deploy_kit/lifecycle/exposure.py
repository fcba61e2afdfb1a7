"""What it takes to narrow a port that other machines can reach."""

from __future__ import annotations

from deploy_kit.client import addresses
from deploy_kit.plan.stack import Stack, Target

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


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
