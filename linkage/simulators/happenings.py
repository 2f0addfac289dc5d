"""What goes on in the city: an endless story, told by devices that see a part of it each.

A *happening* (a fight, a fire, a storm) becomes one or more *reports*. The same seed, run, hour and map
give the same reports: kinds, places, words, delays and ids. Whether a happening was real is known here
and in the city's own log alone; a report says only what its device could know.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from linkage.simulators.geometry import Point, moved
from linkage.simulators.sites import CityMap, Site

NEARBY_METRES = 140
"""A second device that sees the same happening stands at most this far away."""
FIRST_SECONDS = (3.0, 9.0)
OPENING_SECONDS = 60.0
"""At first no second reports are due yet; so that a newcomer need not wait, happenings follow faster."""
FIRST_FIRE_SECONDS = (20.0, 27.0)
FIRE_EVERY_SECONDS = (180.0, 240.0)
FIRE_SHARE = 0.3
"""Fires make at most this share of a slow city's events."""


@dataclass(frozen=True)
class Report:
    """One device's report, ``after_s`` seconds into the story."""

    after_s: float
    feed: str
    code: str
    at: Point
    summary: str
    device_id: str | None
    attributes: dict[str, Any]
    happening: str = ""
    truth: str = ""
    """``real`` or ``false``: for the city's own log, never for ocenter."""
    id: str = ""

    def event(self, occurred_at: str) -> dict[str, Any]:
        """The body for ``POST /api/v1/events``."""
        body = {
            "id": self.id,
            "code": self.code,
            "occurred_at": occurred_at,
            "lat": self.at.lat,
            "lon": self.at.lon,
            "summary": self.summary,
            "attributes": self.attributes,
        }
        return body | ({"device_id": self.device_id} if self.device_id else {})


def _report(after_s: float, feed: str, code: str, site: Site, summary: str, **attributes: Any) -> Report:
    return Report(round(after_s, 3), feed, code, site.at, summary, site.id, attributes)


def _seen(
    draw: random.Random, city: CityMap, after_s: float, code: str, what: str, place: Point | None = None
) -> list[Report]:
    """A camera's analytics report: near ``place`` (none when no camera is), or anywhere."""
    cameras = city.near(city.cameras, place, NEARBY_METRES) if place else city.cameras
    if not cameras:
        return []
    camera = draw.choice(cameras)
    spot = moved(camera.at, north_m=draw.uniform(-15, 15), east_m=draw.uniform(-15, 15))
    score = round(draw.uniform(0.61, 0.98), 2)
    report = _report(after_s, "analytics", code, camera, f"{what} — {camera.place}", confidence=score)
    return [replace(report, at=spot)]


def _watched(draw: random.Random, city: CityMap, sites: Sequence[Site]) -> Site:
    """Of a few sites the one with most cameras around: where people are, fires are, and there is a view."""
    few = draw.sample(list(sites), k=min(3, len(sites)))
    return max(few, key=lambda site: len(city.near(city.cameras, site.at, 300)))


def bell(draw: random.Random, city: CityMap) -> list[Report]:
    """An emergency bell: nearly always nothing, sometimes pressed again, seldom a fight that is filmed."""
    site, real = draw.choice(city.bells), draw.random() < 0.05
    voice = draw.choice(("통화 연결", "응답 없음") if real else ("응답 없음", "응답 없음", "잡음만 들림", "통화 연결"))
    text = f"비상벨 눌림, {voice} — {site.place}"
    reports = [_report(0, "bells", "BEL-01", site, text, voice=voice, pressed_s=round(draw.uniform(0.3, 4), 1))]
    if draw.random() < (0.7 if real else 0.25):
        again = f"비상벨 다시 눌림 — {site.place}"
        reports.append(_report(draw.uniform(15, 70), "bells", "BEL-01", site, again, voice="응답 없음", pressed_s=0.8))
    if real:
        reports += _seen(draw, city, draw.uniform(10, 60), "VCA-04", "싸움 의심 행동", site.at)
    return _told("bell", real, reports)


def _analytics(code: str, what: str, real_share: float) -> Callable[[random.Random, CityMap], list[Report]]:
    """A happening that only cameras notice, at times a second one too."""

    def happening(draw: random.Random, city: CityMap) -> list[Report]:
        reports = _seen(draw, city, 0, code, what)
        if draw.random() < 0.35:
            reports += _seen(draw, city, draw.uniform(8, 150), code, what, reports[0].at)
        return _told(code, draw.random() < real_share, reports)

    return happening


def intrusion(draw: random.Random, city: CityMap) -> list[Report]:
    """A crime-prevention sensor trips; a camera nearby may see somebody, or a cat."""
    site = draw.choice(city.intrusion_sensors)
    reports = [
        _report(
            0,
            "sensors",
            "VCA-02",
            site,
            f"침입 감지 — {site.place}",
            sensor="적외선",
            zone=draw.randint(1, 4),
        )
    ]
    if draw.random() < 0.4:
        reports += _seen(draw, city, draw.uniform(5, 40), "VCA-02", "출입 금지 구역 진입", site.at)
    return _told("intrusion", draw.random() < 0.2, reports)


def fire(draw: random.Random, city: CityMap) -> list[Report]:
    """A fire: a sensor, then others near it, then cameras, and somebody running for a bell."""
    site, real = _watched(draw, city, city.fire_sensors), draw.random() < 0.7
    heat = draw.randint(62, 94)
    reports = [
        _report(0, "sensors", "FIR-01", site, f"화재 감지, {heat}℃ — {site.place}", temperature_c=heat, smoke=True)
    ]
    others = [other for other in city.near(city.fire_sensors, site.at, NEARBY_METRES) if other is not site] or [site]
    for after_s in (draw.uniform(6, 20), draw.uniform(25, 90)):
        other, heat = draw.choice(others), heat + draw.randint(3, 15)
        text = f"연기·열 감지, {heat}℃ — {other.place}"
        reports.append(_report(after_s, "sensors", "FIR-01", other, text, temperature_c=heat, smoke=True))
    reports += _seen(draw, city, draw.uniform(12, 45), "VCA-10", "불꽃·연기 영상 감지", site.at)
    bells = city.near(city.bells, site.at, 300)
    if real and bells:
        bell_site = draw.choice(bells)
        text = f"비상벨 눌림, 통화 연결 — {bell_site.place}"
        reports.append(
            _report(draw.uniform(20, 80), "bells", "BEL-01", bell_site, text, voice="통화 연결", pressed_s=1.2)
        )
    return _told("fire", real, reports)


def _traffic(code: str, what: tuple[str, ...], lanes: int) -> Callable[[random.Random, CityMap], list[Report]]:
    """Something on a road, reported once or, as it changes, twice."""

    def happening(draw: random.Random, city: CityMap) -> list[Report]:
        site, text = draw.choice(city.detectors), draw.choice(what)
        spot = moved(site.at, north_m=draw.uniform(-60, 60), east_m=draw.uniform(-60, 60))
        blocked = draw.randint(0, lanes)
        first = _report(0, "traffic", code, site, f"{text} — {site.place}", lanes_blocked=blocked)
        reports = [replace(first, at=spot)]
        if draw.random() < 0.3:
            more = f"{text}, 정체 {draw.randint(3, 19) * 100} m — {site.place}"
            reports.append(replace(first, after_s=round(draw.uniform(40, 200), 3), summary=more))
        return _told(code, True, reports)

    return happening


def breakdown(draw: random.Random, city: CityMap) -> list[Report]:
    """Equipment fails: a camera, or the link several cameras hang on."""
    camera = draw.choice(city.cameras)
    if draw.random() < 0.6:
        what, code = draw.choice(
            (("영상 신호 없음", "SYS-01"), ("녹화기 응답 없음", "SYS-03"), ("시각 오차 12초", "SYS-06"))
        )
        return _told("breakdown", True, [_report(0, "sensors", code, camera, f"{what} — {camera.place}")])
    hung = city.near(city.cameras, camera.at, 250)[:3]
    reports = [_report(0, "sensors", "SYS-02", camera, f"통신 두절 — {camera.place}")]
    reports += [
        _report(draw.uniform(2, 30), "sensors", "SYS-01", other, f"영상 신호 없음 — {other.place}") for other in hung
    ]
    return _told("breakdown", True, reports)


def storm(draw: random.Random, city: CityMap) -> list[Report]:
    """A storm: rain gauges one after the other, water on a road, accidents, cameras going dark."""
    gauges = draw.sample(list(city.rain_gauges), k=min(3, len(city.rain_gauges)))
    reports = []
    for number, gauge in enumerate(gauges):
        rain = draw.randint(31, 74)
        text = f"시간당 강우 {rain} mm — {gauge.place}"
        reports.append(_report(number * draw.uniform(15, 50), "sensors", "DIS-01", gauge, text, rain_mm_h=rain))
    flooded, road = draw.choice(gauges), draw.choice(city.detectors)
    level = draw.randint(12, 45)
    text = f"도로 침수, 수위 {level} cm — {flooded.place}"
    reports.append(_report(draw.uniform(60, 180), "sensors", "DIS-09", flooded, text, level_cm=level))
    reports.append(
        _report(draw.uniform(30, 120), "traffic", "TRF-4", road, f"폭우로 서행 — {road.place}", lanes_blocked=0)
    )
    for later in (draw.uniform(90, 200), draw.uniform(150, 300)):
        site = draw.choice(city.detectors)
        reports.append(_report(later, "traffic", "TRF-1", site, f"빗길 추돌 사고 — {site.place}", lanes_blocked=1))
    for camera in draw.sample(list(city.cameras), k=min(2, len(city.cameras))):
        reports.append(_report(draw.uniform(40, 240), "sensors", "SYS-01", camera, f"영상 신호 없음 — {camera.place}"))
    return _told("storm", True, reports)


def _told(happening: str, real: bool, reports: list[Report]) -> list[Report]:
    truth = "real" if real else "false"
    return sorted((replace(r, happening=happening, truth=truth) for r in reports), key=lambda r: r.after_s)


Happening = Callable[[random.Random, CityMap], list[Report]]

NIGHT, MORNING, DAY, RUSH, EVENING = range(5)


def band(hour: int) -> int:
    """The part of the day an hour belongs to."""
    if hour < 6:
        return NIGHT
    if hour < 10:
        return MORNING
    return DAY if hour < 17 else RUSH if hour < 20 else EVENING


# How often each kind happens, by part of the day: night, morning rush, day, evening rush, evening.
KINDS: tuple[tuple[Happening, tuple[float, float, float, float, float]], ...] = (
    (bell, (20, 14, 18, 20, 26)),
    (_analytics("VCA-01", "장시간 배회", 0.5), (16, 3, 6, 7, 14)),
    (_analytics("VCA-02", "출입 금지 구역 진입", 0.4), (9, 2, 3, 3, 6)),
    (_analytics("VCA-03", "물건 유기 의심", 0.5), (3, 3, 5, 4, 3)),
    (_analytics("VCA-04", "싸움 의심 행동", 0.3), (8, 1, 2, 4, 9)),
    (_analytics("VCA-05", "방화 의심 행동", 0.1), (1, 0.2, 0.2, 0.3, 0.8)),
    (_analytics("VCA-06", "사람 쓰러짐", 0.3), (6, 3, 4, 4, 6)),
    (_analytics("VCA-08", "하천 익수 의심", 0.1), (0.5, 0.3, 0.8, 0.6, 0.6)),
    (_analytics("VCA-09", "실종자 유사 인물", 0.1), (0.5, 1, 2, 2, 1)),
    (intrusion, (9, 2, 2, 3, 6)),
    (_traffic("TRF-1", ("추돌 사고", "이륜차 사고", "보행자 사고"), 2), (4, 15, 9, 16, 7)),
    (_traffic("TRF-2", ("도로 보수 공사", "상수도 공사"), 2), (3, 3, 9, 2, 1)),
    (_traffic("TRF-3", ("행사로 혼잡", "고장 차량"), 1), (1, 5, 6, 7, 4)),
    (_traffic("TRF-5", ("신호 고장, 수신호 통제", "긴급 통제"), 3), (1, 3, 3, 3, 1)),
    (breakdown, (4, 4, 5, 4, 4)),
    (storm, (0.6, 0.6, 0.8, 1.0, 1.2)),
)


def _background(draw: random.Random, city: CityMap, hour: int) -> list[Report]:
    """Any happening but a fire, as likely as the time of day makes it."""
    kinds, weights = zip(*KINDS, strict=True)
    chosen = draw.choices(kinds, [by_band[band(hour)] for by_band in weights])[0]
    return list(chosen(draw, city))


def _happenings(draw: random.Random, city: CityMap, hour: int, rate: float) -> Iterator[tuple[float, list[Report]]]:
    """Happenings with the second each begins at, in order.

    Each pays for its reports: the next comes later by the time they take at ``rate`` a minute, so that
    the long-run rate is right whatever mix of large and small ones the chance brings. In the opening
    only the first report is paid for, and a fire is free.
    """
    per_event = 60.0 / rate
    clock, next_fire = draw.uniform(*FIRST_SECONDS), draw.uniform(*FIRST_FIRE_SECONDS)
    while True:
        if next_fire <= clock:
            began, reports = next_fire, fire(draw, city)
            pause = max(draw.uniform(*FIRE_EVERY_SECONDS), len(reports) * per_event / FIRE_SHARE)
            next_fire += pause
            clock += len(reports) * per_event if began > OPENING_SECONDS else 0
        else:
            began, reports = clock, _background(draw, city, (hour + int(clock // 3600)) % 24)
            paid = len(reports) if began > OPENING_SECONDS else 1
            clock += paid * per_event * draw.uniform(0.5, 1.5)
        yield began, reports


def story(*, seed: int, run: int, hour: int, rate: float, city: CityMap) -> Iterator[Report]:
    """All reports in the order they fall due, without end; nothing at rate 0. Raises ValueError below 0."""
    if rate < 0:
        raise ValueError("rate must not be negative")
    if rate == 0:
        return
    draw = random.Random(f"story {seed} {run}")
    waiting: list[tuple[float, int, Report]] = []
    number = told = 0
    for began, reports in _happenings(draw, city, hour, rate):
        while waiting and waiting[0][0] <= began:
            told += 1
            yield _numbered(heapq.heappop(waiting)[2], seed, run, told)
        for report in reports:
            number += 1
            due = round(began + report.after_s, 3)
            heapq.heappush(waiting, (due, number, replace(report, after_s=due)))


def burst(*, seed: int, run: int, hour: int, size: int, city: CityMap) -> list[Report]:
    """``size`` reports due at once, with ids of their own."""
    draw = random.Random(f"burst {seed} {run}")
    reports: list[Report] = []
    while len(reports) < size:
        reports += _background(draw, city, hour)
    return [_numbered(replace(r, after_s=0.0), seed, run, n, "b") for n, r in enumerate(reports[:size], start=1)]


def _numbered(report: Report, seed: int, run: int, number: int, series: str = "") -> Report:
    return replace(report, id=f"{seed}-{run:04d}-{series}{number:06d}")
