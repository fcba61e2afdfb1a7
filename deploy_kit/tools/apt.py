"""Installing packages of the distribution with apt. What `commands` shows is what `install` runs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy_kit import proc
from deploy_kit.compat import PackagePlan
from deploy_kit.errors import Failure, fail
from deploy_kit.progress import Reporter, line
from deploy_kit.redact import has_credentials, redact

Command = tuple[str, ...]

STEP = "install-packages"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_LOCK_SECONDS = 300
_UPDATE_SECONDS = 600
_INSTALL_SECONDS = 3600
_SILENT_SECONDS = 600
_LOCK_TRIES = 12
_WRITE = 'printf "%s\\n" "$@" > '
_OFFLINE = re.compile(
    r"Temporary failure resolving|Could not resolve|Could not connect|Network is unreachable|No route to host"
    r"|Connection timed out|Connection refused|Connection failed"
)
_UPDATE_BROKEN = re.compile(r"^(?:E:|Err:|W: Failed to fetch)")


@dataclass(frozen=True, slots=True)
class Source:
    """One archive of the host's apt configuration; ``options`` are its ``Signed-By`` and ``Trusted``."""

    uri: str
    suite: str
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()


def commands(plan: PackagePlan, sudo: bool, *, root: Path = Path("/")) -> tuple[Command, ...]:
    """The commands that install a plan, in order, exactly as they will be run.

    Raises:
        Failure: ENGINE-SOURCE-UNKNOWN when another suite is wanted and the host's own mirror cannot be told.
    """
    return (*_preparation(plan, sudo, root), _update(plan, sudo), _installation(plan, sudo))


def install(plan: PackagePlan, report: Reporter, *, sudo: bool) -> None:
    """Install the packages of a plan; output lines go to ``report``. Returns when apt is done.

    With ``sudo`` the terminal is left to the commands, since sudo may ask for a password there.

    Raises:
        Failure: ENGINE-SOURCE-UNKNOWN, ENGINE-INSTALL-OFFLINE or ENGINE-INSTALL-FAILED, with apt's last lines.
    """
    for command in _preparation(plan, sudo, Path("/")):
        _check(_run(command, report, sudo), plan)
    trouble = _refresh(plan, report, sudo)
    if trouble is not None and plan.suite:
        for command in _withdrawal(plan, sudo):
            _run(command, report, sudo)
        raise _failure(trouble, plan)
    result = _run(_installation(plan, sudo), report, sudo)
    if not result.ok and trouble is not None and _OFFLINE.search(trouble.stdout):
        raise _failure(trouble, plan)
    _check(result, plan)


def archive(root: Path, release: str) -> Source | None:
    """The distribution's own archive for ``release`` among the host's apt sources; None when none looks like it."""
    found = [source for source in sources(root) if source.suite == release and "main" in source.components]
    best = max(found, key=_likeness, default=None)
    return best if best is not None and _likeness(best) else None


def sources(root: Path) -> Iterator[Source]:
    """Every binary archive in the host's apt configuration, both formats; media such as ``cdrom:`` are left out."""
    folder = root / "etc/apt"
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if path.suffix == ".sources":
            yield from _deb822(text)
        elif path.suffix == ".list":
            yield from _one_line(text)


def _preparation(plan: PackagePlan, sudo: bool, root: Path) -> tuple[Command, ...]:
    """The pin first, then the source: the other way round, an update in between would offer the whole suite."""
    if plan.suite is None:
        return ()
    lists, pin = _files(plan.suite)
    return (_written(pin, _pin(plan), sudo), _written(lists, _source_lines(plan, root), sudo))


def _withdrawal(plan: PackagePlan, sudo: bool) -> tuple[Command, ...]:
    return (_as_root(("rm", "-f", *_files(plan.suite or "")), sudo),)


def _files(suite: str) -> tuple[str, str]:
    return f"/etc/apt/sources.list.d/deploykit-{suite}.sources", f"/etc/apt/preferences.d/deploykit-{suite}"


def _pin(plan: PackagePlan) -> tuple[str, ...]:
    """Nothing comes from the suite by itself (50) but newer versions of what we installed from there (500)."""
    lines: list[str] = []
    for names, priority in ((" ".join(plan.pinned), 500), ("*", 50)):
        for suite in (plan.suite, f"{plan.suite}-security"):
            lines += [f"Package: {names}", f"Pin: release n={suite}", f"Pin-Priority: {priority}", ""]
    return tuple(lines[:-1])


def _source_lines(plan: PackagePlan, root: Path) -> tuple[str, ...]:
    main = archive(root, plan.release) or _from_apt(plan.release)
    if main is None:
        raise fail("ENGINE-SOURCE-UNKNOWN", plan.suite or "", release=plan.release, suite=plan.suite)
    found = {plan.suite or "": main}
    if security := archive(root, f"{plan.release}-security"):
        found[f"{plan.suite}-security"] = security
    for source in found.values():
        if has_credentials(source.uri):  # sources are shown and are arguments of a process: no place for a password
            raise fail("ENGINE-SOURCE-PASSWORD", redact(source.uri), release=plan.release)
    return tuple(text for suite, source in found.items() for text in (*_stanza(source, suite), ""))[:-1]


def _stanza(source: Source, suite: str) -> tuple[str, ...]:
    options = dict(source.options)
    if "Trusted" not in options:
        options.setdefault("Signed-By", _KEYRING)
    return (
        "Types: deb",
        f"URIs: {source.uri}",
        f"Suites: {suite}",
        "Components: main",
        *(f"{name}: {value}" for name, value in sorted(options.items())),
    )


def _from_apt(release: str) -> Source | None:
    """What apt itself knows about the release, for configurations that we could not read."""
    form = "$(ORIGIN) $(CODENAME) $(REPO_URI)"
    try:
        result = proc.run(("apt-get", "indextargets", "--format", form, "Created-By: Packages"), timeout=10)
    except proc.CommandError:
        return None
    for text in result.stdout.splitlines():
        origin, _, rest = text.partition(" ")
        codename, _, uri = rest.partition(" ")
        if origin == "Debian" and codename == release and uri:
            return Source(uri, release, ("main",))
    return None


def _written(path: str, lines: tuple[str, ...], sudo: bool) -> Command:
    """A command that writes a file and shows what it writes; the shell sees no text but the fixed path."""
    return _as_root(("sh", "-c", _WRITE + path, "sh", *lines), sudo)


def _update(plan: PackagePlan, sudo: bool) -> Command:
    only: tuple[str, ...] = ()
    if plan.suite:
        lists, _ = _files(plan.suite)
        alone = (f"Dir::Etc::SourceList={lists}", "Dir::Etc::SourceParts=-", "APT::Get::List-Cleanup=0")
        only = tuple(word for option in alone for word in ("-o", option))
    return _as_root(("apt-get", "update", *only), sudo)


def _installation(plan: PackagePlan, sudo: bool) -> Command:
    suite = ("-t", plan.suite) if plan.suite else ()
    options = ("-o", f"DPkg::Lock::Timeout={_LOCK_SECONDS}", "-o", "Dpkg::Options::=--force-confold")
    install = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends")
    return _as_root((*install, *options, *suite, *plan.packages), sudo)


def _as_root(command: Command, sudo: bool) -> Command:
    return ("sudo", *command) if sudo else command


def _refresh(plan: PackagePlan, report: Reporter, sudo: bool) -> proc.Completed | None:
    """Run the update, waiting for another apt to finish; what it said when it failed, else None.

    apt answers 0 when an archive could not be fetched; for the one suite that we added, that is a failure too.
    """
    result = _run(_update(plan, sudo), report, sudo)
    for _ in range(_LOCK_TRIES):
        if result.ok or "/lists/lock" not in result.stdout:
            break
        time.sleep(_LOCK_SECONDS / _LOCK_TRIES)
        result = _run(_update(plan, sudo), report, sudo)
    broken = any(_UPDATE_BROKEN.match(text) for text in result.stdout.splitlines())
    return result if not result.ok or broken else None


def _run(command: Command, report: Reporter, sudo: bool) -> proc.Completed:
    def pass_on(text: str) -> None:
        if text:
            report(line(STEP, text))

    runner = proc.foreground if sudo else proc.stream
    try:
        return runner(command, pass_on, timeout=_INSTALL_SECONDS, silence=_SILENT_SECONDS, check=False)
    except proc.CommandError as error:
        raise fail("ENGINE-INSTALL-FAILED", command[0], command=" ".join(command), lines=str(error)) from error


def _check(result: proc.Completed, plan: PackagePlan) -> None:
    if not result.ok:
        raise _failure(result, plan)


def _failure(result: proc.Completed, plan: PackagePlan) -> Failure:
    said = [text for text in result.stdout.splitlines() if text.startswith(("E:", "W:", "Err:"))]
    lines = "\n".join((said or result.stdout.splitlines())[-8:])
    code = "ENGINE-INSTALL-OFFLINE" if _OFFLINE.search(result.stdout) else "ENGINE-INSTALL-FAILED"
    verb = next((word for word in result.argv if word in ("update", "install")), "")
    command = f"apt-get {verb}" if verb else " ".join(result.argv[:3])
    return fail(code, " ".join(plan.packages), command=command, lines=lines)


def _likeness(source: Source) -> int:
    """How much an archive looks like the distribution's own: others use the same suite and component names."""
    signed = "debian-archive" in dict(source.options).get("Signed-By", "")
    return 2 * signed + bool(re.search(r"/debian(?:-security)?/?$", source.uri))


def _deb822(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        options = _options({"signed-by": fields.get("signed-by", ""), "trusted": fields.get("trusted", "")})
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                if not uri.startswith("cdrom:"):
                    yield Source(uri, suite, tuple(fields.get("components", "").split()), options)


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for text in stanza.splitlines():
        if text.startswith("#"):
            continue
        if text[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {text.strip()}"
        elif ":" in text:
            name, _, value = text.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


_LINE = re.compile(r"^\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>[^#]*)")


def _one_line(text: str) -> Iterator[Source]:
    for entry in text.splitlines():
        match = _LINE.match(entry)
        if match and not match["uri"].startswith("cdrom:"):
            pairs = dict(item.partition("=")[::2] for item in (match["options"] or "").split())
            yield Source(match["uri"], match["suite"], tuple(match["components"].split()), _options(pairs))


def _options(pairs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Of an archive's options those that decide whether apt trusts it; a key given in full is left to the keyring."""
    options = []
    if pairs.get("signed-by", "").startswith("/"):
        options.append(("Signed-By", pairs["signed-by"]))
    if pairs.get("trusted", "").lower() in ("yes", "true"):
        options.append(("Trusted", "yes"))
    return tuple(options)
