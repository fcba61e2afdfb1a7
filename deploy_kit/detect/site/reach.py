"""How far this host gets into the network: every place that a deployment fetches from, asked at once, and the clock.

Each question has a thread of its own and a deadline that name resolution counts against, so that a host whose cables
are cut knows so in 3.5 seconds.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from deploy_kit.data import table
from deploy_kit.detect.machine.context import Context
from deploy_kit.facts import Endpoint, Fact, NetworkFacts, SiteFacts, known, unknown

if TYPE_CHECKING:
    from deploy_kit.detect.site.ask import Answer, Errand, Question
    from deploy_kit.detect.site.destinations import Destination, Wanted


def observe(context: Context, site: SiteFacts, wanted: Wanted | None = None) -> NetworkFacts:
    """Ask all places; never raises, and writes nothing down that could be a password.

    Args:
        site: The host's proxies, certificates and index, which are used.
        wanted: What would be fetched; without it, what a user fetches who settled nothing.
    """
    from deploy_kit.detect.site import destinations

    seconds = float(table("reach")["seconds"])
    until = time.monotonic() + seconds
    wanted = wanted or destinations.Wanted()
    travel = _Travel(site, wanted, until)
    errands = travel.start(destinations.find(context, site, wanted))
    errands += travel.start(destinations.asked(context, site, wanted))
    answers = [(place, errand.answer()) for place, errand in errands]
    endpoints = tuple(_endpoint(place, answer) for place, answer in answers)
    unnamed = "" if any(one.purpose == "packages" for one in endpoints) else "pip does not tell which index it uses"
    told = known(endpoints, f"asked for {seconds:g} s at most", unnamed)
    return NetworkFacts(told, _clock([answer for _, answer in answers]))


class _Travel:
    """How this host goes out. TLS settings take long to load, so they are made once."""

    def __init__(self, site: SiteFacts, wanted: Wanted, until: float) -> None:
        from deploy_kit.detect.site import ask

        self._site, self._until = site, until
        bundle = wanted.build.ca_bundle or site.ca_bundle.value
        self._trust = {verified: ask.trust(bundle, verified=verified) for verified in (True, False)}

    def start(self, places: list[Destination]) -> list[tuple[Destination, Errand]]:
        from deploy_kit.detect.site import ask

        errands = []
        for place in places:
            proxies = (self._site.proxies.value or {}) if place.proxies is None else place.proxies
            errand = ask.Errand(_question(place), ask.Way(proxies, *self._trust[place.verified]), self._until)
            errand.start()
            errands.append((place, errand))
        return errands


def _question(place: Destination) -> Question:
    from deploy_kit.detect.site import ask

    row = table("reach")["questions"][place.form]
    return ask.Question(
        place.url,
        row.get("method", "GET"),
        row.get("headers", {}),
        tuple(row["statuses"]),
        bool(row["page"]),
        tuple(row.get("signs", ())),
    )


def _endpoint(place: Destination, answer: Answer) -> Endpoint:
    return Endpoint(
        place.purpose, place.name, place.host, answer.reach, answer.milliseconds, answer.detail, spare=place.spare
    )


def _clock(answers: list[Answer]) -> Fact[float]:
    """The middle of what the servers say; one alone may be wrong itself, and then says so to nobody's harm."""
    told = [answer.clock for answer in answers if answer.clock is not None]
    if not told:
        return unknown("Date of servers' answers", "no server told the time")
    return known(float(round(median(told))), f"Date of {len(told)} servers' answers")
