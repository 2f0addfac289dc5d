"""Several real processes write at once, and some are killed: nothing is lost, doubled or left out of the count."""

import random
from collections import Counter, defaultdict

import pytest
from django.db.models import Count, F

from incidents.models import Change, Event, Incident
from incidents.payloads import incident_payload
from incidents.selectors import relays_by_subject
from ocenter.accounts import audit
from tests.incidents.cast import ago, assert_ledger_is_whole, event, open_incident, receive
from tests.incidents.processes import Writer, deadlocks_so_far, start_nursery, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

WRITERS = 4
PLACES = 40


@pytest.fixture(scope="module")
def crew(django_db_setup, django_db_blocker):
    """Four writers, started once: they keep no state between commands."""
    with django_db_blocker.unblock():
        start_nursery()
    writers = [Writer() for _ in range(WRITERS)]
    yield writers
    for writer in writers:
        writer.stop()


@pytest.fixture
def spare(crew):
    """A writer to be killed."""
    writer = Writer()
    yield writer
    writer.kill()


def happening(place, number, at, name="s"):
    """Event `number` of the happening at `place`: at most 60 m and 50 s from each other, 1 km to the next place."""
    return event("VCA-02", id=f"{name}-{place}-{number}", at=at, north_m=place * 1_000 + number % 7 * 10)


def batches_of(raws, size):
    return [raws[n : n + size] for n in range(0, len(raws), size)]


def assert_every_happening_is_one_incident(town, events):
    incidents = Incident.objects.filter(municipality=town.municipality)
    assert Event.objects.filter(municipality=town.municipality).count() == events
    assert incidents.count() == PLACES
    assert not incidents.annotate(held=Count("events")).exclude(held=F("event_count")).exists()
    assert len({one[-4:] for one in incidents.values_list("number", flat=True)}) == PLACES
    assert_ledger_is_whole(town)
    told = Counter()
    for body in Change.objects.filter(municipality=town.municipality).values_list("body", flat=True):
        told.update(one["id"] for one in body["detail"]["events"])
    assert len(told) == events and set(told.values()) == {1}


@pytest.mark.parametrize("size", [1, 25])
def test_four_processes_with_the_same_events_and_places(crew, town, size):
    at = ago(minutes=2)
    shared = [happening(place, n, at) for place in range(PLACES) for n in range(4)]
    own = [[happening(place, n, at, f"w{w}") for place in range(PLACES) for n in range(2)] for w in range(WRITERS)]
    sent = []
    for w, writer in enumerate(crew):
        raws = shared + own[w]
        random.Random(w).shuffle(raws)
        sent.append(batches_of(raws, size))
        writer.send("receive", system=town.bells.pk, batches=sent[w])
    incidents, fresh = defaultdict(set), Counter()
    for writer, batches in zip(crew, sent, strict=True):
        for batch, receipts in zip(batches, writer.result(), strict=True):
            for raw, (incident, duplicate) in zip(batch, receipts, strict=True):
                incidents[raw["id"]].add(incident)
                fresh[raw["id"]] += not duplicate
    assert all(len(found) == 1 for found in incidents.values()), "one event, one incident"
    assert set(fresh.values()) == {1}, "each event is new exactly once"
    assert_every_happening_is_one_incident(town, len(shared) + sum(map(len, own)))


def test_towns_do_not_wait_for_each_other(crew, spare, town, other):
    spare.send("hold", system=town.bells.pk, batch=[event()])
    assert spare.hear() == "held"
    crew[0].send("receive", system=other.bells.pk, batches=[[event()]])
    assert crew[0].result()[0][0][1] is False


def test_a_writer_killed_in_its_transaction_leaves_no_hole_and_nobody_waiting(crew, spare, town):
    at = ago(minutes=2)
    receive(town, happening(0, 0, at))
    lost = [happening(place, 1, at) for place in range(PLACES)]
    spare.send("hold", system=town.bells.pk, batch=lost)
    assert spare.hear() == "held"
    for writer in crew:
        writer.send("receive", system=town.bells.pk, batches=[[happening(place, 2, at) for place in range(PLACES)]])
    assert all(writer.is_busy(0.3) for writer in crew), "the others wait for the one that writes"
    assert Event.objects.count() == 1
    spare.kill()
    for writer in crew:
        writer.result()
    assert_every_happening_is_one_incident(town, PLACES + 1)
    receipts = receive(town, *lost)
    assert not any(one.duplicate for one in receipts), "what was not answered was not kept"
    assert_every_happening_is_one_incident(town, 2 * PLACES + 1)


def test_a_writer_killed_anywhere_can_be_repeated_by_another(crew, spare, town):
    at = ago(minutes=2)
    mine = [[happening(place, n, at, "killed")] for n in range(8) for place in range(PLACES)]
    spare.send("drip", system=town.bells.pk, batches=mine)
    for w, writer in enumerate(crew[1:]):
        raws = [happening(place, n, at, f"w{w}") for place in range(PLACES) for n in range(3)]
        writer.send("drip", system=town.bells.pk, batches=batches_of(raws, 10))
    wait_until(Event.objects.filter(source_id__startswith="killed").count, what="an event of the doomed writer")
    spare.kill()
    kept = Event.objects.filter(source_id__startswith="killed").count()
    assert 0 < kept < len(mine), "it was killed in the middle"
    crew[0].send("receive", system=town.bells.pk, batches=mine)
    again = [receipt for (receipt,) in crew[0].result()]
    assert kept <= sum(duplicate for _, duplicate in again) <= kept + 1
    for writer in crew[1:]:
        writer.result()
    assert_every_happening_is_one_incident(town, len(mine) + 3 * 3 * PLACES)


def test_of_two_who_acknowledge_at_once_one_does_and_one_learns_who(crew, town):
    numbers = [open_incident(town).number for _ in range(25)]
    people = ["kim", "lee"]
    for writer, name in zip(crew, people, strict=False):
        writer.send("acknowledge", username=name, numbers=numbers)
    outcomes = dict(zip(people, [crew[0].result(), crew[1].result()], strict=True))
    for number, kim, lee in zip(numbers, outcomes["kim"], outcomes["lee"], strict=True):
        holder = Incident.objects.get(number=number).holder.username
        assert {str(kim), str(lee)} == {"taken", str(["acked", holder])}
        assert outcomes[holder][numbers.index(number)] == "taken"
    assert Change.objects.filter(kind="incident.acknowledged").count() == len(numbers)
    assert_ledger_is_whole(town)


def test_operators_and_feeds_work_on_the_same_incidents_without_a_deadlock(crew, town):
    at, deadlocks = ago(minutes=2), deadlocks_so_far()
    receive(town, *(happening(place, n, at) for place in range(6) for n in range(3)))
    for n, writer in enumerate(crew[:2]):
        raws = [happening(place, 10 + n, at, f"f{n}-{turn}") for turn in range(40) for place in range(6)]
        writer.send("drip", system=town.bells.pk, batches=batches_of(raws, 4))
    for n, writer in enumerate(crew[2:]):
        writer.send("operate", username=["park", "kim"][n], seed=n, count=150)
    results = [writer.result() for writer in crew]
    assert results[2]["done"] > 20 and results[3]["done"] > 20
    assert deadlocks_so_far() == deadlocks
    assert_ledger_is_whole(town)
    assert audit.verify().whole
    shown = {}
    for row in Change.objects.order_by("seq"):
        shown[row.body["incident"]["number"]] = row.body["incident"]
    relays = relays_by_subject(shown)
    assert shown == {one.number: incident_payload(one, relays.get(one.number, ())) for one in Incident.objects.all()}
    counted = Incident.objects.exclude(status="merged").annotate(held=Count("events"))
    assert not counted.exclude(held=F("event_count")).exists()
