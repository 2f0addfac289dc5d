"""A second case at an agency, its preview, and the telephone, over REST."""

import pytest

from incidents.models import Camera
from linkage.models import Relay
from tests.incidents.api.conftest import problem_of, wrong_fields
from tests.incidents.cast import LAT, LON, METRE, ago, hear, open_incident


@pytest.fixture
def kim(calls, town):
    return calls(town.kim)


@pytest.fixture
def theft(kim, town):
    incident = open_incident(town, "CRM-02")
    kim.send(f"/api/v1/incidents/{incident.number}/relay", {"agency": "police112"})
    return incident


def test_anew_is_asked_for_in_so_many_words(kim, theft):
    path = f"/api/v1/incidents/{theft.number}/relay"
    hear(Relay.objects.get(), "declined")
    for anew in (False, "yes", 1):
        problem_of(kim.send(path, {"agency": "police112", "anew": anew}), 409)
    relays = kim.send(path, {"agency": "police112", "anew": True}).json()["incident"]["relays"]
    assert [one["state"] for one in relays] == ["declined", "queued"]


def test_the_preview_shows_the_words_and_the_cameras_chosen(kim, town):
    incident = open_incident(town, apart=False)
    row = {"municipality": town.municipality, "source": "s", "lat": LAT, "lon": LON}
    made = [Camera.objects.create(**{**row, "site_number": str(n), "name": f"c{n}", "lat": LAT + n * METRE}) for n in range(7)]
    path = f"/api/v1/incidents/{incident.number}/relay-preview?agency=fire119"

    def preview(query=""):
        body = kim.get(path + query).json()["payload"]
        return [one["id"] for one in body["cameras"]], body.get("text")

    ids = [one.pk for one in made]
    assert preview() == (ids[:5], None)
    assert preview(f"&message=hello&cameras={ids[6]},{ids[1]}") == ([ids[1], ids[6]], "hello")
    assert preview("&cameras=") == ([], None)
    assert wrong_fields(kim.get(path + "&cameras=x")) == ["cameras"]
    assert wrong_fields(kim.get(path + "&message=" + "x" * 2001)) == ["message"]


def test_a_call_may_have_been_a_little_earlier(kim, theft):
    path = f"/api/v1/relays/{Relay.objects.get().pk}/called-by-hand"
    for at in (ago(hours=2), ago(hours=-2)):
        assert wrong_fields(kim.send(path, {"called_at": at.isoformat()})) == ["called_at"]
    assert wrong_fields(kim.send(path, {"called_at": "noon"})) == ["called_at"]
    at = ago(seconds=20).isoformat()
    assert kim.send(path, {"note": "said it", "called_at": at}).json()["state"] == "by_hand"
    (row,) = [one for one in kim.get(f"/api/v1/incidents/{theft.number}/timeline").json()["changes"] if one["kind"] == "relay.by_hand"]
    assert row["detail"]["note"] == "said it" and row["detail"]["called_at"] == at
