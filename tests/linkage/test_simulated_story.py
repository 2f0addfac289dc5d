"""The city's story: the same for a seed, at the rate asked for, believable, and silent about the truth."""

import json
from collections import Counter
from itertools import islice, takewhile

import pytest

from linkage.simulators.geometry import metres_between
from linkage.simulators.happenings import NEARBY_METRES, burst, story
from linkage.simulators.sites import EAST, NORTH, SOUTH, WEST, city_map

EMPTY_REGISTRY = city_map([], [])
FAMILIES_OF_FEED = {
    "bells": {"BEL"},
    "analytics": {"VCA"},
    "traffic": {"TRF"},
    "sensors": {"FIR", "VCA", "DIS", "SYS"},
}


def tell(count=None, *, seconds=None, seed=1, run=1, hour=21, rate=6.0, city=EMPTY_REGISTRY):
    reports = story(seed=seed, run=run, hour=hour, rate=rate, city=city)
    if seconds is not None:
        reports = takewhile(lambda report: report.after_s <= seconds, reports)
    return list(islice(reports, count))


def test_the_same_seed_tells_the_same_story():
    assert tell(500) == tell(500)


@pytest.mark.parametrize("other", [{"seed": 2}, {"run": 2}])
def test_another_seed_or_run_tells_another_with_other_ids(other):
    mine, others = tell(300), tell(300, **other)
    assert [report.code for report in mine] != [report.code for report in others]
    assert not {report.id for report in mine} & {report.id for report in others}


def test_the_order_a_registry_is_answered_in_does_not_matter():
    rows = [
        {"id": f"B-{n}", "kind": "bell", "name": f"벨 {n}", "lat": 36.3 + n / 1000, "lon": 127.4} for n in range(50)
    ]
    assert tell(200, city=city_map([], rows)) == tell(200, city=city_map([], rows[::-1]))


def test_reports_fall_due_in_order_with_ids_of_their_own():
    reports = tell(2_000)
    due = [report.after_s for report in reports]
    assert due == sorted(due)
    assert len({report.id for report in reports}) == 2_000


@pytest.mark.parametrize("rate", [2, 6, 60, 600])
def test_the_rate_is_honoured(rate):
    warm_up, minutes = 600, 2_400 / rate  # at first nobody's second report is due yet
    told = [r for r in tell(seconds=warm_up + minutes * 60, rate=rate) if r.after_s > warm_up]
    assert len(told) / minutes == pytest.approx(rate, rel=0.08)


def test_at_rate_zero_nothing_happens_and_below_is_refused():
    assert tell(rate=0) == []
    with pytest.raises(ValueError, match="rate"):
        tell(1, rate=-1)


@pytest.mark.parametrize("seed", range(10))
def test_a_newcomer_soon_sees_something_and_then_a_fire(seed):
    reports = tell(seconds=600, seed=seed)
    fires = [report.after_s for report in reports if report.happening == "fire" and report.code == "FIR-01"]
    assert reports[0].after_s < 20
    assert len({(report.happening, report.at) for report in reports if report.after_s < 60}) >= 5
    assert fires[0] < 30
    starts = [at for n, at in enumerate(fires) if n == 0 or at - fires[n - 1] > 95]
    assert 3 <= len(starts) <= 4


def test_a_fire_is_seen_by_several_devices_close_in_place_and_time():
    reports = [report for report in tell(3_000) if report.happening == "fire" and report.code == "FIR-01"]
    for first, second in zip(reports[::3], reports[1::3], strict=False):
        assert second.after_s - first.after_s < 95
        assert metres_between(first.at, second.at) <= NEARBY_METRES


def test_reports_are_complete_in_their_feed_and_in_the_city():
    for report in tell(3_000):
        body = report.event("2026-11-23T21:00:00.000+09:00")
        assert body["code"].partition("-")[0] in FAMILIES_OF_FEED[report.feed]
        assert SOUTH - 0.02 < body["lat"] < NORTH + 0.02
        assert WEST - 0.02 < body["lon"] < EAST + 0.02
        assert body["summary"]
        assert "VCA-07" != body["code"]
        json.dumps(body)


def test_nothing_sent_tells_whether_it_was_real():
    for report in tell(1_000):
        assert report.truth in ("real", "false")
        sent = json.dumps(report.event("2026-11-23T21:00:00+09:00"))
        assert "truth" not in sent
        assert "happening" not in sent
    bells = [report for report in tell(5_000) if report.happening == "bell"]
    false = sum(report.truth == "false" for report in bells)
    assert 0.85 < false / len(bells) < 0.99
    words = {
        truth: {r.attributes["voice"] for r in bells if r.truth == truth and r.feed == "bells"}
        for truth in ("real", "false")
    }
    assert words["real"] <= words["false"]


def test_night_and_rush_hour_differ():
    night = Counter(report.code for report in tell(3_000, hour=1, rate=600))
    rush = Counter(report.code for report in tell(3_000, hour=8, rate=600))
    assert night["VCA-01"] > 2 * rush["VCA-01"]
    assert rush["TRF-1"] > 2 * night["TRF-1"]


def test_a_storm_brings_rain_water_accidents_and_dark_cameras():
    storms = Counter(report.code for report in tell(5_000) if report.happening == "storm")
    assert {"DIS-01", "DIS-09", "TRF-4", "TRF-1", "SYS-01"} <= set(storms)


def test_a_burst_has_its_size_and_falls_due_at_once():
    reports = burst(seed=1, run=1, hour=12, size=250, city=EMPTY_REGISTRY)
    assert len({report.id for report in reports}) == 250
    assert {report.after_s for report in reports} == {0.0}
    assert not {report.id for report in reports} & {report.id for report in tell(250)}


def test_devices_of_the_registry_report_under_their_own_ids():
    rows = [{"id": "B-1", "kind": "bell", "name": "대흥공원 비상벨", "lat": 36.32, "lon": 127.42}]
    rows += [{"id": "L-1", "kind": "bell", "name": "no place", "lat": None, "lon": None}]
    rows += [{"id": "S-1", "kind": "traffic_sign", "name": "sign", "lat": 36.3, "lon": 127.4}]
    told = [report for report in tell(500, city=city_map([], rows)) if report.feed == "bells"]
    assert {report.device_id for report in told} == {"B-1"}
    assert all("대흥공원 비상벨" in report.summary for report in told)
