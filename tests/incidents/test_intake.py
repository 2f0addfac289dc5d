"""Intake: an event is taken once, joins what it belongs to, and the answer says what became of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import operations as op
from incidents import regrouping
from incidents.intake import Arrival, events_receive
from incidents.models import Change, CorrelationRule, Device, Event, Incident
from incidents.reports import understand
from linkage.models import Delivery, Relay
from tests.incidents.cast import (
    LAT,
    LON,
    ago,
    assert_ledger_is_whole,
    by,
    event,
    kinds,
    last_change,
    receive,
)


def incident_of(receipt):
    return Incident.objects.get(number=receipt.incident)


def test_an_event_opens_an_incident(town):
    at = ago(seconds=5)
    (receipt,) = receive(town, event(id="b-1", at=at, summary="도와주세요", device_id="BELL-7", attributes={"battery": 80}))
    incident, stored = incident_of(receipt), Event.objects.get()
    assert not receipt.duplicate
    assert (incident.code, incident.family, incident.grade, incident.status) == ("BEL-01", "BEL", "G2", "open")
    assert (incident.occurred_at, incident.last_event_at, incident.event_count) == (at, at, 1)
    assert incident.system == town.bells and incident.device_id == "BELL-7"
    assert incident.ack_due_at - incident.received_at == timedelta(seconds=30)
    assert (stored.source_id, stored.incident, stored.attributes) == ("b-1", incident, {"battery": 80})
    assert (stored.distance_m, stored.gap_s) == (None, None)
    body = Change.objects.get().body
    assert body["actor"] == {"kind": "feed", "name": "bells"} and body["detail"]["events"][0]["id"] == "b-1"
    assert_ledger_is_whole(town)


def test_the_grade_is_the_tables_unless_the_event_names_one(town):
    receive(town, event("VCA-02", north_m=0), event("VCA-02", north_m=5_000, grade="G1"), event("TRF-5"))
    found = dict(Incident.objects.order_by("pk").values_list("pk", "grade"))
    assert list(found.values()) == ["G3", "G1", "G5"]
    assert Incident.objects.get(grade="G5").ack_due_at is None


def test_an_address_is_looked_up_offline_where_the_event_gives_none(town):
    receive(town, event(north_m=0), event(north_m=5_000, address="우리집"), event("ORD-01", lat=None, lon=None))
    first, second, third = Incident.objects.order_by("pk")
    assert "대전" in first.address and first.place
    assert second.address == "우리집" and second.place
    assert (third.address, third.place, third.lat) == ("", "", None)


def test_a_place_outside_the_country_is_a_place_without_an_address(town):
    (receipt,) = receive(town, event(lat=40.2, lon=-75.3))
    assert incident_of(receipt).address == ""


def test_a_registered_device_gives_its_position(town, other):
    Device.objects.create(municipality=town.municipality, device_id="B-1", kind="bell", name="b", lat=36.4, lon=127.4)
    receive(town, event(lat=None, lon=None, device_id="B-1"))
    receive(other, event(lat=None, lon=None, device_id="B-1"))
    assert [one.lat for one in Incident.objects.order_by("pk")] == [36.4, None]


# ── Once ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_event_again_changes_nothing_and_gets_the_same_incident(town):
    raw = event()
    (first,) = receive(town, raw)
    before = list(Change.objects.values_list("body", flat=True))
    (again,) = receive(town, {**raw, "summary": "otherwise", "lat": 35.0})
    assert again == (first.incident, True)
    assert list(Change.objects.values_list("body", flat=True)) == before and Event.objects.count() == 1


def test_the_same_event_twice_in_a_batch_is_new_once(town):
    raw = event()
    receipts = receive(town, raw, event("ORD-01"), raw, raw)
    assert [one.duplicate for one in receipts] == [False, False, True, True]
    assert len({receipts[n].incident for n in (0, 2, 3)}) == 1
    assert Event.objects.count() == 2 and Incident.objects.get(code="BEL-01").event_count == 1


def test_an_id_is_its_sources_own(town):
    raw = event()
    receive(town, raw), receive(town, raw, system=town.sensors)
    assert Event.objects.count() == 2 and Incident.objects.get().event_count == 2


def test_a_batch_of_known_events_alone_takes_no_number(town):
    raws = [event(north_m=1_000 * n) for n in range(3)]
    receive(town, *raws)
    assert all(one.duplicate for one in receive(town, *raws))
    assert Change.objects.count() == 3


def test_an_empty_batch_is_nothing(town):
    assert receive(town) == [] and not Change.objects.exists()


def test_a_repeat_after_the_incident_was_closed_is_still_a_repeat(town):
    raw = event()
    (first,) = receive(town, raw)
    op.incident_false_alarm(number=first.incident, by=by(town.kim), reason="FA-01")
    assert receive(town, raw) == [(first.incident, True)]


# ── Joining ────────────────────────────────────────────────────────────────────────────────────────


def test_events_near_in_space_and_time_are_one_incident(town):
    now = ago(minutes=30)
    (first,) = receive(town, event(at=now))
    (joined,) = receive(town, event(at=now + timedelta(seconds=90), north_m=100), system=town.sensors)
    incident = incident_of(first)
    assert joined == (first.incident, False)
    assert incident.event_count == 2 and incident.last_event_at == now + timedelta(seconds=90)
    assert kinds(incident) == ["incident.opened", "incident.joined"]
    assert last_change(incident).body["detail"]["events"][0]["joined_by"] == {
        "radius_m": 150, "window_s": 300, "distance_m": 100.0, "gap_s": 90.0,
    }  # fmt: skip
    assert last_change(incident).body["incident"]["event_count"] == 2
    stored = Event.objects.order_by("pk").last()
    assert round(stored.distance_m) == 100 and stored.gap_s == 90


def test_a_whole_batch_of_one_happening_is_one_row(town):
    receipts = receive(town, *(event(north_m=n) for n in range(20)))
    assert len({one.incident for one in receipts}) == 1
    (change,) = Change.objects.all()
    assert change.kind == "incident.opened" and len(change.body["detail"]["events"]) == 20
    assert change.body["incident"]["event_count"] == 20


@pytest.mark.parametrize("apart", [{"north_m": 200}, {"at_s": -301}, {"code": "ORD-01"}, {"grade": "G1"}])
def test_what_is_too_far_too_late_or_of_another_kind_is_another_incident(town, apart):
    now = ago(minutes=30)
    receive(town, event(at=now))
    more = {"at": now + timedelta(seconds=apart.pop("at_s", 0)), **apart}
    receive(town, event(more.pop("code", "BEL-01"), **more))
    assert Incident.objects.count() == 2


def test_a_code_may_have_its_own_radius_and_window(town):
    CorrelationRule.objects.create(municipality=town.municipality, code="BEL-01", radius_m=2_000, window_s=3_600)
    now = ago(hours=2)
    receive(town, event(at=now))
    receive(town, event(at=now + timedelta(minutes=59), north_m=1_900))
    assert Incident.objects.get().event_count == 2


def test_the_nearer_incident_takes_it(town):
    (far,), (near,) = receive(town, event(north_m=0)), receive(town, event(north_m=200))
    assert receive(town, event(north_m=120))[0].incident == near.incident != far.incident


@pytest.mark.parametrize(
    "status, joins",
    [
        ("open", True), ("acked", True), ("verifying", True), ("confirmed", True), ("notified", True), ("responding", True),
        ("reopened", True), ("resolved", False), ("closed", False), ("false_alarm", False), ("test", False),
        ("merged", False), ("cancelled", False),
    ],
)  # fmt: skip
def test_only_a_living_incident_takes_more(town, status, joins):
    (first,) = receive(town, event())
    Incident.objects.update(status=status)
    assert (receive(town, event())[0].incident == first.incident) is joins


def test_an_urgent_event_is_never_hidden_in_a_lesser_incident(town):
    (lesser,) = receive(town, event("VCA-02"))
    (urgent,) = receive(town, event("VCA-05"))
    assert incident_of(urgent).grade == "G2" and urgent.incident != lesser.incident
    # The next lesser one joins the nearest; both may take it.
    assert receive(town, event("VCA-02", north_m=1))[0].incident in {urgent.incident, lesser.incident}


def test_an_event_without_a_place_joins_nothing(town):
    receipts = receive(town, *(event(lat=None, lon=None) for _ in range(3)))
    assert len({one.incident for one in receipts}) == 3


def test_towns_do_not_share_incidents(town, other):
    (ours,), (theirs,) = receive(town, event()), receive(other, event())
    assert ours.incident.startswith("30000-") and theirs.incident.startswith("36110-")
    assert_ledger_is_whole(town), assert_ledger_is_whole(other)


def test_a_late_event_of_a_long_incident_joins_it(town):
    start = ago(hours=1)
    for minute in range(0, 60, 4):
        receive(town, event(at=start + timedelta(minutes=minute)))
    receive(town, event(at=start + timedelta(minutes=22)))
    assert Incident.objects.get().event_count == 16


def test_poles_and_the_antimeridian_are_taken(town):
    places = [(90, 0), (-90, 0), (0, 180), (0, -180), (90, 180), (-90, -180)]
    receive(town, *(event(lat=lat, lon=lon) for lat, lon in places))
    receive(town, *(event(lat=lat, lon=lon) for lat, lon in places))
    assert Event.objects.count() == 12
    assert_ledger_is_whole(town)


# ── Numbers of the day ─────────────────────────────────────────────────────────────────────────────


def test_incidents_are_numbered_per_korean_day(town, monkeypatch):
    def at(moment):
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return [one.incident for one in receive(town, event("ORD-01", at=moment), event("BEL-01", at=moment))]

    before_midnight = datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC)
    assert at(before_midnight) == ["30000-20261123-0001", "30000-20261123-0002"]
    assert at(before_midnight + timedelta(seconds=1)) == ["30000-20261123-0001", "30000-20261123-0002"]
    assert at(before_midnight + timedelta(minutes=10)) == ["30000-20261124-0001", "30000-20261124-0002"]


def test_the_ten_thousandth_of_a_day_is_a_number_like_others(town):
    with connection.cursor() as cursor:
        day = timezone.now().astimezone(timezone.get_fixed_timezone(9 * 60)).date()
        cursor.execute(
            "INSERT INTO incidents_incidentcounter (municipality_id, day, last) VALUES (%s, %s, 9999)",
            [town.municipality.pk, day],
        )
    (ten_thousandth,) = receive(town, event())
    assert ten_thousandth.incident.endswith("-10000")
    (next_one,) = receive(town, event("ORD-01"))
    merged = regrouping.incident_merge(number=next_one.incident, by=by(town.kim), into=ten_thousandth.incident)
    assert merged.incident["event_count"] == 2


# ── Rules ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_fire_is_relayed_to_119_by_itself_once(town):
    (first,) = receive(town, event("FIR-01"))
    receive(town, event("FIR-01", north_m=10))
    relay = Relay.objects.get()
    assert (relay.system, relay.subject, relay.state) == (town.fire, first.incident, "queued")
    payload = Delivery.objects.get().payload
    assert payload["message"] == "create" and payload["incident"]["number"] == first.incident
    assert payload["service"] == "dispatch_119" and payload["callback_url"].endswith(f"/api/v1/relays/{relay.pk}/status")
    incident = incident_of(first)
    assert kinds(incident) == ["incident.opened", "relay.requested", "incident.joined"]
    assert last_change(incident).body["incident"]["relays"][0]["id"] == str(relay.pk)
    requested = Change.objects.get(kind="relay.requested").body
    assert requested["actor"]["kind"] == "system" and requested["incident"]["status"] == "open"
    assert_ledger_is_whole(town)


def test_several_fires_in_a_batch_are_relayed_each(town):
    receive(town, *(event("FIR-01", north_m=1_000 * n) for n in range(4)), event())
    assert Relay.objects.count() == 4 and set(Relay.objects.values_list("system", flat=True)) == {town.fire.pk}
    assert_ledger_is_whole(town)


def test_a_fire_goes_to_its_own_towns_119(town, other):
    receive(other, event("FIR-01"))
    assert Relay.objects.get().system == other.fire


def test_without_a_119_a_fire_is_still_an_incident(town):
    town.fire.delete()
    (receipt,) = receive(town, event("FIR-01"))
    assert incident_of(receipt).status == "open" and not Relay.objects.exists()


# ── Cost ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_costs_as_many_queries_as_one_event(town):
    receive(town, event())
    now = timezone.now()

    def queries(count):
        raws = [event(north_m=1_000 * n, lon=LON + 0.1 * count) for n in range(count)]
        arrivals = [Arrival(town.bells, understand(raw, now)) for raw in raws]
        with CaptureQueriesContext(connection, ) as seen:
            events_receive(municipality=town.municipality, arrivals=arrivals)
        return len(seen)

    assert queries(200) == queries(1)
    assert LAT
