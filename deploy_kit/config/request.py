"""The user's wishes as values, with every default filled in; nothing here was compared with a host yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the service is published. ``host`` is an address or a name, IPv6 without brackets."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def wildcard(self) -> bool:
        return self.host in ("0.0.0.0", "::", "*")  # noqa: S104  # the user's word

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How an image is built on this site. Nothing here changes what the image holds, so only ``base`` is hashed.

    ``base`` is the base image as asked for; ``base_mirrors`` registry hosts that may serve it; ``apt_mirror`` a Debian
    mirror's URL; ``package_index`` a Python index URL (may hold credentials); ``ca_bundle`` a PEM file.
    ``engine_source`` is where IndexTTS' own code comes from: ``auto`` (the pinned commit), a repository with
    ``#commit``, the URL of an archive, or a path of this host; ``torch_index`` an index with PyTorch's own builds,
    None for the usual one; ``engine_archives`` are mirrors that may serve the pinned commit.
    """

    base: str
    base_mirrors: tuple[str, ...] = ()
    apt_mirror: str | None = None
    package_index: str | None = None
    ca_bundle: str | None = None
    engine_source: str = "auto"
    torch_index: str | None = None
    engine_archives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """Where model weights come from.

    ``source`` is ``auto``, ``huggingface``, ``modelscope``, the URL of a mirror, or the absolute path of a folder or an
    archive on this host; ``lock`` the path of a lock file to be used instead of ours; ``token_file`` that of a hub's
    token.
    """

    source: str = "auto"
    lock: str | None = None
    token_file: str | None = None

    @property
    def path(self) -> str | None:
        """The folder or archive of this host that they come from, None for any other source."""
        return self.source if self.source.startswith("/") else None


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """Which cluster is meant, and where in it: None is what kubectl itself would take.

    ``context`` is a name of the kubeconfig, ``kubeconfig`` the path of such a file.
    """

    context: str | None = None
    namespace: str | None = None
    kubeconfig: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One complete wish: `config.load` makes it, `compat` and `plan` read it.

    ``memory`` is bytes and ``pids`` a count, None for what engine and device need; ``cpus`` a number of cores or None
    for all; ``service`` the environment of the server (``TTS_…`` name, value), sorted; ``region`` is ``global`` or
    ``cn`` (``auto`` was resolved by the loader). ``gpus`` are the UUIDs of the cards that may be used, empty for all;
    ``matrix`` is what the user lays over the table of cards, as canonical JSON (`compat.cards.matrix` reads it).
    """

    name: str
    engine: str
    device: str
    variant: str
    target: str
    listen: Listen
    cache_volume: str
    cache_path: str | None
    region: str
    memory: int | None
    pids: int | None
    cpus: float | None
    drain_seconds: float
    service: tuple[tuple[str, str], ...]
    api_key_file: str | None
    build: BuildSettings
    gpus: tuple[str, ...] = ()
    weights: Weights = Weights()
    accept_license: bool = False
    matrix: str | None = None
    kubernetes: Kubernetes = Kubernetes()
