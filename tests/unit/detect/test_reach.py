"""How far this host gets into the network, asked of servers on the loopback that fail in every way there is."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deploy_kit import codec
from deploy_kit.data import table
from deploy_kit.detect.site import ask, destinations, reach
from deploy_kit.detect.site.destinations import Destination
from deploy_kit.facts import Endpoint, NetworkFacts, Reach, SiteFacts, known
from tests.support import places
from tests.support.hosts import Host
from tests.support.inspecting_proxy import Authority
from tests.support.places import answer, refusing, serving, silent

FILE = answer("206 Partial Content", b"x", Content_Type="application/octet-stream")
PAGE = answer("200 OK", b"<html><title>Welcome to our guest network</title></html>", Content_Type="text/html")
LISTING = answer("200 OK", b'<a href="uvicorn-0.1-py3-none-any.whl">x</a>', Content_Type="text/html; charset=utf-8")
HOUR = 3600


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> float:
    """A deadline for tests that wait for it."""
    seconds = 0.6
    monkeypatch.setitem(table("reach"), "seconds", seconds)
    return seconds


@dataclasses.dataclass
class Asking:
    """Asks chosen places as a host with these customs would."""

    folder: Path
    patch: pytest.MonkeyPatch

    def facts(
        self, *found: Destination, proxies: Mapping[str, str] | None = None, bundle: Path | str | None = None
    ) -> NetworkFacts:
        self.patch.setattr(destinations, "find", lambda *_: list(found))
        self.patch.setattr(destinations, "asked", lambda *_: [])
        path = str(bundle) if bundle else None
        site = SiteFacts(known(dict(proxies or {}), "test"), known(path, "test"), known({}, "test"))
        return reach.observe(Host({}).context(self.folder), site)

    def one(self, url: str, form: str = "file", **customs: object) -> Endpoint:
        place = Destination("weights", "hub", url, form)
        endpoints = self.facts(place, **customs).endpoints.value  # type: ignore[arg-type]
        assert endpoints is not None
        return endpoints[0]


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    return Asking(tmp_path, monkeypatch)


@pytest.fixture
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name servers that never answer."""
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(60) and [])
    yield
    end.set()


def test_a_place_that_answers_is_reached_with_the_time_it_took(asking: Asking) -> None:
    with serving(lambda _: FILE) as hub:
        found = asking.one(f"{hub.url}/a/resolve/1/f")

    assert (found.reach, found.detail, found.host) == (Reach.REACHED, "", f"localhost:{hub.port}")
    assert found.milliseconds is not None
    assert found.milliseconds > 0


def test_a_port_that_nobody_listens_on_refuses(asking: Asking) -> None:
    with refusing() as hub:
        found = asking.one(hub.url)

    assert (found.reach, found.milliseconds) == (Reach.REFUSED, None)
    assert "refused" in found.detail.lower()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_place_that_says_nothing_is_silent_at_the_deadline(asking: Asking, hasty: float, scheme: str) -> None:
    with silent() as hub:
        found = asking.one(f"{scheme}://localhost:{hub.port}/f")

    assert found.reach is Reach.SILENT


def test_a_name_that_nobody_knows_is_no_name(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = asking.one("http://nobody.example/f")

    assert (found.reach, found.detail) == (Reach.NO_NAME, "Name or service not known")


def test_a_host_whose_cables_are_cut_knows_so_in_time(asking: Asking, hasty: float, no_resolver: None) -> None:
    start = time.monotonic()
    found = asking.facts(*(Destination("weights", str(n), f"http://hub{n}.example/f", "file") for n in range(12)))
    wall = time.monotonic() - start

    assert wall < hasty + 20
    assert {one.reach for one in found.endpoints.value or ()} == {Reach.NO_NAME}
    assert not found.clock.known


def test_an_answer_that_drips_is_given_up_at_the_deadline(asking: Asking, hasty: float) -> None:
    end = threading.Event()

    def drip(_: str) -> bytes:
        end.wait(10)
        return FILE

    with serving(drip) as hub:
        found = asking.one(hub.url)
        end.set()

    assert found.reach is Reach.SILENT


def test_a_certificate_of_an_unknown_authority_is_told(asking: Asking, authority: Authority) -> None:
    with serving(lambda _: FILE, tls=authority.context("localhost")) as hub:
        found = asking.one(hub.secure)
        trusted = asking.one(hub.secure, bundle=authority.bundle)

    assert (found.reach, trusted.reach) == (Reach.CERTIFICATE, Reach.REACHED)
    assert "self-signed" in found.detail or "issuer" in found.detail


def test_a_bundle_that_cannot_be_read_is_why_no_certificate_is_trusted(asking: Asking, authority: Authority) -> None:
    with serving(lambda _: FILE, tls=authority.context("localhost")) as hub:
        found = asking.one(hub.secure, bundle="/nowhere/ca.pem")

    assert found.reach is Reach.CERTIFICATE
    assert "/nowhere/ca.pem" in found.detail


@pytest.mark.parametrize(
    ("start", "end", "word"),
    [("20450101000000Z", "20460101000000Z", "not yet valid"), ("20200101000000Z", "20200201000000Z", "expired")],
)
def test_a_certificate_out_of_its_time_still_tells_what_time_it_is(
    asking: Asking, tmp_path_factory: pytest.TempPathFactory, start: str, end: str, word: str
) -> None:
    folder = tmp_path_factory.mktemp("timed")
    own = Authority(folder)
    late = answer("200 OK", at=time.time() + 5 * HOUR)
    with serving(lambda _: late, tls=places.timed(own, folder, start, end)) as hub:
        found = asking.facts(Destination("weights", "hub", hub.secure, "file"), bundle=own.bundle)

    assert [(one.reach, word in one.detail) for one in found.endpoints.value or ()] == [(Reach.CERTIFICATE, True)]
    assert found.clock.value == pytest.approx(-5 * HOUR, abs=3)


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_says_no_bars_the_way(asking: Asking, status: str, scheme: str) -> None:
    with serving(lambda _: answer(status), connect=answer(status)) as proxy:
        found = asking.one(f"{scheme}://hub.example/f", proxies={f"{scheme}_proxy": f"http://me:sesame@{proxy.url[7:]}"})

    assert (found.reach, found.host) == (Reach.BARRED, "hub.example")
    assert status.split(maxsplit=1)[0] in found.detail
    assert "sesame" not in codec.dumps(found)


def test_a_proxy_gets_its_password_and_the_place_behind_it_is_reached(asking: Asking, authority: Authority) -> None:
    opened = b"HTTP/1.1 200 Connection established\r\n\r\n"
    with serving(lambda _: FILE, tls=authority.context("hub.example"), connect=opened) as proxy:
        address = {"https_proxy": f"http://me:ses%61me@localhost:{proxy.port}"}
        found = asking.one("https://hub.example/f", proxies=address, bundle=authority.bundle)
        distrusted = asking.one("https://hub.example/f", proxies=address)

    assert (found.reach, distrusted.reach) == (Reach.REACHED, Reach.CERTIFICATE)
    assert "Proxy-Authorization: Basic bWU6c2VzYW1l" in proxy.heads[0]
    assert "Proxy-Authorization" not in proxy.heads[1]


def test_a_proxy_that_is_not_there_is_named(asking: Asking) -> None:
    with refusing() as proxy:
        found = asking.one("https://hub.example/f", proxies={"https_proxy": f"localhost:{proxy.port}"})

    assert (found.reach, f"localhost:{proxy.port}" in found.detail) == (Reach.REFUSED, True)


@pytest.mark.parametrize("rule", ["localhost", "*", "other.example, localhost", ".localhost", "localhost:{port}"])
def test_places_that_no_proxy_names_are_asked_directly(asking: Asking, rule: str) -> None:
    with serving(lambda _: FILE) as hub, refusing() as proxy:
        customs = {"http_proxy": proxy.url, "no_proxy": rule.format(port=hub.port)}
        assert asking.one(hub.url, proxies=customs).reach is Reach.REACHED


@pytest.mark.parametrize(
    ("rule", "url", "direct"),
    [
        ("example", "http://hub.example/", True),
        ("hub.example:81", "http://hub.example/", False),
        ("hub.example:80", "http://hub.example/", True),
        ("ample", "http://hub.example/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("::1", "http://[::1]/", True),
        ("", "http://hub.example/", False),
    ],
)
def test_no_proxy_is_read_as_others_read_it(rule: str, url: str, direct: bool) -> None:
    found = ask._proxy({"http_proxy": "p:1", "no_proxy": rule}, ask.urlsplit(url))

    assert (found is None) is direct


def test_a_socks_proxy_is_left_aside(asking: Asking) -> None:
    with serving(lambda _: FILE) as hub:
        assert asking.one(hub.url, proxies={"all_proxy": "socks5://localhost:1"}).reach is Reach.REACHED


def test_redirects_are_followed_to_where_the_bytes_are(asking: Asking) -> None:
    with serving(lambda _: FILE) as store, serving(lambda _: answer("302 Found", Location=f"{store.url}/b")) as hub:
        found = asking.one(hub.url)

    assert (found.reach, found.host) == (Reach.REACHED, f"localhost:{hub.port}")
    assert len(store.heads) == 1


def test_a_store_behind_a_hub_that_cannot_be_reached_is_named(asking: Asking) -> None:
    with refusing() as store, serving(lambda _: answer("302 Found", Location=f"{store.url}/b")) as hub:
        found = asking.one(hub.url)

    assert (found.reach, f"localhost:{store.port}" in found.detail) == (Reach.REFUSED, True)
    assert found.milliseconds is not None


def test_redirects_without_end_fail(asking: Asking) -> None:
    with serving(lambda _: answer("302 Found", Location="/again")) as hub:
        assert asking.one(hub.url).reach is Reach.FAILING


def test_a_hub_that_answers_with_a_web_page_is_no_hub(asking: Asking) -> None:
    with serving(lambda _: PAGE) as hub:
        found = asking.one(f"{hub.url}/a/resolve/1/f")

    assert (found.reach, "web page" in found.detail) == (Reach.FAILING, True)


def test_a_page_that_lists_no_packages_is_no_index(asking: Asking) -> None:
    with serving(lambda _: PAGE) as portal, serving(lambda _: LISTING) as index:
        found = [asking.one(place.url, "index").reach for place in (portal, index)]

    assert found == [Reach.FAILING, Reach.REACHED]


def test_a_login_for_the_whole_network_bars_the_way(asking: Asking) -> None:
    with serving(lambda _: answer("511 Network Authentication Required")) as hub:
        assert asking.one(hub.url).reach is Reach.BARRED


@pytest.mark.parametrize(
    ("status", "form", "expected"),
    [
        ("404 Not Found", "file", Reach.FAILING),
        ("500 Internal Server Error", "file", Reach.FAILING),
        ("403 Forbidden", "file", Reach.FAILING),
        ("404 Not Found", "index", Reach.FAILING),
        ("404 Not Found", "extra-index", Reach.REACHED),
        ("401 Unauthorized", "index", Reach.REACHED),
        ("401 Unauthorized", "registry", Reach.REACHED),
        ("404 Not Found", "release", Reach.FAILING),
    ],
)
def test_what_counts_as_an_answer_depends_on_the_place(
    asking: Asking, status: str, form: str, expected: Reach
) -> None:
    with serving(lambda _: answer(status)) as hub:
        found = asking.one(hub.url, form)

    assert found.reach is expected
    if found.reach is Reach.FAILING:
        assert found.detail == f"HTTP {status}"


def test_who_does_not_know_head_is_asked_again(asking: Asking) -> None:
    def only_get(head: str) -> bytes:
        return answer("200 OK") if head.startswith("GET ") else answer("405 Method Not Allowed")

    with serving(only_get) as mirror:
        assert asking.one(mirror.url, "release").reach is Reach.REACHED


@pytest.mark.parametrize("noise", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\xff" * 200])
def test_who_does_not_speak_http_fails(asking: Asking, noise: bytes) -> None:
    with serving(lambda _: noise) as hub:
        assert asking.one(hub.url).reach in (Reach.FAILING, Reach.REFUSED)


def test_who_speaks_no_tls_fails(asking: Asking) -> None:
    with serving(lambda _: FILE) as hub:
        found = asking.one(hub.secure)

    assert (found.reach, found.detail.startswith("TLS")) == (Reach.FAILING, True)


@pytest.mark.parametrize("url", ["https://[::1/", "http://", "ftp://hub.example/", "http://hub:port/"])
def test_an_address_that_is_none_fails(url: str) -> None:
    errand = ask.Errand(ask.Question(url), ask.Way({}, None), time.monotonic() + 1)
    errand.start()

    assert errand.answer().reach is Reach.FAILING


def test_a_password_in_an_address_goes_nowhere(asking: Asking) -> None:
    with serving(lambda _: FILE) as hub:
        found = asking.one(f"http://me:sesame@localhost:{hub.port}/f")

    assert found.reach is Reach.REACHED
    assert "sesame" not in codec.dumps(found)
    assert "Authorization" not in hub.heads[0]
    assert f"Host: localhost:{hub.port}\r\n" in hub.heads[0]


def _told(*offsets: float) -> Callable[[Asking], NetworkFacts]:
    def ask_all(asking: Asking) -> NetworkFacts:
        with places.contextlib.ExitStack() as stack:
            found = []
            for index, offset in enumerate(offsets):
                text = answer("206 Partial Content", at=time.time() + offset)
                place = stack.enter_context(serving(lambda _, text=text: text))  # type: ignore[misc]
                found.append(Destination("weights", str(index), place.url, "file"))
            return asking.facts(*found)

    return ask_all


@pytest.mark.parametrize(
    ("offsets", "clock"),
    [((-600,), 600), ((-600, -600, 9000), 600), ((0, 1, 0), 0), ((HOUR, HOUR, HOUR), -HOUR)],
)
def test_the_clock_is_compared_with_the_middle_of_the_answers(
    asking: Asking, offsets: tuple[float, ...], clock: float
) -> None:
    fact = _told(*offsets)(asking).clock

    assert fact.value == pytest.approx(clock, abs=2)
    assert fact.value == round(fact.value or 0)


def test_a_time_that_cannot_be_is_not_believed(asking: Asking) -> None:
    assert not _told(-time.time())(asking).clock.known


def test_a_stored_answer_tells_no_time(asking: Asking) -> None:
    with serving(lambda _: answer("206 Partial Content", at=time.time() - HOUR, Age="3600")) as hub:
        assert not asking.facts(Destination("weights", "hub", hub.url, "file")).clock.known


def test_facts_about_the_network_survive_being_saved(asking: Asking) -> None:
    with serving(lambda _: FILE) as hub:
        facts = asking.facts(Destination("weights", "hub", hub.url, "file", spare=True))

    assert codec.loads(NetworkFacts, codec.dumps(facts)) == facts
    assert [one.spare for one in facts.endpoints.value or ()] == [True]
