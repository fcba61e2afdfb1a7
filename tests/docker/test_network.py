"""Who can reach the service: the firewall command that `up` prints, tried from two networks."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.docker.conftest import Stack, docker

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="network namespaces take root")


def run(*argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, check=check, capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def neighbour(name: str, network: str) -> Iterator[str]:
    """A host of its own on a network of its own; gives the address under which it sees this one."""
    here, there = f"{network}.1", f"{network}.2"
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", f"{name}-h", "type", "veth", "peer", "name", f"{name}-n", "netns", name)
        run("ip", "address", "add", f"{here}/24", "dev", f"{name}-h")
        run("ip", "link", "set", f"{name}-h", "up")
        run("ip", "-n", name, "address", "add", f"{there}/24", "dev", f"{name}-n")
        run("ip", "-n", name, "link", "set", f"{name}-n", "up")
        run("ip", "-n", name, "route", "add", "default", "via", here)
        yield here
    finally:
        run("ip", "netns", "delete", name)


def reaches(name: str, address: str, port: int) -> bool:
    ask = f"import urllib.request; urllib.request.urlopen('http://{address}:{port}/livez', timeout=10)"
    return run("ip", "netns", "exec", name, "python3", "-c", ask, check=False).returncode == 0


def test_the_printed_rule_lets_the_local_network_in_and_nobody_else(cli: Stack) -> None:
    cli.environment["DEPLOYKIT_LISTEN"] = f"0.0.0.0:{cli.port}"
    outcome = cli("up", "--yes", "--output", "json").events()[-1]
    (rule,) = outcome["firewall"]
    assert rule[0] == "sudo"
    network = rule[rule.index("-s") + 1]
    inside = {"10.0.0.0/8": "10.77.0", "172.16.0.0/12": "172.29.77", "192.168.0.0/16": "192.168.77"}[network]

    with neighbour("dk-lan", inside) as near, neighbour("dk-far", "198.51.100") as far:
        assert reaches("dk-lan", near, cli.port)
        assert reaches("dk-far", far, cli.port)
        run(*rule[1:])
        try:
            assert reaches("dk-lan", near, cli.port)
            assert not reaches("dk-far", far, cli.port)
        finally:
            run(*("-D" if word == "-I" else word for word in rule[1:]))


def test_a_key_is_shown_once_even_when_the_up_that_made_it_was_interrupted(cli: Stack) -> None:
    cli.environment["DEPLOYKIT_LISTEN"] = f"0.0.0.0:{cli.port}"
    first = cli.start("up", "--yes")
    file = cli.state / "secrets/api_key"
    deadline = time.monotonic() + 60
    while not file.is_file():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    first.send_signal(signal.SIGINT)
    shown, _ = first.communicate(timeout=60)
    key = file.read_text()

    second, third = cli("up", "--yes").out, cli("up", "--yes").out

    assert first.returncode == 130, shown
    assert (shown.count(key), second.count(key), third.count(key)) == (0, 1, 0)


def test_a_container_of_another_project_of_the_same_name_stays(cli: Stack, up: Stack) -> None:
    other = f"{cli.name}-other"
    label = f"--label=com.docker.compose.project={cli.name}"
    service = "--label=com.docker.compose.service=database"
    docker("run", "--detach", "--name", other, label, service, "--entrypoint", "sleep", up.container()["Image"], "120")
    try:
        cli("up", "--yes")
        cli("down")
        assert docker("container", "inspect", "--format", "{{.State.Status}}", other) == "running"
    finally:
        docker("rm", "--force", other)
