"""Two operators at once, and an operator and a feed at once, in real processes: one is done, the other hears why not."""

import pytest

from incidents import operations as op
from incidents.models import Event, Incident, Regrouping
from incidents.relaying import compose
from linkage.models import Delivery, Relay
from tests.incidents.cast import assert_ledger_is_whole, by, event, hear, open_incident, receive
from tests.incidents.processes import Writer, start_nursery
from tests.incidents.test_agency_races import deadlocks_so_far

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = 12


@pytest.fixture(scope="module")
def crew(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        start_nursery()
    writers = [Writer() for _ in range(3)]
    yield writers
    for writer in writers:
        writer.stop()


def assert_every_event_is_in_one_that_lives(town, events):
    assert Event.objects.filter(incident__isnull=False).count() == events
    assert not Event.objects.filter(incident__status="merged").exists()
    for one in Incident.objects.exclude(status="merged"):
        assert one.event_count == one.events.count(), one
    assert_ledger_is_whole(town)


def test_merging_each_into_the_other_at_once_merges_one(crew, town):
    deadlocks = deadlocks_so_far()
    pairs = [(open_incident(town).number, open_incident(town).number) for _ in range(ROUNDS)]
    first, second, _ = crew
    first.send("regroup", username="kim", deeds=[("merge", {"number": a, "into": b}) for a, b in pairs])
    second.send("regroup", username="lee", deeds=[("merge", {"number": b, "into": a}) for a, b in pairs])
    outcomes = list(zip(first.result(), second.result(), strict=True))
    for (a, b), heard in zip(pairs, outcomes, strict=True):
        assert sum(one in (a, b) for one in heard) == 1, heard
    assert Regrouping.objects.count() == ROUNDS and deadlocks_so_far() == deadlocks
    assert_every_event_is_in_one_that_lives(town, 2 * ROUNDS)


def test_undoing_at_once_undoes_once(crew, town):
    parts = []
    for _ in range(ROUNDS):
        part, whole = open_incident(town), open_incident(town)
        crew[0].send("regroup", username="kim", deeds=[("merge", {"number": part.number, "into": whole.number})])
        crew[0].result()
        parts.append(part.number)
    for writer, name in zip(crew, ("kim", "lee", "park"), strict=True):
        writer.send("regroup", username=name, deeds=[("unmerge", {"number": one}) for one in parts])
    for part, heard in zip(parts, zip(*(writer.result() for writer in crew), strict=True), strict=True):
        assert heard.count(part) == 1, heard
    assert_every_event_is_in_one_that_lives(town, 2 * ROUNDS)


def test_events_that_join_while_operators_regroup_are_never_lost(crew, town):
    deadlocks = deadlocks_so_far()
    (opened,) = receive(town, event("BEL-01", device_id="bell-0"))
    here = opened.incident
    there = open_incident(town).number
    feed, first, second = crew
    batches = [[event("BEL-01", north_m=n % 7, device_id=f"bell-{n % 5}")] for n in range(60)]
    feed.send("drip", system=town.bells.pk, batches=batches)
    back_and_forth = [("merge", {"number": here, "into": there}), ("unmerge", {"number": here})] * 10
    first.send("regroup", username="kim", deeds=back_and_forth)
    second.send("operate", username="park", seed=3, count=60)
    for writer in crew:
        writer.result()
    assert deadlocks_so_far() == deadlocks
    assert_every_event_is_in_one_that_lives(town, 62)


def test_two_who_ask_an_agency_anew_at_once_open_one_case(crew, town):
    incidents = [open_incident(town, "CRM-02") for _ in range(ROUNDS)]
    for one in incidents:
        op.incident_relay(number=one.number, by=by(town.kim), request=compose(one, town.police))
        hear(Relay.objects.get(subject=one.number), "closed")
    for writer, name in zip(crew, ("kim", "lee", "park"), strict=True):
        writer.send("relay_anew", username=name, numbers=[one.number for one in incidents])
    for writer in crew:
        assert writer.result() == [["closed", "queued"]] * ROUNDS
    assert Relay.objects.count() == 2 * ROUNDS and Delivery.objects.filter(message="create").count() == 2 * ROUNDS
    assert_ledger_is_whole(town)
