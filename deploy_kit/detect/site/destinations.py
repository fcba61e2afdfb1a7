"""The places in the network that a deployment fetches from, as the user, the region and this host settle them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from deploy_kit import proc
from deploy_kit.config.request import BuildSettings, Request
from deploy_kit.data import table
from deploy_kit.detect.machine.context import Context
from deploy_kit.detect.site import endpoint, engine
from deploy_kit.facts import SiteFacts

_AUTO = "auto"
_HUB = "huggingface"
_TWIN = "modelscope+"
_ARCHIVES = (".tar.gz", ".tgz", ".zip")
_CERTIFICATES = "/etc/docker/certs.d"
_ENTRY = re.compile(r"^deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", re.MULTILINE)
_APT_PROXY = re.compile(r'^Acquire::(http|https)::Proxy(?:::([^\s:]+))? "(.*)";$', re.MULTILINE | re.IGNORECASE)
_APT_SECONDS = 1.0
_PIP = """
import sys
from glob import glob
from importlib.util import find_spec
bundled = find_spec("ensurepip")
for place in (bundled.submodule_search_locations[0] + "/_bundled" if bundled else "", "/usr/share/python-wheels"):
    sys.path += sorted(glob(place + "/pip-*.whl")) if place else []
from pip._internal.models.index import PyPI
print(PyPI.simple_url)
"""
"""Asks the pip that is installed, or lies packed beside the interpreter, for the index that it uses by itself."""
_NOTHING = BuildSettings(base="")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a deployment would fetch, as far as it is settled; the defaults are those of a user who settled nothing.

    ``engine`` and ``variant`` are those asked for, ``source`` is that of the weights.
    """

    source: str = _AUTO
    region: str = "global"
    engine: str = ""
    variant: str = _AUTO
    build: BuildSettings = _NOTHING

    @classmethod
    def of(cls, request: Request) -> Wanted:
        return cls(request.weights.source, request.region, request.engine, request.variant, request.build)


@dataclass(frozen=True, slots=True)
class Destination:
    """One place: ``form`` is the row of questions in ``reach.json``; ``spare`` ones are alternatives that this
    deployment was not told to use. ``proxies`` stand in for those of the site; ``verified``: certificates count."""

    purpose: str
    name: str
    url: str
    form: str
    spare: bool = False
    proxies: Mapping[str, str] | None = field(default=None, hash=False)
    verified: bool = True

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]


def find(context: Context, site: SiteFacts, wanted: Wanted) -> list[Destination]:
    """Everything that is known without asking a program; never raises."""
    found = [
        *_weights(context, wanted),
        *_indexes(site, wanted),
        *_torch(site, wanted),
        *_source(wanted),
        *_images(context, wanted),
    ]
    return _limited(found)


def asked(context: Context, site: SiteFacts, wanted: Wanted) -> list[Destination]:
    """What takes a program to know: pip's own index, and apt's sources, whose proxy only apt knows."""
    return _limited([*_own_index(context, site, wanted), *_system(context, site, wanted)])


def _limited(found: list[Destination]) -> list[Destination]:
    """Each place once, and no more of a purpose than a person reads."""
    most, kept = int(table("reach")["most_of_a_purpose"]), dict[tuple[str, str], Destination]()
    for one in found:
        if urlsplit(one.url).hostname:
            kept.setdefault((one.purpose, one.host), one)
    counts: dict[str, int] = {}
    limited = []
    for one in kept.values():
        counts[one.purpose] = counts.get(one.purpose, 0) + 1
        if counts[one.purpose] <= most:
            limited.append(one)
    return limited


def _weights(context: Context, wanted: Wanted) -> Iterator[Destination]:
    if wanted.source.startswith("/"):
        return
    hubs, order = table("hubs")["hubs"], table("hubs")["order"]
    usual = order.get(wanted.region, order["global"])
    names = usual if wanted.source == _AUTO else [name.strip() for name in wanted.source.split(",")]
    for name in dict.fromkeys([*names, *usual]):
        spare = name not in names
        if name in hubs:
            address, form = hubs[name]["endpoint"], hubs[name]["form"]
            own = context.env.get("HF_ENDPOINT", "")
            if name == _HUB and own.startswith(("http://", "https://")):
                address = own.rstrip("/")
            yield Destination("weights", name, _file(address, form, wanted.engine), "file", spare)
        elif "://" in name:
            address, form = name.removeprefix(_TWIN).rstrip("/"), "modelscope" if name.startswith(_TWIN) else _HUB
            host = urlsplit(address).netloc.rpartition("@")[2]
            yield Destination("weights", host, _file(address, form, wanted.engine), "file", spare)


def _file(address: str, form: str, engine_name: str) -> str:
    """The address of one small file of those that hubs keep in a store of their own: who serves it serves them all."""
    rows = table("weights")["repositories"]
    row = next((row for row in rows if engine_name in row["engines"]), rows[0])
    suffixes = tuple(table("reach")["stored_apart"])
    item = min((item for item in row["files"] if item["path"].endswith(suffixes)), key=lambda item: item["bytes"])
    name, revision = row["name"], row["revision"]
    if form == "modelscope":
        name, revision = row["modelscope"]["name"], row["modelscope"]["revision"]
        revision = revision or table("hubs")["unpinned"]["modelscope"]
    pattern: str = table("hubs")["forms"][form]
    return pattern.format(endpoint=address, name=quote(name), revision=quote(revision), path=quote(item["path"]))


def _preset(wanted: Wanted) -> dict[str, object]:
    regions = table("mirrors")["regions"]
    return dict(regions.get(wanted.region) or {})


def _chosen_index(site: SiteFacts, wanted: Wanted) -> str | None:
    """The index that the user, the host's pip or the region settles; None for pip's own."""
    own = (site.package_index.value or {}).get("index-url")
    preset = _preset(wanted).get("package_index")
    return wanted.build.package_index or own or (str(preset) if preset else None)


def _indexes(site: SiteFacts, wanted: Wanted) -> Iterator[Destination]:
    if index := _chosen_index(site, wanted):
        yield _index(site, "packages", index, "index")
    if wanted.build.package_index is None:
        for further in (site.package_index.value or {}).get("extra-index-url", "").split():
            yield _index(site, "packages", further, "extra-index", spare=True)


def _index(site: SiteFacts, purpose: str, address: str, form: str, *, spare: bool = False) -> Destination:
    package = table("reach")["packages"]["torch" if purpose == "torch" else "index"]
    path = table("reach")["questions"][form]["path"].format(package=package)
    settings = site.package_index.value or {}
    proxy = settings.get("proxy")
    found = Destination(purpose, "", address.rstrip("/") + path, form, spare)
    return replace(
        found,
        name=found.host,
        proxies={"http_proxy": proxy, "https_proxy": proxy} if proxy else None,
        verified=not {found.host, urlsplit(found.url).hostname} & set(settings.get("trusted-host", "").split()),
    )


def _own_index(context: Context, site: SiteFacts, wanted: Wanted) -> Iterator[Destination]:
    if _chosen_index(site, wanted) is not None:
        return
    try:
        answer = context.run((sys.executable, "-I", "-c", _PIP), timeout=table("reach")["child_seconds"])
    except proc.CommandError:
        return
    if address := answer.stdout.strip():
        yield _index(site, "packages", address, "index")


def _torch(site: SiteFacts, wanted: Wanted) -> Iterator[Destination]:
    """PyTorch's own index; a variant whose packages are in the ordinary one needs it not."""
    rows = table("matrix")["variants"]
    named = rows.get(wanted.variant)
    needed = named is None or named.get("index") == "pytorch"
    variant = wanted.variant if named is not None and needed else "cpu"
    pattern = wanted.build.torch_index or _preset(wanted).get("torch_index") or table("engine_source")["torch_index"]
    address = str(pattern).replace("{variant}", variant)
    yield _index(site, "torch", address, "index", spare=not needed or wanted.variant == "core")


def _source(wanted: Wanted) -> Iterator[Destination]:
    setting = wanted.build.engine_source
    if setting == _AUTO:
        rule, preset = table("engine_source"), _preset(wanted).get("engine_archives")
        archives = wanted.build.engine_archives or (preset if isinstance(preset, list) else [])
        places = [*rule["archives"], *archives]
        yield from (_code(str(one).replace("{commit}", rule["commit"]), "archive") for one in places)
        yield from (_code(one, "repository") for one in rule["repositories"])
    elif "://" in setting:
        address, _, commit = setting.partition("#")
        repository = bool(commit) and not urlsplit(address).path.endswith(_ARCHIVES)
        yield _code(address, "repository" if repository else "archive")


def _code(address: str, form: str) -> Destination:
    path = table("reach")["questions"][form].get("path", "")
    found = Destination("source", "", address.rstrip("/") + path, form)
    return replace(found, name=found.host)


def _images(context: Context, wanted: Wanted) -> Iterator[Destination]:
    """The base image's registry and its mirrors; an engine on another machine fetches through that one's network."""
    address = endpoint.observe(context)
    if address.known and endpoint.socket_path(address) is None:
        return
    reference = wanted.build.base or table("base")["reference"]
    first = reference.partition("/")[0]
    registry = first if "/" in reference and ("." in first or ":" in first) else "docker.io"
    preset = _preset(wanted).get("base_mirrors")
    mirrors = wanted.build.base_mirrors or (preset if isinstance(preset, list) else [])
    configured = engine.mirrors(context) if registry == "docker.io" else ()
    yield _registry(context, registry)
    yield from (_registry(context, str(one)) for one in (*configured, *mirrors))


def _registry(context: Context, address: str) -> Destination:
    scheme, _, rest = address.rpartition("://")
    host = rest.split("/", 1)[0]
    asked_at = table("mirrors")["registry_endpoints"].get(host, host)
    path = table("reach")["questions"]["registry"]["path"]
    own_trust = context.path(f"{_CERTIFICATES}/{host}").exists()
    url = f"{scheme or 'https'}://{asked_at}{path}"
    return Destination("images", host.rpartition("@")[2], url, "registry", verified=not own_trust)


def _system(context: Context, site: SiteFacts, wanted: Wanted) -> Iterator[Destination]:
    proxies = _apt_proxies(context)
    for address, suite in dict.fromkeys(_apt_sources(context)):
        url, form = _release(address, suite)
        if url.startswith(("http://", "https://")):
            found = Destination("system", "", url, form)
            host = urlsplit(url).hostname or ""
            special = {**(site.proxies.value or {}), **proxies.get("", {}), **proxies.get(host, {})}
            yield replace(found, name=found.host, proxies=special)
    mirror = wanted.build.apt_mirror or _preset(wanted).get("apt_mirror")
    if mirror:
        found = Destination("system", "", _release(str(mirror), table("base")["suite"])[0], "release")
        yield replace(found, name=found.host)


def _release(address: str, suite: str) -> tuple[str, str]:
    """What apt itself asks for first, and the form of that question."""
    if address.startswith("mirror"):
        plain = address.removeprefix("mirror+")
        return (plain.replace("mirror://", "http://", 1) if plain.startswith("mirror://") else plain), "list"
    if suite.endswith("/"):
        return f"{address.rstrip('/')}/{suite.lstrip('/')}InRelease".replace("/./", "/"), "release"
    return f"{address.rstrip('/')}/dists/{suite}/InRelease", "release"


def _apt_sources(context: Context) -> Iterator[tuple[str, str]]:
    """Address and suite of every source of packages in apt's own configuration, both formats."""
    folder = context.path("/etc/apt")
    for path in (folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))):
        text = context.read("/" + path.relative_to(context.root).as_posix()) or ""
        yield from (match.groups() for match in _ENTRY.finditer(text))  # type: ignore[misc]
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        text = context.read("/" + path.relative_to(context.root).as_posix()) or ""
        for stanza in re.split(r"\n\s*\n", text):
            fields = _fields(stanza)
            if fields.get("enabled", "yes").lower() in ("yes", "true", "1", "on", "with"):
                suite = (fields.get("suites", "").split() or [""])[0]
                yield from ((address, suite) for address in fields.get("uris", "").split() if suite)


def _fields(stanza: str) -> dict[str, str]:
    """The fields of a deb822 stanza by lower-case name; continued lines joined."""
    found: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            found[name] = f"{found.get(name, '')} {line.strip()}"
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        found[name] = value.strip()
    return found


def _apt_proxies(context: Context) -> dict[str, dict[str, str]]:
    """Proxies of apt's configuration by host, the empty name for all; ``DIRECT`` is none at all."""
    if context.which("apt-config") is None:
        return {}
    try:
        text = context.run(("apt-config", "dump"), timeout=_APT_SECONDS).stdout
    except proc.CommandError:
        return {}
    found: dict[str, dict[str, str]] = {}
    for scheme, host, value in sorted(_APT_PROXY.findall(text)):  # http before https, which follows it
        entry = found.setdefault(host, {})
        entry[f"{scheme.lower()}_proxy"] = "" if value.upper() == "DIRECT" else value
        if scheme.lower() == "http":
            entry.setdefault("https_proxy", entry["http_proxy"])
    return found
