"""Putting incidents together, taking them apart, undoing either: what moves, what is refused, what correlation makes of it."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from incidents import operations as op
from incidents import regrouping
from incidents.models import Change, Event, Incident, Regrouping
from incidents.operations import Invalid, NotAllowedNow
from incidents.payloads import incident_payload
from incidents.relaying import compose
from incidents.reports import understand
from incidents.selectors import relays_by_subject
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from tests.incidents.cast import assert_ledger_is_whole, by, event, kinds, last_change, open_incident, receive


@pytest.fixture(autouse=True)
def english():
    """Refusals are read here."""
    with translation.override("en"):
        yield


def relay_to(town, incident):
    return op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))


def merge(town, part, whole, user=None):
    return regrouping.incident_merge(number=part.number, by=by(user or town.kim), into=whole.number)


def split(town, whole, *events, user=None):
    result = regrouping.incident_split(number=whole.number, by=by(user or town.kim), events=list(events))
    return Incident.objects.get(number=result.incident["number"])


def unmerge(town, part, user=None):
    return regrouping.incident_unmerge(number=part.number, by=by(user or town.kim))


def unsplit(town, part, user=None):
    return regrouping.incident_unsplit(number=part.number, by=by(user or town.kim))


def fresh(incident):
    return Incident.objects.get(pk=incident.pk)


def of(receipt):
    return Incident.objects.get(number=receipt.incident)


def refused(act, *words):
    with pytest.raises(NotAllowedNow) as refusal:
        act()
    assert all(word in refusal.value.detail for word in words), refusal.value.detail


def test_merging_moves_the_events_and_ends_the_part(town):
    part, whole = open_incident(town), open_incident(town)
    later = timezone.now() + timedelta(minutes=1)
    Incident.objects.filter(pk=part.pk).update(last_event_at=later)
    result = regrouping.incident_merge(number=part.number, by=by(town.kim), into=whole.number)
    part.refresh_from_db()
    assert (part.status, part.merged_into) == ("merged", whole) and part.closed_at
    assert result.incident["number"] == whole.number and result.incident["event_count"] == 2
    assert result.incident["last_event_at"] == later.isoformat().replace("Z", "+00:00")
    assert Event.objects.filter(incident=whole).count() == 2
    assert kinds(part)[-1] == "incident.merged" and kinds(whole)[-1] == "incident.joined"
    assert last_change(part).body["incident"]["merged_into"] == whole.number
    assert_ledger_is_whole(town)


def test_a_repeated_event_of_a_merged_incident_is_answered_with_the_whole(town):
    part, whole = open_incident(town), open_incident(town)
    again = {"id": part.events.get().source_id}
    regrouping.incident_merge(number=part.number, by=by(town.kim), into=whole.number)
    assert receive(town, event(**again)) == [(whole.number, True)]


def test_what_cannot_be_merged(town, other):
    part, whole = open_incident(town, "ORD-01"), open_incident(town, "ORD-01")
    with pytest.raises(Invalid):
        regrouping.incident_merge(number=part.number, by=by(town.kim), into=part.number)
    with pytest.raises(Invalid):
        regrouping.incident_merge(number=part.number, by=by(town.kim), into=open_incident(other).number)
    urgent = open_incident(town, "CRM-01")
    with pytest.raises(NotAllowedNow):
        regrouping.incident_merge(number=urgent.number, by=by(town.kim), into=whole.number)
    with pytest.raises(NotAllowedNow):
        regrouping.incident_merge(number=part.number, by=by(town.kim), into=open_incident(town, status="closed").number)
    relay_to(town, part)
    with pytest.raises(NotAllowedNow):
        regrouping.incident_merge(number=part.number, by=by(town.kim), into=whole.number)
    with pytest.raises(Incident.DoesNotExist):
        regrouping.incident_merge(number=part.number, by=by(town.kim), into="30000-20200101-0001")


def several_events(town, count=3):
    receipts = receive(town, *(event("ORD-01", id=f"{n}", summary=f"call {n}") for n in range(count)))
    assert len({one.incident for one in receipts}) == 1
    return Incident.objects.get(number=receipts[0].incident)


def test_splitting_opens_an_incident_for_the_named_events(town):
    whole = several_events(town)
    result = regrouping.incident_split(number=whole.number, by=by(town.kim), events=["1", "2"])
    part = Incident.objects.get(number=result.incident["number"])
    whole.refresh_from_db()
    assert (part.status, part.event_count, part.summary) == ("open", 2, "call 1") and whole.event_count == 1
    assert set(part.events.values_list("source_id", flat=True)) == {"1", "2"}
    assert kinds(whole)[-1] == "incident.split" and kinds(part) == ["incident.opened"]
    assert last_change(part).body["detail"]["split_from"] == whole.number
    assert_ledger_is_whole(town)


@pytest.mark.parametrize("events", [[], ["0", "1", "2"], ["9"], ["0", "9"]])
def test_what_cannot_be_split(town, events):
    with pytest.raises(Invalid) as refusal:
        regrouping.incident_split(number=several_events(town).number, by=by(town.kim), events=events)
    assert refusal.value.field == "events"


# ── Undoing a merge ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["open", "acked", "verifying", "confirmed", "notified", "responding"])
def test_an_undone_merge_brings_the_part_back_as_it_was(town, status):
    part, whole = open_incident(town), open_incident(town)
    op.incident_acknowledge(number=part.number, by=by(town.lee))
    Incident.objects.filter(pk=part.pk).update(status=status)
    before = incident_payload(fresh(part))
    merge(town, part, whole)
    result = unmerge(town, part, town.park).incident
    same = set(before) - {"version", "ack_due_at"}
    assert {name: result[name] for name in same} == {name: before[name] for name in same}
    assert part.events.count() == 1 and fresh(whole).event_count == whole.events.count() == 1
    assert kinds(part)[-2:] == ["incident.merged", "incident.unmerged"]
    assert kinds(whole)[-2:] == ["incident.joined", "incident.unmerged"]
    assert last_change(part).body["detail"] == {"from": "merged", "to": status, "from_incident": whole.number, "events": 1}
    assert last_change(whole).body["detail"] == {"part": part.number, "events": 1}
    assert_ledger_is_whole(town)


def test_what_nobody_had_acknowledged_gets_its_time_anew(town):
    part, whole = open_incident(town), open_incident(town)
    Incident.objects.filter(pk=part.pk).update(ack_due_at=timezone.now() - timedelta(minutes=9))
    merge(town, part, whole)
    unmerge(town, part)
    assert fresh(part).ack_due_at > timezone.now()


def test_both_incidents_audit_it(town):
    part, whole = open_incident(town), open_incident(town)
    merge(town, part, whole)
    unmerge(town, part)
    for one in (part, whole):
        assert AuditEntry.objects.filter(subject=one.number, action="incident.unmerged", actor="user:kim").count() == 1
    assert audit.verify().whole


def test_the_wholes_clock_is_that_of_what_stays(town):
    part, whole = open_incident(town, at=timezone.now()), open_incident(town, at=timezone.now() - timedelta(minutes=4))
    merge(town, part, whole)
    assert fresh(whole).last_event_at == part.last_event_at
    unmerge(town, part)
    assert fresh(whole).last_event_at == whole.last_event_at


def test_undoing_a_merge_is_done_once(town):
    part, whole = open_incident(town), open_incident(town)
    merge(town, part, whole)
    unmerge(town, part)
    refused(lambda: unmerge(town, part), "not merged")
    refused(lambda: unmerge(town, whole), "no merge")
    rows = len(kinds(town))
    assert rows == 6 and Regrouping.objects.get().undone_by == "kim"


def test_merged_again_it_can_be_undone_again(town):
    part, whole, another = open_incident(town), open_incident(town), open_incident(town)
    merge(town, part, whole)
    unmerge(town, part)
    merge(town, part, another)
    unmerge(town, part)
    assert fresh(part).status == "open" and fresh(another).event_count == fresh(whole).event_count == 1


def test_merges_into_merges_are_undone_from_the_last(town):
    first, second, third = open_incident(town), open_incident(town), open_incident(town)
    merge(town, first, second)
    merge(town, second, third)
    refused(lambda: unmerge(town, first), second.number)
    unmerge(town, second)
    unmerge(town, first)
    assert [fresh(one).event_count for one in (first, second, third)] == [1, 1, 1]
    assert [one.events.count() for one in (first, second, third)] == [1, 1, 1]
    assert_ledger_is_whole(town)


@pytest.mark.parametrize("status", ["false_alarm", "test", "closed", "cancelled"])
def test_a_merge_into_what_has_ended_stays(town, status):
    part, whole = open_incident(town), open_incident(town)
    merge(town, part, whole)
    Incident.objects.filter(pk=whole.pk).update(status=status)
    refused(lambda: unmerge(town, part), whole.number, "ended")
    assert fresh(part).status == "merged" and whole.events.count() == 2


def test_a_merge_whose_events_were_split_off_waits_for_that(town):
    part, whole = open_incident(town), open_incident(town)
    mine = part.events.get().source_id
    merge(town, part, whole)
    out = split(town, whole, mine)
    refused(lambda: unmerge(town, part), "split off")
    unsplit(town, out)
    unmerge(town, part)
    assert part.events.get().source_id == mine


def test_what_the_same_source_has_said_since_must_be_split_off(town):
    (mine,) = receive(town, event("ORD-01", device_id="bell-1"))
    (theirs,) = receive(town, event("ORD-01", north_m=300, device_id="bell-2"))
    merge(town, of(mine), of(theirs))
    receive(town, event("ORD-01", north_m=290, device_id="bell-3"))
    assert fresh(of(theirs)).event_count == 3
    receive(town, event("ORD-01", north_m=280, device_id="bell-1"))
    refused(lambda: unmerge(town, of(mine)), "split")


def test_what_another_source_has_said_since_stays_where_it_is(town):
    (mine,) = receive(town, event("ORD-01", device_id="bell-1"))
    (theirs,) = receive(town, event("ORD-01", north_m=300, device_id="bell-2"))
    merge(town, of(mine), of(theirs))
    receive(town, event("ORD-01", north_m=290, device_id="bell-3"))
    unmerge(town, of(mine))
    assert fresh(of(mine)).event_count == 1 and fresh(of(theirs)).event_count == 2


def test_a_registered_part_comes_back_too(town):
    report = understand(event("ORD-02", summary="by telephone"), timezone.now())
    number = op.incident_register(municipality=town.municipality, report=report, by=by(town.kim)).incident["number"]
    part, whole = Incident.objects.get(number=number), open_incident(town, "ORD-02")
    merge(town, part, whole)
    assert fresh(whole).event_count == 1
    unmerge(town, part)
    assert (fresh(part).status, fresh(part).event_count, fresh(part).holder) == ("acked", 1, town.kim)


# ── Undoing a split ────────────────────────────────────────────────────────────────────────────────


def test_an_undone_split_gives_the_events_back(town):
    whole = several_events(town)
    part = split(town, whole, "1", "2")
    result = unsplit(town, part, town.lee).incident
    assert (result["number"], result["event_count"]) == (whole.number, 3)
    part = fresh(part)
    assert (part.status, part.merged_into) == ("merged", whole) and part.closed_at
    assert whole.events.count() == 3 and not part.events.exists()
    assert kinds(part) == ["incident.opened", "incident.unsplit"] and kinds(whole)[-1] == "incident.unsplit"
    assert last_change(whole).body["detail"] == {"merged": part.number, "events": 2}
    assert_ledger_is_whole(town)


def test_undoing_a_split_is_done_once(town):
    whole = several_events(town)
    part = split(town, whole, "1")
    unsplit(town, part)
    refused(lambda: unsplit(town, part), "undone already")
    refused(lambda: unsplit(town, whole), "not split off")


def test_an_agency_at_work_keeps_a_part_apart(town):
    whole = several_events(town)
    part = split(town, whole, "1")
    relay_to(town, part)
    refused(lambda: unsplit(town, part), "agency")


@pytest.mark.parametrize("which", ["part", "whole"])
def test_a_split_is_not_undone_once_either_has_ended(town, which):
    whole = several_events(town)
    part = split(town, whole, "1")
    ended = {"part": part, "whole": whole}[which]
    op.incident_false_alarm(number=ended.number, by=by(town.kim), reason="FA-01")
    refused(lambda: unsplit(town, part), ended.number, "ended")


@pytest.mark.parametrize("which", ["part", "whole"])
def test_a_split_is_not_undone_while_either_is_merged(town, which):
    whole, another = several_events(town), open_incident(town, "ORD-01")
    part = split(town, whole, "1")
    merged = {"part": part, "whole": whole}[which]
    merge(town, merged, another)
    refused(lambda: unsplit(town, part), merged.number, "merged")


def test_a_part_that_has_grown_is_merged_instead(town):
    whole = several_events(town)
    part = split(town, whole, "1")
    receive(town, event("ORD-01", device_id="new"), system=town.sensors)
    Event.objects.filter(device_id="new").update(incident=part)
    refused(lambda: unsplit(town, part), "merge it instead")
    merge(town, part, whole)
    assert whole.events.count() == 4


# ── Correlation respects it ────────────────────────────────────────────────────────────────────────


def pressed(town, bell, *, north_m=0.0, at=None, system=None):
    (receipt,) = receive(town, event("BEL-01", north_m=north_m, device_id=bell, at=at), system=system)
    return receipt.incident


def two_bells(town):
    """Two bells 40 m apart in one incident, and the ids of their events."""
    number = pressed(town, "bell-1")
    assert pressed(town, "bell-2", north_m=40) == number
    whole = Incident.objects.get(number=number)
    return whole, *whole.events.order_by("id").values_list("source_id", flat=True)


def test_what_was_split_off_goes_on_apart(town):
    whole, _, second = two_bells(town)
    part = split(town, whole, second)
    assert pressed(town, "bell-2", north_m=40) == part.number
    assert pressed(town, "bell-1") == whole.number
    # Nearer to the whole than to its own: an operator's word weighs more than metres.
    assert pressed(town, "bell-2", north_m=1) == part.number
    assert pressed(town, "bell-1", north_m=39) == whole.number


def test_a_source_in_neither_joins_the_nearest(town):
    whole, _, second = two_bells(town)
    part = split(town, whole, second)
    assert pressed(town, "bell-3", north_m=35) == part.number
    assert pressed(town, "bell-4", north_m=5) == whole.number


def test_what_was_split_off_opens_anew_once_its_own_is_over(town):
    whole, _, second = two_bells(town)
    part = split(town, whole, second)
    op.incident_false_alarm(number=part.number, by=by(town.kim), reason="FA-01")
    third = pressed(town, "bell-2", north_m=40)
    assert third not in (whole.number, part.number)
    assert pressed(town, "bell-2", north_m=40) == third


def test_an_undone_split_is_forgotten(town):
    whole, _, second = two_bells(town)
    unsplit(town, split(town, whole, second))
    assert pressed(town, "bell-2", north_m=40) == whole.number


def test_what_was_unmerged_goes_on_apart(town):
    mine, theirs = pressed(town, "bell-1"), pressed(town, "bell-2", north_m=160)
    assert mine != theirs
    part, whole = Incident.objects.get(number=mine), Incident.objects.get(number=theirs)
    merge(town, part, whole)
    assert pressed(town, "bell-9", north_m=155) == theirs
    unmerge(town, part)
    assert pressed(town, "bell-1", north_m=90) == mine
    assert pressed(town, "bell-2", north_m=70) == theirs


def test_it_holds_through_later_merges(town):
    whole, _, second = two_bells(town)
    part = split(town, whole, second)
    far = open_incident(town)
    merge(town, part, far)
    assert pressed(town, "bell-2", north_m=40) not in (whole.number, part.number)
    assert pressed(town, "bell-1") == whole.number


def test_one_device_in_both_follows_its_newest_event(town):
    whole = Incident.objects.get(number=pressed(town, "bell-1"))
    assert pressed(town, "bell-1") == pressed(town, "bell-1") == whole.number
    first, _, third = whole.events.order_by("id").values_list("source_id", flat=True)
    older, newer = split(town, whole, first), None
    assert pressed(town, "bell-1") == whole.number
    newer = split(town, whole, third, *whole.events.order_by("-id").values_list("source_id", flat=True)[:1])
    assert pressed(town, "bell-1") == newer.number and older.events.count() == 1


def test_the_same_device_name_of_another_system_is_another_source(town):
    whole, _, second = two_bells(town)
    split(town, whole, second)
    assert pressed(town, "bell-2", north_m=1, system=town.sensors) == whole.number


def test_a_batch_places_each_source_on_its_side(town):
    whole, _, second = two_bells(town)
    part = split(town, whole, second)
    raws = [event("BEL-01", north_m=north, device_id=f"bell-{n}") for n, north in ((1, 39), (2, 1), (1, 20), (2, 20))]
    assert [one.incident for one in receive(town, *raws)] == [whole.number, part.number, whole.number, part.number]


# ── Applying the rows gives the same ───────────────────────────────────────────────────────────────


def test_whoever_applies_the_rows_shows_what_a_fresh_reading_shows(town):
    whole, first, second = two_bells(town)
    part, far = split(town, whole, second), open_incident(town)
    merge(town, far, whole)
    merge(town, part, whole)
    unmerge(town, part)
    pressed(town, "bell-2", north_m=40)
    merge(town, whole, part)
    unmerge(town, whole)
    unmerge(town, far)
    another = split(town, part, second)
    unsplit(town, another)
    shown = {row.body["incident"]["number"]: row.body["incident"] for row in Change.objects.order_by("seq")}
    relays = relays_by_subject(shown)
    assert shown == {one.number: incident_payload(one, relays.get(one.number, ())) for one in Incident.objects.all()}
    assert all(one.event_count == one.events.count() for one in Incident.objects.exclude(status="merged"))
    assert_ledger_is_whole(town) or first
