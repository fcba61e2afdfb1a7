"""``GET /metrics``: names, labels and buckets stand in ``data/metrics.json``, nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deploy_kit.data import table
from tts_server.state import State


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
        yield _gauge("queue_depth", state.service.waiting if state.service else 0)
        yield _gauge("ready", state.ready())
        yield _gauge("fallback", value=False)
        yield _gauge("worker_up", state.engine() == "ready", state.settings.engine)
        row = table("metrics")["worker_restarts"]
        family = CounterMetricFamily(row["name"], row["help"], labels=row["labels"])
        restarts: dict[str, int] = dict(state.supervisor.restarts) if state.supervisor else {}
        for reason in ("crashed", "hung", "refused"):
            family.add_metric([state.settings.engine, reason], restarts.get(reason, 0))
        yield family


def _gauge(key: str, value: float, *labels: str) -> Metric:
    row: dict[str, Any] = table("metrics")[key]
    family = GaugeMetricFamily(row["name"], row["help"], labels=row["labels"])
    family.add_metric(list(labels), float(value))
    return family
