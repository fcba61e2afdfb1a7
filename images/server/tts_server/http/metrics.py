"""``GET /metrics``: names, labels and buckets stand in ``data/metrics.json``, nowhere else."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from typing import Any

from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deploy_kit.data import table
from tts_server.engines import memory, resources
from tts_server.engines.status import Engine, EngineState
from tts_server.state import State

Row = tuple[tuple[str, ...], float]
"""The values of a metric's labels, and its own."""


class Metrics:
    """The service's observer, and its endpoint."""

    def __init__(self, state: State) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests")
        self._characters = self._counter("characters")
        self._audio = self._counter("audio")
        self._wait = self._histogram("queue_wait")
        self._first = self._histogram("first_audio")
        self._factor = self._histogram("real_time_factor")
        self._registry.register(_Now(state))

    async def endpoint(self) -> Response:
        """All metrics in Prometheus' text form."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def waited(self, seconds: float) -> None:
        self._wait.observe(seconds)

    def first_audio(self, seconds: float) -> None:
        self._first.observe(seconds)

    def finished(self, model: str, outcome: str, characters: int, audio: float, busy: float) -> None:
        self._requests.labels(model, outcome).inc()
        self._audio.labels(model).inc(audio)
        if outcome == "ok":
            self._characters.labels(model).inc(characters)
            if audio > 0:
                self._factor.labels(model).observe(busy / audio)

    def _counter(self, key: str) -> Counter:
        row = table("metrics")[key]
        return Counter(row["name"], row["help"], row["labels"], registry=self._registry)

    def _histogram(self, key: str) -> Histogram:
        row = table("metrics")[key]
        return Histogram(row["name"], row["help"], row["labels"], buckets=row["buckets"], registry=self._registry)


class _Now(Collector):
    """What is read off the tables of the process when somebody asks."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state
        yield _gauge("queue_depth", [((), state.service.waiting if state.service else 0)])
        yield _gauge("ready", [((), state.ready())])
        engines = state.team.all if state.team else []
        model = state.team.model if state.team else None
        stands_in = model is not None and state.team is not None and state.team.answering() is not model
        yield _gauge("fallback", [((), stands_in or (model is not None and model.fallback is not None))])
        yield _gauge("worker_up", [((engine.name,), engine.state is EngineState.READY) for engine in engines])
        yield _gauge("workers", list(_workers(state)))
        yield _gauge("vram", list(_vram(state)))
        found = memory.look()
        yield _gauge("memory", [(("limit",), found.limit_bytes), (("used",), found.used_bytes)])
        yield _count("download", [((), model.downloaded if model else 0)])
        yield _count("worker_restarts", list(_restarts(engines)))


def _workers(state: State) -> Iterator[Row]:
    if state.team is None:
        return
    yield ("espeak", "cpu"), state.team.builtin.state is EngineState.READY
    if state.team.model is not None:
        ready = Tally(place.device for place, slot in state.team.model.workers() if slot.alive)
        yield from (((state.team.model.name, device), ready[device]) for device in ("cpu", "cuda"))


def _vram(state: State) -> Iterator[Row]:
    for card in resources.cards(state.team):
        yield (card.uuid, "total"), card.total_bytes
        yield (card.uuid, "used"), card.used_bytes
        yield (card.uuid, "ours"), card.ours_bytes


def _restarts(engines: list[Engine]) -> Iterator[Row]:
    for engine in engines:
        reasons = ("crashed", "hung", "refused", *(() if engine.name == "espeak" else ("out_of_memory", "cuda")))
        yield from (((engine.name, reason), engine.restarts.get(reason, 0)) for reason in reasons)


def _count(key: str, rows: list[Row]) -> Metric:
    row: dict[str, Any] = table("metrics")[key]
    family = CounterMetricFamily(row["name"], row["help"], labels=row["labels"])
    for labels, value in rows:
        family.add_metric(list(labels), float(value))
    return family


def _gauge(key: str, rows: list[Row]) -> Metric:
    row: dict[str, Any] = table("metrics")[key]
    family = GaugeMetricFamily(row["name"], row["help"], labels=row["labels"])
    for labels, value in rows:
        family.add_metric(list(labels), float(value))
    return family
