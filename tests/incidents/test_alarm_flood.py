"""Floods: begun above ten alarms in the window for each operator on duty, ended below five, told once to everybody."""

import pytest
from django.utils import timezone

from incidents import flood, presence
from incidents.ledger import read_rows
from incidents.live.reading import visible_rows
from incidents.live.snapshot import snapshot_for
from incidents.models import Change, Flood, Incident, Presence
from linkage import sweeper
from tests.incidents.cast import ago, assert_ledger_is_whole, by, event, kinds, open_incident, receive
from tests.incidents.test_suppression import suppress


def alarms(town, count, code="ORD-04", **more):
    receive(town, *(event(code, north_m=1_000 * n, **more) for n in range(count)))


def on_duty(*people):
    for one in people:
        Presence.objects.update_or_create(user=one, defaults={"seen_at": timezone.now()})


def room_kinds(town):
    return [kind for kind in kinds(town) if kind.startswith("flood.")]


def test_ten_are_none_and_eleven_are_one(town):
    alarms(town, 10)
    assert flood.floods_decide() == 0
    receive(town, event("ORD-04", north_m=500_000))
    assert flood.floods_decide() == 1 and flood.floods_decide() == 0
    (row,) = Change.objects.filter(kind="flood.began")
    assert row.incident is None and row.body["incident"] is None and row.body["actor"]["kind"] == "system"
    assert (row.body["detail"]["alarms"], row.body["detail"]["operators"], row.body["detail"]["window_s"]) == (11, 1, 600)
    assert_ledger_is_whole(town)


def test_it_ends_below_five_and_not_before(town):
    alarms(town, 11)
    flood.floods_decide()
    newest = list(Incident.objects.order_by("-pk").values_list("pk", flat=True)[:5])
    Incident.objects.exclude(pk__in=newest).update(received_at=ago(minutes=11))
    assert flood.floods_decide() == 0
    Incident.objects.filter(pk=newest[0]).update(received_at=ago(minutes=11))
    assert flood.floods_decide() == 1 and flood.floods_decide() == 0
    assert room_kinds(town) == ["flood.began", "flood.ended"]
    assert Change.objects.get(kind="flood.ended").body["detail"]["alarms"] == 4 and Flood.objects.get().ended_at
    alarms(town, 11, "TRF-2")
    assert flood.floods_decide() == 1 and Flood.objects.count() == 2


def test_each_operator_on_duty_carries_ten(town):
    on_duty(town.kim, town.lee, town.park)
    alarms(town, 30)
    assert flood.floods_decide() == 0
    receive(town, event("ORD-04", north_m=500_000))
    assert flood.floods_decide() == 1


def test_who_is_away_shares_no_load_and_who_only_looks_neither(town):
    on_duty(town.kim, town.auditor, town.admin)
    Presence.objects.create(user=town.lee, seen_at=ago(seconds=61))
    assert presence.operators_on_duty(town.municipality.pk) == 1
    assert [one.username for one in presence.on_duty([town.municipality.pk])] == ["kim"]


def test_information_what_is_registered_by_hand_and_what_is_suppressed_alarm_nobody(town):
    alarms(town, 8, "TRF-5")
    suppress(town, device="")
    for n in range(8):
        receive(town, event("VCA-02", north_m=1_000 * n + 300), system=town.sensors)
    Incident.objects.filter(pk=open_incident(town).pk).update(system=None)
    alarms(town, 10)
    assert flood.recent_alarms(town.municipality.pk, ago(minutes=10)) == 10 and flood.floods_decide() == 0


def test_one_towns_flood_is_not_the_others(town, other):
    alarms(town, 11)
    flood.floods_decide()
    assert [one["municipality"] for one in flood.floods_now([town.municipality.pk, other.municipality.pk])] == ["30000"]
    assert room_kinds(other) == []


def test_the_window_is_a_setting(town, settings):
    settings.FLOOD_WINDOW_SECONDS = 20
    alarms(town, 11)
    Incident.objects.update(received_at=ago(seconds=25))
    assert flood.floods_decide() == 0


@pytest.mark.django_db(transaction=True)
def test_who_joins_in_a_flood_learns_of_it_and_a_key_does_not(town):
    alarms(town, 11)
    flood.floods_decide()
    _, text = snapshot_for(by(town.kim))
    assert '"floods":[{"municipality":"30000"' in text
    _, told = snapshot_for(by(town.police))
    assert '"floods":[]' in told
    rows = read_rows(town.municipality.pk, 0, 100)
    assert any("flood.began" in body for body in visible_rows(by(town.kim), rows))
    assert not any("flood.began" in body for body in visible_rows(by(town.police), rows))


def test_two_sweepers_that_decide_at_once_declare_it_once(town):
    alarms(town, 11)
    found = flood.recent_alarms(town.municipality.pk, ago(minutes=10))
    assert flood._begin(town.municipality, found, 1) and not flood._begin(town.municipality, found, 1)
    one = Flood.objects.get()
    assert flood._end(town.municipality, one.pk, 0, 1) and not flood._end(town.municipality, one.pk, 0, 1)
    assert room_kinds(town) == ["flood.began", "flood.ended"]


def test_presence_is_written_once_in_a_while_and_never_fails_to_repeat(town, monkeypatch):
    monkeypatch.setattr(presence, "_noted", {})
    presence.presence_note(user_id=town.kim.pk)
    Presence.objects.update(seen_at=ago(hours=1))
    presence.presence_note(user_id=town.kim.pk)
    assert Presence.objects.get().seen_at < ago(minutes=30), "a second socket within seconds writes nothing"
    monkeypatch.setattr(presence, "_noted", {})
    presence.presence_note(user_id=town.kim.pk)
    assert Presence.objects.get().seen_at > ago(minutes=1)


def test_the_sweeper_has_the_duty():
    assert flood.floods_decide in sweeper._duties


@pytest.mark.parametrize("per, band", [(0, "acceptable"), (1, "acceptable"), (1.1, "manageable"), (2, "manageable"), (2.1, "high"), (10, "high"), (10.1, "flood")])
def test_the_bands_are_those_of_the_norm(per, band):
    from incidents.load import band_of

    assert band_of(per) == band
