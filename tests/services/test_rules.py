"""Rules that act without an operator: what is relayed at once, to whom, and what a storm of it costs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident
from linkage.models import Delivery, Relay
from tests.incidents.cast import assert_ledger_is_whole, event, kinds, make_town, receive


@pytest.fixture
def town(db):
    return make_town()


def fires(count, offset=0):
    return [event("FIR-01", north_m=1_000.0 * (n + offset)) for n in range(count)]


def test_a_fire_goes_to_119_and_nothing_else_does(town):
    receive(town, *fires(1), event("RES-01", north_m=90_000.0))
    fire = Incident.objects.get(code="FIR-01")
    relay = Relay.objects.get()
    assert (relay.subject, relay.system, relay.state) == (fire.number, town.fire, "queued")
    message = Delivery.objects.get()
    assert (message.message, message.position, message.payload["incident"]["number"]) == ("create", 1, fire.number)
    assert message.payload["opened_at"] == relay.created_at.isoformat() and message.payload["at"]
    assert kinds(fire) == ["incident.opened", "relay.requested"]
    assert_ledger_is_whole(town)


def test_each_fire_of_a_storm_is_relayed_once_and_costs_little(town):
    receive(town, *fires(1))
    with CaptureQueriesContext(connection) as few:
        receive(town, *fires(5, offset=10))
    with CaptureQueriesContext(connection) as many:
        receive(town, *fires(50, offset=100))
    assert Relay.objects.count() == Delivery.objects.count() == 56
    each = (len(many) - len(few)) / 45
    assert each < 1.5, f"{each:.1f} queries a fire: its cameras are looked for, all else is done for all at once"
    assert_ledger_is_whole(town)


def test_who_opened_the_case_is_not_told_of_it(town):
    receive(town, *fires(1), system=town.fire)
    assert not Relay.objects.filter(system=town.fire, deliveries__message="create").exists()
