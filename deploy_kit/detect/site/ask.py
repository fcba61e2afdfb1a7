"""One question to an address in the network, asked as this host's own programs would, and how far it gets.

Nothing but the answer's head is looked at, and the beginning of a page where one is expected. A user name or password
in the address is never sent; that of a proxy is, because it would not let anybody through without.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from deploy_kit.data import table
from deploy_kit.facts import Reach

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_GATEWAYS = (403, 502, 503, 504)
_NETWORK_LOGIN = 511
_NOT_ALLOWED = (405, 501)
_OF_TIME = (9, 10)
"""OpenSSL's numbers for a certificate that is not valid yet, or no longer."""
_HEAD_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``statuses`` are the answers that a working place gives; ``page`` whether it may be a web page,
    which then holds one of ``signs``."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (200,)
    page: bool = True
    signs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """How this host goes there: ``proxies`` by their variables' names, ``trust`` for TLS, None where ``distrust`` says
    why there is none."""

    proxies: Mapping[str, str]
    trust: ssl.SSLContext | None
    distrust: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How far it got: ``milliseconds`` until the first answer began; ``clock`` how many seconds this host's clock was
    ahead of it then; None where nobody answered, or did not tell the time."""

    reach: Reach
    detail: str = ""
    milliseconds: int | None = None
    clock: float | None = None


class _Stop(Exception):
    def __init__(self, reach: Reach, detail: str) -> None:
        super().__init__(detail)
        self.reach, self.detail = reach, detail


def trust(bundle: str | None, *, verified: bool = True) -> tuple[ssl.SSLContext | None, str]:
    """The settings for TLS with a file of trusted certificates (None: the system's own), or why they cannot be had."""
    if not verified:
        return _credulous(), ""
    try:
        return ssl.create_default_context(cafile=bundle), ""
    except OSError as error:  # SSLError is one
        return None, f"{bundle}: {error.strerror or error}"


def _credulous() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Errand(threading.Thread):
    """One question on its way. A resolver may hang for as long as it likes: the thread is then left behind."""

    def __init__(self, question: Question, way: Way, until: float) -> None:
        super().__init__(daemon=True, name="reach")
        self._question, self._way, self._until = question, way, until
        self._answer: Answer | None = None
        self._stage = Reach.SILENT
        self._milliseconds: int | None = None
        self._clock: float | None = None

    def answer(self) -> Answer:
        """What is known when the deadline (and a moment) has passed; call it after `start`."""
        grace = float(table("reach")["grace_seconds"])
        self.join(max(0.0, self._until + grace - time.monotonic()))
        if self._answer is not None:
            return self._answer
        naming = self._stage is Reach.NO_NAME
        detail = "the name server does not answer" if naming else "no answer in time"
        return Answer(self._stage, detail, self._milliseconds, self._clock)

    def run(self) -> None:
        start = time.monotonic()
        try:
            self._follow(start)
            found = _Stop(Reach.REACHED, "")
        except _Stop as stop:
            found = stop
        except Exception as error:  # noqa: BLE001  # whatever an address or its owner can do, a probe never raises
            found = _Stop(Reach.FAILING, str(error) or type(error).__name__)
        self._answer = Answer(found.reach, found.detail, self._milliseconds, self._clock)

    def _follow(self, start: float) -> None:
        url, hops = self._question.url, int(table("reach")["hops"])
        first = urlsplit(url)
        for _ in range(hops):
            parts = urlsplit(url)
            try:
                reply, proxied = self._hop(parts, self._question.method)
            except _Stop as stop:
                detour = "" if parts.netloc == first.netloc else f"redirected to {_shown(parts)}: "
                raise _Stop(stop.reach, detour + stop.detail) from None
            with contextlib.closing(reply):
                self._note(reply, start)
                target = reply.headers.get("location")
                if reply.status in _REDIRECTS and target:
                    url = urljoin(url, target)
                    continue
                if self._question.method == "HEAD" and reply.status in _NOT_ALLOWED:
                    self._question = _as_get(self._question)
                    continue
                self._judge(reply, parts, proxied=proxied, away=parts.hostname != first.hostname)
                return
        raise _Stop(Reach.FAILING, f"more than {hops} redirects")

    def _note(self, reply: http.client.HTTPResponse, start: float) -> None:
        if self._milliseconds is None:
            self._milliseconds = max(1, round((time.monotonic() - start) * 1000))
        if self._clock is None:
            self._clock = _ahead(reply)

    def _judge(self, reply: http.client.HTTPResponse, parts: SplitResult, *, proxied: bool, away: bool) -> None:
        """Raises _Stop for any answer that a working place would not give."""
        status, said = reply.status, f"HTTP {reply.status} {reply.reason}".strip()
        if status in (407, _NETWORK_LOGIN) or (proxied and status in _GATEWAYS):
            raise _Stop(Reach.BARRED, said)
        where = f" at {_shown(parts)}" if away else ""
        if status not in self._question.statuses:
            raise _Stop(Reach.FAILING, said + where)
        if status == 200 and _kind(reply) == "text/html":
            self._read_page(reply, where)
        if status != 200 and status not in (206, 404):
            raise _Stop(Reach.REACHED, said)

    def _read_page(self, reply: http.client.HTTPResponse, where: str) -> None:
        if not self._question.page:
            raise _Stop(Reach.FAILING, f"a web page{where} instead of what was asked for")
        signs = [sign.encode() for sign in self._question.signs]
        if signs and self._question.method != "HEAD":
            text = reply.read(int(table("reach")["page_bytes"]))
            if not any(sign in text for sign in signs):
                raise _Stop(Reach.FAILING, f"a web page{where} that lists no packages")

    def _hop(self, parts: SplitResult, method: str) -> tuple[http.client.HTTPResponse, bool]:
        """One request and its answer, and whether it was a proxy that was asked in plain text."""
        if parts.scheme not in _PORTS or not parts.hostname:
            raise _Stop(Reach.FAILING, f"{parts.scheme or 'nothing'}: no address on the web")
        proxy = _proxy(self._way.proxies, parts)
        try:
            line = self._line(parts, proxy, self._way.trust)
            return _request(line, parts, method, self._question.headers, proxy), bool(proxy) and parts.scheme == "http"
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in _OF_TIME:
                self._ask_the_time(parts, proxy)
            raise _Stop(Reach.CERTIFICATE, error.verify_message or str(error)) from None
        except TimeoutError:
            raise _Stop(Reach.SILENT, "no answer in time") from None
        except ssl.SSLError as error:
            raise _Stop(Reach.FAILING, f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}") from None
        except http.client.RemoteDisconnected:
            raise _Stop(Reach.FAILING, "hangs up without an answer") from None
        except OSError as error:
            raise _Stop(Reach.REFUSED, error.strerror or str(error)) from None
        except http.client.HTTPException as error:
            raise _Stop(Reach.FAILING, f"no HTTP answer ({type(error).__name__})") from None

    def _ask_the_time(self, parts: SplitResult, proxy: SplitResult | None) -> None:
        """A certificate out of its time may mean that our clock is wrong: then that is what the user needs to hear.

        Nothing else of this answer is used, so it need not be trusted.
        """
        with contextlib.suppress(_Stop, OSError, http.client.HTTPException):
            line = self._line(parts, proxy, _credulous())
            with contextlib.closing(_request(line, parts, "HEAD", {}, proxy)) as reply:
                self._clock = _ahead(reply)

    def _line(self, parts: SplitResult, proxy: SplitResult | None, context: ssl.SSLContext | None) -> socket.socket:
        """A connection to the place, through the proxy where there is one."""
        if parts.scheme == "https" and context is None:
            raise _Stop(Reach.CERTIFICATE, self._way.distrust)
        if proxy is None:
            line = self._connect(parts.hostname or "", _port(parts))
        else:
            try:
                line = self._connect(proxy.hostname or "", proxy.port or 80)
            except _Stop as stop:
                raise _Stop(stop.reach, f"proxy {_shown(proxy)}: {stop.detail}") from None
        if parts.scheme == "http" or context is None:
            return line
        try:
            if proxy is not None:
                _tunnel(line, parts, proxy)
            return context.wrap_socket(line, server_hostname=parts.hostname)
        except BaseException:
            line.close()
            raise

    def _connect(self, host: str, port: int) -> socket.socket:
        before, self._stage = self._stage, Reach.NO_NAME
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[: int(table("reach")["addresses"])]
        except (socket.gaierror, UnicodeError) as error:
            raise _Stop(Reach.NO_NAME, getattr(error, "strerror", None) or str(error)) from None
        self._stage = before
        troubles = []
        for index, (family, kind, _, _, address) in enumerate(found):
            line = socket.socket(family, kind)
            line.settimeout(max(0.05, (self._until - time.monotonic()) / (len(found) - index)))
            try:
                line.connect(address)
            except OSError as error:
                line.close()
                troubles.append(error)
                continue
            line.settimeout(max(0.05, self._until - time.monotonic()))
            return line
        if any(isinstance(error, TimeoutError) for error in troubles):
            raise _Stop(Reach.SILENT, "no answer in time")
        told = next((one for one in troubles if isinstance(one, ConnectionRefusedError)), troubles[-1])
        raise _Stop(Reach.REFUSED, told.strerror or str(told))


def _as_get(question: Question) -> Question:
    return Question(question.url, "GET", question.headers, question.statuses, question.page, question.signs)


def _request(
    line: socket.socket, parts: SplitResult, method: str, headers: Mapping[str, str], proxy: SplitResult | None
) -> http.client.HTTPResponse:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    own = {"User-Agent": "deploykit", "Connection": "close", **headers}
    if proxy is not None and parts.scheme == "http":
        target, own = f"http://{_shown(parts)}{target}", {**own, **_password(proxy)}
    connection = http.client.HTTPConnection(parts.hostname or "", _port(parts))
    connection.sock = line
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": _shown(parts), **own}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse()
    finally:
        line.close()  # the answer keeps it open for as long as it is read


def _tunnel(line: socket.socket, parts: SplitResult, proxy: SplitResult) -> None:
    """Let a proxy connect us; raises _Stop when it will not."""
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    target = f"{name}:{_port(parts)}"
    rows = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *(f"{k}: {v}" for k, v in _password(proxy).items())]
    line.sendall(("\r\n".join(rows) + "\r\n\r\n").encode("latin-1"))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
        piece = line.recv(1)  # not a byte of what comes after the head: that is for TLS
        if not piece:
            raise _Stop(Reach.BARRED, f"proxy {_shown(proxy)}: hangs up")
        head += piece
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(maxsplit=1)
    if len(words) < 2 or not words[0].startswith("HTTP/"):
        raise _Stop(Reach.BARRED, f"proxy {_shown(proxy)}: no HTTP answer")
    if not words[1].startswith("2"):
        raise _Stop(Reach.BARRED, f"proxy {_shown(proxy)}: HTTP {words[1]}")


def _password(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}


def _proxy(proxies: Mapping[str, str], parts: SplitResult) -> SplitResult | None:
    """The proxy for an address; SOCKS proxies are not spoken to, as our own fetching does not either."""
    if _direct(parts, proxies.get("no_proxy", "")):
        return None
    address = proxies.get(f"{parts.scheme}_proxy") or proxies.get("all_proxy") or ""
    found = urlsplit(address if "://" in address else f"http://{address}")
    return found if address and found.scheme in _PORTS and found.hostname else None


def _direct(parts: SplitResult, rules: str) -> bool:
    """Whether a ``no_proxy`` list names this address: hosts, domains, networks, or a star for everything."""
    host = (parts.hostname or "").lower()
    for rule in rules.lower().replace(",", " ").split():
        name, colon, port = rule.rpartition(":")
        if colon and port.isdecimal() and name.count(":") == 0:
            if int(port) != _port(parts):
                continue
            rule = name  # noqa: PLW2901
        bare = rule.removeprefix("*").removeprefix(".").strip("[]")
        if rule == "*" or host == bare or (bare and host.endswith(f".{bare}")) or _within(host, bare):
            return True
    return False


def _within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _shown(parts: SplitResult) -> str:
    """Host and port, without a user's name."""
    return parts.netloc.rpartition("@")[2]


def _kind(reply: http.client.HTTPResponse) -> str:
    return (reply.headers.get("content-type") or "").partition(";")[0].strip().lower()


def _ahead(reply: http.client.HTTPResponse) -> float | None:
    """Seconds that our clock is ahead of an answer's; None where it tells no time, or that of a stored answer."""
    limits = table("reach")["clock"]
    age = (reply.headers.get("age") or "0").strip()
    if not age.isdecimal() or int(age) > limits["stale_seconds"]:
        return None
    text = reply.headers.get("date") or ""
    try:
        told = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if not limits["earliest"] <= told.date().isoformat() <= limits["latest"]:
        return None
    return time.time() - told.timestamp() - 0.5  # a Date has whole seconds
