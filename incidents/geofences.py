"""Geofences: areas with a name that a municipality watches. Incidents inside one say so on the map and in the panel."""

from __future__ import annotations

from typing import Any, Final, TypedDict

import shapely
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from incidents.models import Geofence
from incidents.payloads import iso
from incidents.reports import is_area, storable
from incidents.work import Invalid
from ocenter.accounts import audit
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import Principal

NAME_LENGTH: Final = 60
MOST: Final = 200


class GeofencePayload(TypedDict):
    """One geofence; `area` is a GeoJSON Polygon or MultiPolygon in WGS84."""

    id: int
    name: str
    area: dict[str, Any]
    created_by: str
    created_at: str | None


def geofence_payload(one: Geofence) -> GeofencePayload:
    """The geofence from outside."""
    return {"id": one.pk, "name": one.name, "area": one.area, "created_by": one.created_by, "created_at": iso(one.created_at)}


def visible_geofences(principal: Principal) -> QuerySet[Geofence]:
    """Those of the caller's municipalities, by name."""
    return Geofence.objects.filter(municipality_id__in=principal.municipalities).order_by("name", "pk")


@transaction.atomic
def geofence_create(*, municipality: Municipality, name: str, area: Any, by: Principal) -> Geofence:
    """Makes one. Raises Invalid for a name that is taken, empty or too long, an area that is none, and beyond 200."""
    name = _checked_name(name)
    _check_area(area)
    if Geofence.objects.filter(municipality=municipality).count() >= MOST:
        raise Invalid("name", _("There are 200 geofences already; remove one first."))
    try:
        with transaction.atomic():
            made = Geofence.objects.create(municipality=municipality, name=name, area=area, created_by=by.actor["name"])
    except IntegrityError as error:
        raise Invalid("name", _("A geofence of that name exists.")) from error
    _record("geofence.created", made, by)
    return made


@transaction.atomic
def geofence_remove(*, geofence_id: int, by: Principal) -> None:
    """Removes one of the caller's reach; raises Geofence.DoesNotExist for any other, a repeated removal included."""
    found = visible_geofences(by).select_for_update().get(pk=geofence_id)
    _record("geofence.removed", found, by)
    found.delete()


def _record(action: str, one: Geofence, by: Principal) -> None:
    audit.record(
        actor=f"{by.actor['kind']}:{by.actor['name']}", action=action, subject=f"geofence:{one.pk}",
        detail={"name": one.name, "area": one.area}, municipality_id=one.municipality_id, address=by.address,
    )  # fmt: skip


def _checked_name(name: str) -> str:
    if not name.strip() or len(name) > NAME_LENGTH or not storable(name):
        raise Invalid("name", _("A name of at most 60 characters is needed."))
    return name.strip()


def _check_area(area: Any) -> None:
    if not is_area(area):
        raise Invalid("area", _("A GeoJSON Polygon or MultiPolygon in WGS84 with at most 5,000 positions is needed."))
    shape = shapely.geometry.shape(area)
    if not shape.is_valid or shape.area == 0:
        raise Invalid("area", _("The outline crosses itself or encloses nothing."))
