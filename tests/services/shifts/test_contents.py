"""What a handover says: every section from things that are really so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import operations as op
from incidents.models import Camera, Incident
from incidents.relaying import compose
from linkage.models import Relay
from services.shifts import duties
from services.shifts import sections as registry
from services.shifts.clock import Plan, shift_at
from services.shifts.sections import ROWS_AT_MOST, Scope, both, register_section, rows_section, sections
from services.video.models import VideoView
from tests.incidents.cast import ago, by, make_town, open_incident


@pytest.fixture
def town(db):
    return make_town()


@pytest.fixture
def other(db):
    return make_town("36110", "세종특별자치시", "Sejong", prefix="other-")


def contents(town):
    now = timezone.now()
    scope = Scope(town.municipality, shift_at(Plan(), now)._replace(begins_at=now - timedelta(hours=1)), now)
    return {one["name"]: one for one in sections(scope)}


def test_an_empty_room_says_so_in_every_section(town):
    found = contents(town)
    assert list(found) == ["figures", "open", "shelved", "views", "relays", "cameras", "links", "notices"]
    assert all(one["total"] == 0 for name, one in found.items() if name not in ("figures", "links"))
    assert {one["value"] for one in found["figures"]["figures"]} == {0}
    assert found["open"]["title"] == {"ko": "미종결 사건", "en": "Open incidents"}


def test_open_incidents_are_listed_by_grade_with_holder_and_last_word(town, other):
    late, bell, fire = open_incident(town, "ORD-01"), open_incident(town), open_incident(town, "RES-01")
    open_incident(other)
    op.incident_acknowledge(number=bell.number, by=by(town.kim))
    op.incident_note(number=bell.number, by=by(town.lee), text="순찰차 대기")
    Incident.objects.filter(pk=fire.pk).update(received_at=ago(minutes=5))
    rows = contents(town)["open"]["rows"]
    assert [one["subject"] for one in rows] == [fire.number, bell.number, late.number]
    held = rows[1]
    assert held["who"] == "kim" and held["state"] == {"ko": "확인됨", "en": "acknowledged"} and held["grade"] == "G2"
    assert held["last"]["kind"] == "incident.noted" and held["last"]["who"] == "lee"


def test_what_is_shelved_says_until_when_by_whom_and_why(town):
    incident = open_incident(town, "ORD-01")
    op.incident_shelve(number=incident.number, by=by(town.kim), reason="순찰 중", minutes=30)
    found = contents(town)
    (row,) = found["shelved"]["rows"]
    incident.refresh_from_db()
    assert (row["until"], row["note"]["ko"], row["who"]) == (incident.shelved_until.isoformat(), "순찰 중", "kim")
    assert found["open"]["rows"] == []


def test_relays_that_need_somebody_name_the_number_to_call(town):
    incident = open_incident(town)
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    assert contents(town)["relays"]["rows"] == []
    Relay.objects.update(attention_reason="no answer", attention_at=timezone.now(), state="failed")
    (row,) = contents(town)["relays"]["rows"]
    assert (row["subject"], row["who"], row["note"]["ko"]) == (incident.number, "042-112", "no answer")
    assert row["state"]["ko"] == "실패"


def test_cameras_being_watched_name_who_and_why(town, other):
    def watch(one, user, **why):
        place = {"site_number": f"C-{user.pk}-{why}"[:60], "name": f"{user.username} cam", "lat": 36, "lon": 127}
        camera = Camera.objects.create(municipality=one.municipality, source="v", **place)
        return VideoView.objects.create(
            municipality=one.municipality, camera=camera, user=user, expires_at=timezone.now() + timedelta(hours=1), **why
        )

    incident = open_incident(town)
    watch(town, town.kim, incident=incident), watch(town, town.lee, reason="순찰"), watch(other, other.kim, reason="x")
    watch(town, town.park, reason="ended", ended_at=timezone.now())
    first, second = contents(town)["views"]["rows"]
    assert (first["what"]["ko"], first["subject"], first["who"]) == ("kim cam", incident.number, "kim")
    assert (second["subject"], second["note"]["ko"], second["who"]) == ("", "순찰", "lee")


def test_cameras_that_are_gone_and_links_in_trouble_are_listed(town, other):
    for one in (town, other):
        Camera.objects.create(
            municipality=one.municipality, source="v", site_number="C-1", name="은행동 3", lat=36, lon=127, gone_at=ago(hours=2)
        )
    Camera.objects.create(municipality=town.municipality, source="v", site_number="C-2", name="there", lat=36, lon=127)
    town.bells.last_error, town.bells.last_error_at = "connection refused", timezone.now()
    town.bells.save()
    town.police.enabled = False
    town.police.save()
    found = contents(town)
    assert [one["what"]["ko"] for one in found["cameras"]["rows"]] == ["은행동 3"]
    links = {one["what"]["ko"]: one for one in found["links"]["rows"]}
    assert set(links) == {"bells", "police112"}
    assert links["bells"]["state"]["en"] == "stopped" and "connection refused" in links["bells"]["note"]["ko"]


def test_notices_go_with_it(town):
    duties.notice_post(by=by(town.park), text="정전 예정", until=timezone.now() + timedelta(hours=3), importance="important")
    (row,) = contents(town)["notices"]["rows"]
    assert row["what"]["en"] == "정전 예정" and row["who"] == "park" and row["state"] == {"ko": "중요", "en": "important"}


def test_the_figures_count_the_shift_alone(town, other):
    early, mine, false, closed = (open_incident(town) for _ in range(4))
    open_incident(town, "ORD-01"), open_incident(other)
    Incident.objects.filter(pk=early.pk).update(received_at=ago(hours=2))
    for one in (early, mine, closed):
        op.incident_acknowledge(number=one.number, by=by(town.kim))
    Incident.objects.filter(pk=closed.pk).update(ack_due_at=ago(minutes=1))
    op.incident_false_alarm(number=false.number, by=by(town.kim), reason="FA-01")
    op.incident_relay(number=closed.number, by=by(town.kim), request=compose(closed, town.police))
    Relay.objects.update(state="closed")
    op.incident_confirm(number=closed.number, by=by(town.kim))
    op.incident_close(number=closed.number, by=by(town.kim), result_code="RC-01")
    figures = {one["name"]: (one["value"], one["of"]) for one in contents(town)["figures"]["figures"]}
    assert figures == {
        "received": (4, None), "urgent": (3, 4), "in_time": (1, 2), "false_alarms": (1, None), "relayed": (1, None), "closed": (1, None),
    }  # fmt: skip


def test_another_app_adds_its_own_section(town, monkeypatch):
    monkeypatch.setattr(registry, "_contributors", dict(registry._contributors))
    asked = []

    def grants(scope):
        asked.append(scope)
        return rows_section("grants", both("Notices"), [{"what": {"ko": "영상", "en": "video"}}] * (ROWS_AT_MOST + 5), 505)

    register_section("grants", grants)
    found = contents(town)
    assert list(found)[-1] == "grants" and asked[0].municipality == town.municipality
    assert len(found["grants"]["rows"]) == ROWS_AT_MOST and found["grants"]["total"] == 505
