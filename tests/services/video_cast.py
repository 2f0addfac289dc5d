"""Cameras that can be watched, and the gateway's sign of life, for the tests of views."""

from __future__ import annotations

import itertools

from incidents.models import Camera
from linkage import health
from linkage.models import LinkedSystem
from linkage.video.sessions import GATEWAY
from services.video import operations
from services.video.purpose import Purpose
from tests.accounts.cast import make_system
from tests.incidents.cast import LAT, LON, by

SECRET_STREAM = "rtsp://view:s3cret@127.0.0.1:1/VMS-0001"
_numbers = itertools.count(1)


def video_system(town, **more):
    """The town's video system; nobody answers there."""
    found = LinkedSystem.objects.filter(municipality=town.municipality, slug="vms").first()
    defaults = {"kind": "feed", "feed_format": "kisa_vms", "endpoint": "http://127.0.0.1:9/vms", "deadline_s": 1}
    return found or make_system(town.municipality, "vms", **defaults | more)


def make_camera(town, stream=SECRET_STREAM, *, ptz=True, **more):
    """A camera of the town's video system."""
    number = f"VMS-{next(_numbers):04d}"
    camera = Camera(
        municipality=town.municipality, source="vms", site_number=number, name=f"camera {number}", lat=LAT, lon=LON,
        ptz=ptz, system=video_system(town), **more,
    )  # fmt: skip
    camera.stream = stream
    camera.save()
    return camera


def gateway_heard():
    """The media gateway has just been heard of."""
    health.heartbeat(GATEWAY)


def make_view(user, camera, incident=None, reason="looking around"):
    """A view that has begun. Needs `gateway_heard`."""
    return operations.view_begin(camera=camera, by=by(user), purpose=Purpose(incident, "" if incident else reason))
