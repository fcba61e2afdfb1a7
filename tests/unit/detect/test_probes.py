"""Single probes on small file trees."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy_kit import detect, proc
from deploy_kit.config.request import Listen
from deploy_kit.detect.machine import disk, memory
from deploy_kit.detect.machine.context import Context, RealKernel
from deploy_kit.detect.site import local, network, plugins, port
from tests.support.hosts import HOSTS, Host

CGROUP_1 = "5:memory:/docker/abc\n4:pids:/docker/abc\n"


def place(folder: Path, **changes: object) -> Context:
    return Host(**{"files": {}, **changes}).context(folder)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": "1000\n"}, 1000),
        ({"/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n"}, None),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "2000\n"}, 2000),
        ({"/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "9\n", "/sys/fs/cgroup/memory.max": "7\n"}, 7),
        ({"/proc/self/cgroup": CGROUP_1, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "3000\n"}, 3000),
        ({"/proc/self/cgroup": CGROUP_1, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
    ],
)
def test_the_memory_limit_is_the_smallest_on_the_way_up(
    files: dict[str, str], limit: int | None, tmp_path: Path
) -> None:
    fact = memory.limit(place(tmp_path, files=files))

    assert fact.known
    assert fact.value == limit


def test_a_limit_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    assert not memory.limit(place(tmp_path)).known


def test_a_path_that_does_not_exist_is_measured_at_its_nearest_parent(tmp_path: Path) -> None:
    (tmp_path / "var/lib").mkdir(parents=True)
    facts = disk.observe(replace(place(tmp_path), kernel=RealKernel()), "state", "/var/lib/deploykit/x")

    assert facts.free.source == "statvfs /var/lib"
    assert 0 < (facts.free.value or 0) < (facts.total.value or 0)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        yield server.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "*"])
def test_an_address_that_somebody_listens_on_is_taken_and_its_holder_found(host: str, listening: int) -> None:
    context = replace(detect.here(), kernel=_Quiet(), memo=None)
    facts = port.observe(context, Listen(host, listening))

    assert facts.free.value is False
    assert f"({os.getpid()})" in (facts.holder.value or "")


def test_another_loopback_address_is_free(listening: int) -> None:
    context = replace(detect.here(), kernel=_Quiet(), memo=None)

    assert port.observe(context, Listen("127.0.0.2", listening)).free.value is True


def test_a_name_that_does_not_resolve_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        RealKernel().bind("203.0.113.7", 7860)

    assert caught.value.errno == errno.EADDRNOTAVAIL


class _Quiet(RealKernel):
    """The real kernel, with no engine to ask."""

    def ask(self, path: Path, request: str, seconds: float) -> detect.Reply:
        raise FileNotFoundError


def test_a_socket_answers_over_http(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        thread = threading.Thread(target=_serve, args=(server, b"HTTP/1.0 200 OK\r\nApi-Version: 1.45\r\n\r\n{}"))
        thread.start()
        reply = RealKernel().ask(path, "/info", 5)
        thread.join()

    assert (reply.status, reply.headers["api-version"], reply.body) == (200, "1.45", b"{}")


def test_a_socket_that_stays_silent_ends_at_the_deadline(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen(1)
        with pytest.raises(TimeoutError):
            RealKernel().ask(tmp_path / "s", "/info", 0.05)


def _serve(server: socket.socket, answer: bytes) -> None:
    line, _ = server.accept()
    with line:
        line.recv(4096)
        line.sendall(answer)


def test_a_plugin_is_asked_once_and_again_when_its_file_changes(tmp_path: Path) -> None:
    asked: list[str] = []
    host = HOSTS["ubuntu-2404-ready"]

    def run(argv: tuple[str, ...], **options: object) -> proc.Completed:
        asked.append(argv[0])
        return proc.Completed(argv, 0, json.dumps({"Version": f"v{len(asked)}"}), "", 0)

    context = replace(host.context(tmp_path), run=run, memo=tmp_path / "cache/probes.json")
    answers = [plugins.version(context, "compose").value for _ in range(2)]
    os.utime(tmp_path / "usr/libexec/docker/cli-plugins/docker-compose", (1, 1))

    assert [*answers, plugins.version(context, "compose").value] == ["v1", "v1", "v2"]


def test_a_broken_memo_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "probes.json").write_text("[1", encoding="utf-8")
    context = replace(HOSTS["ubuntu-2404-ready"].context(tmp_path), memo=tmp_path / "probes.json")

    assert plugins.version(context, "buildx").value == "0.13.1+ds1"


def test_the_package_index_is_read_as_pip_reads_it(tmp_path: Path) -> None:
    files = {
        "/etc/pip.conf": "[global]\nindex-url = https://a.example/simple\ntrusted-host = a.example\n",
        "/home/ada/.config/pip/pip.conf": "[install]\nindex_url = https://user:secret@b.example/simple\n",
    }
    facts = network.observe(place(tmp_path, files=files, env={"PIP_EXTRA_INDEX_URL": "https://c.example"}))

    assert facts.package_index.value == {
        "index-url": "https://user:secret@b.example/simple",
        "trusted-host": "a.example",
        "extra-index-url": "https://c.example",
    }
    assert "secret" not in facts.package_index.source + facts.package_index.reason


def test_proxies_come_from_the_environment_and_then_from_the_docker_client(tmp_path: Path) -> None:
    config = {"proxies": {"default": {"httpProxy": "http://d:1", "noProxy": "local"}}}
    files = {"/home/ada/.docker/config.json": json.dumps(config)}
    facts = network.observe(place(tmp_path, files=files, env={"HTTP_PROXY": "http://e:2"}))

    assert facts.proxies.value == {"http_proxy": "http://e:2", "no_proxy": "local"}


def test_the_certificates_of_the_environment_come_before_the_distributions(tmp_path: Path) -> None:
    files = {
        "/etc/ssl/certs/ca-certificates.crt": "x",
        "/opt/ca.pem": "x",
        "/usr/local/share/ca-certificates/own.crt": "x",
    }
    fact = network.observe(place(tmp_path, files=files, env={"SSL_CERT_FILE": "/opt/ca.pem"})).ca_bundle

    assert (fact.value, fact.source) == ("/opt/ca.pem", "SSL_CERT_FILE")
    assert "/usr/local/share/ca-certificates" in fact.reason


@pytest.fixture
def barred() -> Iterator[Path]:
    """A file tree with a home that this process may not look into, whoever runs the tests."""
    root = Path(tempfile.mkdtemp())
    (root / "home/other/.local/bin").mkdir(parents=True)
    (root / "home/other/.local/bin/uv").write_text("")
    root.chmod(0o755)
    (root / "home/other").chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield root
    os.seteuid(before)
    (root / "home/other").chmod(0o755)
    shutil.rmtree(root)


def test_a_home_that_may_not_be_looked_into_is_no_fault(barred: Path) -> None:
    env = {"PATH": "", "HOME": "/home/other", "SSL_CERT_FILE": "/home/other/.local/bin/uv"}
    context = Context(barred, env, proc.run)

    assert local.observe(context).uv.value is None
    assert network.observe(context).ca_bundle.value is None
