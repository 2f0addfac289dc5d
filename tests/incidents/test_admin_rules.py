"""The list of correlation rules says how much each has joined, and which matches nothing."""

import pytest
from django.urls import reverse

from incidents.models import CorrelationRule, Event
from tests.incidents.cast import ago, event, receive


def rule(town, code, radius_m=100):
    return CorrelationRule.objects.create(municipality=town.municipality, code=code, radius_m=radius_m, window_s=300)


@pytest.fixture
def listed(client, town):
    client.force_login(town.admin)
    return lambda: client.get(reverse("admin:incidents_correlationrule_changelist"), headers={"accept-language": "en"}).content.decode()


def test_every_rule_says_how_much_it_has_joined(town, other, listed):
    for code in ("BEL-01", "VCA-02", "TRF-1"):
        rule(town, code, 50)
    receive(town, event("BEL-01"), event("BEL-01", north_m=10), event("BEL-01", north_m=900))
    receive(town, event("VCA-02"), event("VCA-02", north_m=100))
    receive(other, event("TRF-1"), event("TRF-1"))
    page = listed()
    assert "1 of 3" in page and "none of 2: it matches nothing" in page and "no event of this code came" in page


def test_what_is_older_than_a_day_does_not_count(town, listed):
    rule(town, "BEL-01")
    receive(town, event("BEL-01"), event("BEL-01"))
    Event.objects.update(received_at=ago(hours=25))
    assert "no event of this code came" in listed()
