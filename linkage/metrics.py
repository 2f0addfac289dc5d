"""What Prometheus scrapes: the database as it is at the scrape, in the text format 0.0.4.

Names and labels are stable: `municipality` is the code, `system` the short name. Figures of a window are gauges, for
they fall again. Everything but the process's own numbers is the same whichever web process answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from linkage.figures import WINDOWS, Spread
from linkage.standing import STATES
from linkage.vitals import AgencyReport, HealthReport, LinkReport, VideoReport, health_report

LINK: Final = ("municipality", "system", "kind")
WINDOW_LABELS: Final = {"last_15_min": "15m", "last_24_h": "24h"}
BREAKER_STATES: Final = ("closed", "open", "half_open")


class LinkageCollector(Collector):
    """Everything `vitals` knows of these municipalities. Collecting raises what the database raises."""

    def __init__(self, municipality_ids: Collection[int]) -> None:
        self._municipality_ids = municipality_ids

    def collect(self) -> Iterator[Metric]:
        """Reads the database once and tells it as metrics."""
        clock = time.perf_counter()
        report = health_report(self._municipality_ids)
        yield from _parts(report)
        yield from _links(report["links"])
        yield from _feeds(report["links"])
        yield from _agencies(report["links"])
        yield from _video(report["video"])
        yield _gauge("ocenter_scrape_seconds", "How long reading all this took.", (), [((), time.perf_counter() - clock)])


class OwnProcessCollector(Collector):
    """Memory, CPU time, open files of the web process that answers: labelled by its pid, since each scrape may
    meet another one."""

    def collect(self) -> Iterator[Metric]:
        """The `process_` metrics every client has, with a label more."""
        for metric in ProcessCollector(registry=None).collect():
            pid = str(os.getpid())
            metric.samples = [one._replace(labels={**one.labels, "pid": pid}) for one in metric.samples]
            yield metric


Row = tuple[tuple[str, ...], float]


def _gauge(name: str, text: str, labels: tuple[str, ...], rows: list[Row]) -> Metric:
    return _filled(GaugeMetricFamily(name, text, labels=labels), rows)


def _counter(name: str, text: str, labels: tuple[str, ...], rows: list[Row]) -> Metric:
    return _filled(CounterMetricFamily(name, text, labels=labels), rows)


def _filled(family: Any, rows: list[Row]) -> Metric:
    for labels, value in rows:
        family.add_metric(labels, value)
    return family  # type: ignore[no-any-return]


def _parts(report: HealthReport) -> Iterator[Metric]:
    parts = report["parts"]
    up = [((one["name"],), float(one["ok"])) for one in parts]
    ages = [((one["name"],), one["age_s"]) for one in parts if one["age_s"] is not None]
    yield _gauge("ocenter_part_up", "Whether a part of ours works: database, bell, sweeper, collector, worker.", ("part",), up)
    yield _gauge("ocenter_heartbeat_age_seconds", "Since the process last wrote its heartbeat.", ("process",), ages)
    skew = [((), report["clock_skew_ms"] / 1000)]
    yield _gauge("ocenter_clock_skew_seconds", "The database's clock minus that of the process that answers.", (), skew)


def _video(video: VideoReport | None) -> Iterator[Metric]:
    if video is None:
        return
    yield _gauge("ocenter_video_streams", "Cameras the media gateway fetches now.", (), [((), float(video["running"]))])
    yield _gauge("ocenter_video_streams_limit", "How many it may fetch at once.", (), [((), float(video["limit"]))])
    yield _counter("ocenter_video_starts", "ffmpegs started.", (), [((), float(video["starts"]))])
    yield _counter("ocenter_video_failures", "Times a camera's video broke off or did not come.", (), [((), float(video["failures"]))])
    yield _counter("ocenter_video_refused", "Views refused because as many cameras were watched as may be.", (), [((), float(video["refused"]))])


def _links(links: list[LinkReport]) -> Iterator[Metric]:
    states = [((*_of(one), state), float(one["state"] == state)) for one in links for state in STATES]
    yield _gauge("ocenter_link_state", "1 for the state a link is in, 0 for the others.", (*LINK, "state"), states)
    ages = [(_of(one), _age(one["last_contact_at"])) for one in links if one["last_contact_at"]]
    yield _gauge("ocenter_link_last_contact_age_seconds", "Since the link was last heard; absent if never.", LINK, ages)
    waiting = [(_of(one), float(one["quarantined"])) for one in links]
    yield _gauge("ocenter_quarantined_records", "Records not understood that wait for somebody, up to 10000.", LINK, waiting)


def _feeds(links: list[LinkReport]) -> Iterator[Metric]:
    feeds = [(_of(one)[:2], one["feed"]) for one in links if one["feed"]]
    labels = LINK[:2]
    total = [(of, float(feed["events_total"])) for of, feed in feeds]
    yield _counter("ocenter_feed_events", "New events taken in; written every five seconds.", labels, total)
    minute = [(of, float(feed["events_last_min"])) for of, feed in feeds]
    yield _gauge("ocenter_feed_events_last_minute", "New events of the last minute.", labels, minute)
    delays = [(of, feed["delay_s"]) for of, feed in feeds if feed["delay_s"] is not None]
    yield _gauge("ocenter_feed_delay_seconds", "Age of the last new event when it arrived.", labels, delays)


def _agencies(links: list[LinkReport]) -> Iterator[Metric]:
    agencies = [(_of(one)[:2], one["agency"]) for one in links if one["agency"]]
    labels = LINK[:2]
    queue = [(of, float(one["queue"])) for of, one in agencies]
    yield _gauge("ocenter_delivery_queue_length", "Messages not yet delivered.", labels, queue)
    ages = [(of, _age(one["oldest_at"]) if one["oldest_at"] else 0.0) for of, one in agencies]
    yield _gauge("ocenter_delivery_queue_age_seconds", "Age of the oldest message not yet delivered; 0 if none.", labels, ages)
    wire = [(of, float(one["under_way"])) for of, one in agencies]
    yield _gauge("ocenter_delivery_under_way", "Messages on the wire.", labels, wire)
    states = [((*of, state), float(one["breaker"]["state"] == state)) for of, one in agencies for state in BREAKER_STATES]
    yield _gauge("ocenter_breaker_state", "1 for the state the circuit breaker is in.", (*labels, "state"), states)
    yield from _windows(agencies)


def _windows(agencies: list[tuple[tuple[str, ...], AgencyReport]]) -> Iterator[Metric]:
    labels = LINK[:2]
    spans = [((*of, WINDOW_LABELS[name]), one[name]) for of, one in agencies for name in WINDOWS]  # type: ignore[literal-required]
    delivered = [(of, float(one["delivered"]["count"])) for of, one in spans]
    yield _gauge("ocenter_relays_delivered", "Messages delivered in the window.", (*labels, "window"), delivered)
    attempts = [row for of, one in spans for row in _attempts(of, one["http"]["count"], one["failures"])]
    yield _gauge("ocenter_delivery_attempts", "Attempts in the window, by outcome.", (*labels, "window", "outcome"), attempts)
    for name, key, text in (
        ("ocenter_relay_latency_seconds", "delivered", "From commit here to receipt there: quantiles over the window."),
        ("ocenter_exchange_latency_seconds", "http", "One exchange with the agency: quantiles over the window."),
    ):
        rows = [row for of, one in spans for row in _quantiles(of, one[key])]
        yield _gauge(name, text, (*labels, "window", "quantile"), rows)


def _attempts(of: tuple[str, ...], count: int, failures: int) -> list[Row]:
    return [((*of, "ok"), float(count - failures)), ((*of, "failed"), float(failures))]


def _quantiles(of: tuple[str, ...], spread: Spread) -> list[Row]:
    named = (("0.5", spread["p50_ms"]), ("0.95", spread["p95_ms"]), ("0.99", spread["p99_ms"]))
    return [((*of, quantile), value / 1000) for quantile, value in named if value is not None]


def _of(link: LinkReport) -> tuple[str, ...]:
    return link["municipality"], link["slug"], link["kind"]


def _age(text: str | None) -> float:
    at = parse_datetime(text or "")
    assert isinstance(at, datetime)  # our own ISO 8601
    return max(0.0, (timezone.now() - at).total_seconds())
