"""Turning cameras: over real HTTP to the simulated video system, and whatever may go wrong on the way."""

import time

import pytest

from incidents.models import Camera
from linkage.models import LinkedSystem
from linkage.simulators import vms as simulated
from ocenter.accounts.models import AuditEntry
from tests.incidents.api.conftest import Caller, problem_of
from tests.incidents.cast import make_town, open_incident
from tests.incidents.test_vms import product  # noqa: F401 (a fixture)
from tests.services.video_cast import make_camera, video_system

WHY = {"reason": "following a suspect"}


@pytest.fixture
def town(db):
    return make_town()


@pytest.fixture
def camera(town, product):  # noqa: F811
    video_system(town, endpoint=product.url, options={"user": simulated.USER}, secret=simulated.PASSWORD)
    camera = make_camera(town)
    Camera.objects.filter(pk=camera.pk).update(site_number="VMS-0001")
    return camera


@pytest.fixture
def kim(town):
    return Caller(user=town.kim)


def turn(caller, camera, **body):
    return caller.send(f"/api/v1/cameras/{camera.pk}/ptz", body)


def entries():
    return list(AuditEntry.objects.filter(action__startswith="video.ptz").order_by("number"))


def test_it_turns_and_stops_and_both_are_logged_with_the_purpose(town, kim, camera, product):  # noqa: F811
    incident = open_incident(town)
    assert turn(kim, camera, pan=0.5, tilt=-1, seconds=2, incident=incident.number).status_code == 202
    assert turn(kim, camera, stop=True, **WHY).status_code == 202
    moves = product[simulated.VMS].moves
    assert moves[0] == {"camID": "VMS-0001", "velocity": {"pan": 50, "tilt": -100, "zoom": 0}, "timeOut": 2}
    assert moves[1]["stop"] is True
    first, second = entries()
    assert first.detail["incident"] == incident.number and first.detail["pan"] == 0.5 and first.actor == "user:kim"
    assert second.detail["reason"] == WHY["reason"] and second.detail["stop"] is True


@pytest.mark.parametrize("body, field", [
    ({"pan": 1}, "incident"), (WHY, "pan"), ({"pan": 1.1, **WHY}, "pan"), ({"tilt": "1", **WHY}, "tilt"), ({"zoom": True, **WHY}, "zoom"),
    ({"pan": 1, "seconds": 6, **WHY}, "seconds"), ({"pan": 1, "seconds": 0, **WHY}, "seconds"), ({"spin": 1, **WHY}, "spin"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_and_moves_nothing(kim, camera, product, body, field):  # noqa: F811
    assert problem_of(turn(kim, camera, **body), 400)["errors"][0]["field"] == field
    assert not product[simulated.VMS].moves and not entries()


@pytest.mark.parametrize("change", [{"ptz": False}, {"system": None}])
def test_a_camera_that_cannot_turn_is_409(kim, camera, change):
    Camera.objects.filter(pk=camera.pk).update(**change)
    assert problem_of(turn(kim, camera, pan=1, **WHY), 409)["type"].endswith("no-ptz")


def test_nor_one_whose_system_has_no_such_interface(kim, camera):
    LinkedSystem.objects.filter(pk=camera.system_id).update(feed_format="")
    problem_of(turn(kim, camera, pan=1, **WHY), 409)


@pytest.mark.parametrize("mode, status", [("error", 503), ("code", 503), ("timeout", 503), ("redirect", 502)])
def test_a_video_system_in_trouble_is_a_plain_problem_soon_and_logged(kim, camera, product, mode, status):  # noqa: F811
    product[simulated.VMS].faults.mode = mode
    begun = time.monotonic()
    problem_of(turn(kim, camera, pan=1, **WHY), status)
    assert time.monotonic() - begun < 6
    assert [one.action for one in entries()] == ["video.ptz", "video.ptz_failed"]


@pytest.mark.parametrize("who", ["admin", "auditor"])
def test_some_roles_do_not_turn(town, camera, who, product):  # noqa: F811
    problem_of(turn(Caller(user=getattr(town, who)), camera, pan=1, **WHY), 403)
    assert not product[simulated.VMS].moves


def test_another_towns_camera_is_not_there(camera, product):  # noqa: F811
    sejong = make_town("36110", "세종특별자치시", "Sejong", prefix="s-")
    problem_of(turn(Caller(user=sejong.kim), camera, pan=1, **WHY), 404)
    assert not product[simulated.VMS].moves
