"""Reads that join or scope. Every one of them takes the caller's scope; none returns more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from incidents import geo
from incidents.models import Camera, Incident
from incidents.states import ACTIVE
from linkage.models import LinkedSystem, Relay
from linkage.relays import whole_relays
from ocenter.accounts.principal import Principal

INCIDENT_RELATED = (
    "municipality", "system", "holder", "offered_to", "offered_by", "shelved_by", "merged_into",
)  # fmt: skip


class NearCamera(NamedTuple):
    """A camera with its distance in metres and its bearing in degrees from the point asked about."""

    camera: Camera
    distance_m: float
    bearing_deg: float


def whole_incidents() -> QuerySet[Incident]:
    """Incidents with what their payload shows; a municipality's boundary (100 kB) is no part of that."""
    return Incident.objects.select_related(*INCIDENT_RELATED).defer("municipality__boundary")


def visible_incidents(principal: Principal) -> QuerySet[Incident]:
    """The incidents the caller may see: of their municipalities; machines by code family or relayed to them."""
    incidents = whole_incidents().filter(municipality_id__in=principal.municipalities)
    if principal.families is None:
        return incidents
    relayed = Relay.objects.filter(subject=OuterRef("number"), system_id=principal.system_id)
    return incidents.filter(Q(family__in=principal.families) | Exists(relayed))


def active_incidents(principal: Principal) -> QuerySet[Incident]:
    """Those of them that still want somebody's attention."""
    return visible_incidents(principal).filter(status__in=ACTIVE)


def visible_relays(principal: Principal) -> QuerySet[Relay]:
    """The relays the caller may see: an agency its own, a person those of the municipality."""
    relays = whole_relays().filter(municipality_id__in=principal.municipalities)
    if principal.system_kind == LinkedSystem.Kind.AGENCY:
        return relays.filter(system_id=principal.system_id)
    if principal.families is not None:
        seen = visible_incidents(principal).filter(number=OuterRef("subject"))
        return relays.filter(Exists(seen))
    return relays


def relays_by_subject(numbers: Iterable[str]) -> dict[str, list[Relay]]:
    """The relays of these incidents, keyed by incident number, oldest first."""
    found: dict[str, list[Relay]] = defaultdict(list)
    for relay in whole_relays().filter(subject__in=list(numbers)).order_by("created_at"):
        found[relay.subject].append(relay)
    return found


def cameras_near(
    municipality_ids: Iterable[int], lat: float, lon: float, *, radius_m: float = 500, limit: int = 5
) -> list[NearCamera]:
    """The nearest cameras within `radius_m` metres, nearest first; the defaults are the field's practice.

    A camera that its video system no longer lists has nothing to show and is left out.
    """
    south, west, north, east = geo.box_around(lat, lon, radius_m)
    boxed = Camera.objects.filter(
        municipality_id__in=list(municipality_ids), lat__range=(south, north), lon__range=(west, east), gone_at=None
    )
    return [near for near in by_distance(boxed, lat, lon) if near.distance_m <= radius_m][:limit]


def by_distance(cameras: Iterable[Camera], lat: float, lon: float) -> list[NearCamera]:
    """The cameras with their distances from a point, nearest first."""
    near = (
        NearCamera(one, geo.distance_m(lat, lon, one.lat, one.lon), geo.bearing_deg(lat, lon, one.lat, one.lon))
        for one in cameras
    )
    return sorted(near, key=lambda one: (one.distance_m, one.camera.pk))
