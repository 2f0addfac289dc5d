"""The load against the norms, and the sources that spoil it: exact numbers from known events, read by index."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from incidents import flood, load, nuisance
from incidents import operations as op
from incidents.models import Change, Event, Flood, Incident
from tests.incidents.cast import ago, by, event, open_incident, receive
from tests.incidents.test_alarm_flood import alarms, on_duty


def of(town, **more):
    return load.load_of([town.municipality.pk], **{"hours": 8, **more})


def acknowledged(town, who, code, after_s):
    """An alarm acknowledged `after_s` seconds after it came, by the ledger's clock."""
    incident = open_incident(town, code)
    op.incident_acknowledge(number=incident.number, by=by(who))
    row = Change.objects.get(incident=incident, kind="incident.acknowledged")
    target = load.ACK_TARGET[incident.grade]
    row.body["incident"]["ack_due_at"] = (row.at - timedelta(seconds=after_s) + target).isoformat()
    with connection.cursor() as cursor:  # the ledger refuses changes: so the row is written anew under the next number
        cursor.execute("SET LOCAL session_replication_role = replica")
        Change.objects.filter(pk=row.pk).update(body=row.body)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    return incident


def test_an_empty_room_claims_nothing(town):
    found = of(town)
    assert (found["recent"], found["per_operator"], found["band"], found["alarms"]) == (0, 0.0, "acceptable", 0)
    assert found["times"] == {"acknowledged": 0, "median_s": None, "p90_s": None, "in_time": None}
    assert found["flood"] is None and found["flood_share"] == 0 and found["operators"] == []


def test_alarms_for_each_operator_on_duty(town):
    on_duty(town.kim, town.lee)
    alarms(town, 5)
    found = of(town)
    assert (found["recent"], found["per_operator"], found["band"], found["unacknowledged"]) == (5, 2.5, "high", 5)
    assert [one["username"] for one in found["on_duty"]] == ["kim", "lee"]
    assert found["average_per_operator"] == pytest.approx(5 / 2 / 48, abs=0.01)
    assert {one["operator"]["username"]: one["acknowledged"] for one in found["operators"]} == {"kim": 0, "lee": 0}


def test_times_to_acknowledge_for_the_room_and_for_each(town):
    on_duty(town.lee)
    for seconds in (5, 20, 40):
        acknowledged(town, town.kim, "BEL-01", seconds)
    acknowledged(town, town.lee, "CRM-01", 10)
    found = of(town)
    assert found["times"] == {"acknowledged": 4, "median_s": 15.0, "p90_s": 34.0, "in_time": 0.75}
    kim, lee = found["operators"]
    assert kim["operator"]["username"] == "kim" and (kim["acknowledged"], kim["median_s"], kim["on_duty"]) == (3, 20.0, False)
    assert kim["in_time"] == pytest.approx(2 / 3, abs=0.001)
    assert (lee["acknowledged"], lee["in_time"], lee["on_duty"]) == (1, 1.0, True)


def test_what_was_registered_by_hand_and_what_is_too_old_does_not_count(town):
    acknowledged(town, town.kim, "BEL-01", 5)
    Change.objects.filter(kind="incident.acknowledged").count()
    incident = open_incident(town)
    Incident.objects.filter(pk=incident.pk).update(system=None)
    op.incident_acknowledge(number=incident.number, by=by(town.kim))
    assert of(town)["times"]["acknowledged"] == 1


def test_priorities_in_the_three_classes_of_the_norm(town):
    for code in ("CRM-01", "BEL-01", "VCA-02", "ORD-01", "TRF-5"):
        open_incident(town, code)
    found = of(town)
    assert found["priorities"] == {"low": 2, "medium": 1, "high": 1} and found["alarms"] == 4
    assert found["norms"]["priorities"] == {"low": 0.80, "medium": 0.15, "high": 0.05}


def test_the_share_of_time_in_flood(town):
    now = timezone.now()
    Flood.objects.create(municipality=town.municipality, began_at=now - timedelta(hours=20), ended_at=now - timedelta(hours=7), alarms=11, operators=1, window_s=600)
    Flood.objects.create(municipality=town.municipality, began_at=now - timedelta(hours=1), alarms=11, operators=1, window_s=600)
    assert of(town)["flood_share"] == pytest.approx(2 / 8, abs=0.001)
    assert of(town)["flood"]["alarms"] == 11


def test_a_town_sees_its_own_load_only(town, other):
    alarms(other, 12), on_duty(other.kim)
    flood.floods_decide()
    found = of(town)
    assert (found["recent"], found["alarms"], found["on_duty"], found["flood"]) == (0, 0, [], None)
    acknowledged(other, other.kim, "BEL-01", 5)
    assert of(town)["times"]["acknowledged"] == 0 and of(town)["operators"] == []


def said(town, device, count, *, every_s=60, code="VCA-02", system=None):
    """A device's reports, the newest now, each `every_s` after the one before."""
    receive(town, *(event(code, device_id=device, north_m=5_000) for _ in range(count)), system=system or town.sensors)
    newest = timezone.now()
    for n, one in enumerate(Event.objects.filter(device_id=device).order_by("-pk")):
        Event.objects.filter(pk=one.pk).update(received_at=newest - timedelta(seconds=every_s * n))


def chattering(town, **more):
    found = nuisance.chattering([town.municipality.pk], **{"times": 5, "minutes": 10, "hours": 24, **more})
    return [(one["device_id"], one["events"]) for one in found]


def test_five_reports_within_ten_minutes_are_chattering_and_slower_ones_are_not(town):
    said(town, "fast", 5, every_s=150)
    said(town, "slow", 9, every_s=151)
    said(town, "few", 4, every_s=1)
    assert chattering(town) == [("fast", 5)]
    assert chattering(town, minutes=11) == [("slow", 9), ("fast", 5)]
    assert chattering(town, times=4, minutes=1) == [("few", 4)]
    (one,) = nuisance.chattering([town.municipality.pk], times=5, minutes=10, hours=24)
    assert one["fastest_s"] == 600 and one["incident"] == Incident.objects.get(pk=Event.objects.filter(device_id="fast").first().incident_id).number
    assert (one["system"], one["code"], one["grade"], one["title"]["en"]) == ("sensors", "VCA-02", "G3", "Intrusion detected")


def test_chattering_long_ago_is_not_told(town):
    said(town, "old", 6)
    Event.objects.update(received_at=ago(hours=25))
    assert chattering(town) == []


def test_the_ten_worst_with_their_share(town):
    for n in range(12):
        said(town, f"S-{n:02}", 13 - n)
    found = nuisance.bad_actors([town.municipality.pk], hours=24)
    total = sum(13 - n for n in range(12))
    assert [one["device_id"] for one in found] == [f"S-{n:02}" for n in range(10)]
    assert found[0]["share"] == pytest.approx(13 / total, abs=0.0001) and sum(one["share"] for one in found) < 1


def test_stale_is_what_nothing_has_happened_to(town):
    old, moved, ended = open_incident(town, "ORD-01"), open_incident(town, "ORD-01"), open_incident(town, "ORD-01")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Change.objects.update(at=ago(hours=5))
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    op.incident_note(number=moved.number, by=by(town.kim), text="looked")
    op.incident_false_alarm(number=ended.number, by=by(town.kim), reason="FA-01")
    found = nuisance.stale([town.municipality.pk], hours=4)
    assert [one["incident"] for one in found] == [old.number] and found[0]["unchanged_since"] and found[0]["holder"] is None
    assert nuisance.stale([town.municipality.pk], hours=6) == []


def test_another_towns_sources_are_not_there(town, other):
    said(other, "theirs", 9, every_s=1)
    assert chattering(town) == [] and nuisance.bad_actors([town.municipality.pk], hours=24) == []
    assert nuisance.stale([town.municipality.pk], hours=0) == []


def test_a_day_among_a_hundred_thousand_events_is_found_by_index(town):
    """What was reported long ago costs nothing: the plans read the index over (system, received_at)."""
    incident = open_incident(town, "ORD-01")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO incidents_event (municipality_id, system_id, source_id, subject, action, incident_id, code, grade, "
            "occurred_at, received_at, summary, address, device_id, attributes) "
            "SELECT %s, %s, 'x' || n, '', 'report', %s, 'VCA-02', 'G3', now(), now() - n * interval '5 minutes', '', '', "
            "'S-' || n %% 50, '{}' FROM generate_series(1, 100000) n",
            [town.municipality.pk, town.sensors.pk, incident.pk],
        )
        cursor.execute("ANALYZE incidents_event")
        for sql, values in (
            (nuisance._CHATTERING, [4, [town.sensors.pk], ago(hours=24), timedelta(minutes=10), 50]),
            (nuisance._WORST, [[town.sensors.pk], ago(hours=24), 10]),
        ):
            cursor.execute("EXPLAIN " + sql, values)
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "event_rate" in plan and "Seq Scan" not in plan, plan
