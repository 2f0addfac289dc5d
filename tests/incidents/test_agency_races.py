"""Agencies' cases, feeds and operators at once, in real processes: no deadlock, one relay a pair, every status once."""

from collections import Counter, defaultdict

import pytest

from incidents.models import Change, Event, Incident
from incidents.payloads import incident_payload
from incidents.selectors import relays_by_subject
from linkage.cases import STATUS_RANK
from linkage.feeds import FEEDS
from linkage.models import Delivery, Relay
from linkage.states import ENDED
from tests.incidents.cast import LAT, METRE, ago, assert_ledger_is_whole, event
from tests.incidents.processes import Writer, deadlocks_so_far, start_nursery
from tests.incidents.test_agency_cases import envelope, make_cameras, video

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PLACES = 8


@pytest.fixture(scope="module")
def crew(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        start_nursery()
    writers = [Writer() for _ in range(4)]
    yield writers
    for writer in writers:
        writer.stop()


def cases(org, end):
    """Three messages of a case at every place, as the format hands them on."""
    messages = []
    for place in range(PLACES):
        where = {"lat": LAT + place * 1_000 * METRE, "case": f"{org}-{place}", "event_code": "VCA-02", **video()}
        messages += [[envelope(**where)], [envelope("UPDATE", minute=1, **where)], [envelope(end, minute=2, **where)]]
    return [[FEEDS["agency_request"].normalise(one) for one in batch] for batch in messages]


def test_agencies_feeds_and_operators_meet_in_the_same_incidents(crew, town):
    make_cameras(town, *(place * 1_000 for place in range(PLACES)))
    at, deadlocks = ago(minutes=30), deadlocks_so_far()
    seen = [[event("VCA-02", north_m=place * 1_000, at=at, id=f"s-{place}-{n}")] for n in range(3) for place in range(PLACES)]
    first, second, feed, operator = crew
    first.send("drip", system=town.police.pk, batches=cases("112", "CLOSE"))
    second.send("drip", system=town.disaster.pk, batches=cases("dsr", "CANCEL"))
    feed.send("drip", system=town.bells.pk, batches=seen)
    operator.send("operate", username="park", seed=7, count=80)
    for writer in crew:
        writer.result()
    assert deadlocks_so_far() == deadlocks
    assert_ledger_is_whole(town)
    assert Event.objects.count() == 9 * PLACES
    relays = relays_by_subject(Incident.objects.values_list("number", flat=True))
    shown = {}
    for row in Change.objects.order_by("seq"):
        shown[row.body["incident"]["number"]] = row.body["incident"]
    assert shown == {one.number: incident_payload(one, relays.get(one.number, ())) for one in Incident.objects.all()}
    open_pairs = Counter(Relay.objects.exclude(state__in=ENDED).values_list("subject", "system_id"))
    assert not open_pairs or set(open_pairs.values()) == {1}
    told = defaultdict(list)
    for one in Delivery.objects.filter(message="status").order_by("relay_id", "position"):
        told[one.relay_id, one.payload["source_event_no"]].append(STATUS_RANK[one.payload["status"]])
    assert told and all(ranks == sorted(set(ranks)) for ranks in told.values())
