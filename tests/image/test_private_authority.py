"""Building behind a proxy that wants a password and inspects TLS: it works, and nothing of it stays in the image."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy_kit import verify
from deploy_kit.builder import base, image
from deploy_kit.errors import Failure
from deploy_kit.facts import HostFacts, SiteFacts, known
from deploy_kit.plan.stack import Image
from deploy_kit.tools import docker
from tests.image.conftest import BASE, SETTINGS
from tests.support import inspecting_proxy


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[inspecting_proxy.Proxy]:
    with inspecting_proxy.running(tmp_path_factory.mktemp("authority")) as one:
        yield one


@pytest.fixture
def target(core: Image, monkeypatch: pytest.MonkeyPatch) -> Iterator[Image]:
    """A name to build under; the packages are fetched anew, although an earlier build has them."""
    command, stamp = image.command, str(time.time_ns())

    def uncached(*args: object) -> tuple[str, ...]:
        *options, context = command(*args)
        return (*options, "--no-cache-filter=server-environment", f"--label=test={stamp}", context)

    monkeypatch.setattr(image, "command", uncached)
    made = Image("core", f"deploykit/core:test-{uuid.uuid4().hex[:8]}", core.inputs, BASE)
    yield made
    docker.call("image", "rm", "--force", made.reference, check=False)


def site(proxy: inspecting_proxy.Proxy, bundle: Path | None) -> SiteFacts:
    proxies = {"https_proxy": proxy.url, "HTTPS_PROXY": proxy.url}
    return SiteFacts(known(proxies, "test"), known(None if bundle is None else str(bundle), "test"), known({}, "test"))


def test_with_its_certificates_the_build_works_and_leaves_no_trace(
    target: Image, proxy: inspecting_proxy.Proxy, facts: HostFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = base.acquire(SETTINGS, facts, lambda _: None, consent=lambda *_: True)
    bundle = proxy.authority.bundle

    image.build(target, found, SETTINGS, site(proxy, bundle), lambda _: None)

    assert proxy.opened, "the build went past the proxy"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    traces = ("no_site_secret", "no_site_files", "no_private_key", "no_credentials_in_history")
    markers = (inspecting_proxy.PASSWORD, f"127.0.0.1:{proxy.port}")
    report = verify.run(target.reference, None, lambda _: None, only=traces, markers=markers)
    assert report.findings == ()
    assert len(report.checks) == len(traces)


def test_without_its_certificates_the_failure_names_the_cause(
    target: Image, proxy: inspecting_proxy.Proxy, facts: HostFacts
) -> None:
    found = base.acquire(SETTINGS, facts, lambda _: None, consent=lambda *_: True)

    with pytest.raises(Failure) as caught:
        image.build(target, found, SETTINGS, site(proxy, None), lambda _: None)

    assert caught.value.finding.code == "BUILD-CERTIFICATE"
    assert inspecting_proxy.PASSWORD not in str(caught.value.finding.args)
    assert docker.image(target.reference) is None
