"""How a person likes the page: saved views, layouts, switches. Nothing here is a fact about an incident."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from incidents.api import schema
from incidents.api.base import CallerView, json_response
from incidents.operations import Invalid
from incidents.reports import storable
from ocenter.accounts.models import Preference, User

NAMES_AT_MOST: Final = 50
VALUE_BYTES: Final = 16 * 1024
_NAME: Final = re.compile(r"[a-z][a-z0-9.-]{0,39}")


class PreferenceList(CallerView):
    """The caller's own preferences."""

    @extend_schema(operation_id="me_preferences_list", responses={200: schema.PREFERENCES})
    def get(self, request: Request) -> HttpResponse:
        """All of them by name. 403 for machines, which have none."""
        rows = Preference.objects.filter(user=_person(self))
        return json_response({"preferences": dict(rows.values_list("name", "value"))})


class PreferenceDetail(CallerView):
    """One preference of the caller."""

    @extend_schema(responses={200: schema.PREFERENCE})
    def get(self, request: Request, name: str) -> HttpResponse:
        """What is kept under the name; 404 where nothing is."""
        found = Preference.objects.filter(user=_person(self), name=name).first()
        if found is None:
            raise Http404
        return json_response({"name": found.name, "value": found.value})

    @extend_schema(request=schema.json_body({}), responses={200: schema.PREFERENCE})
    def put(self, request: Request, name: str) -> HttpResponse:
        """Keeps any JSON value of at most 16 KiB under a name; repeating is safe, the last one stays."""
        user = _person(self)
        if not _NAME.fullmatch(name):
            raise Invalid("name", _("A name of 1 to 40 small letters, digits, dots and hyphens is needed."))
        value = request.data
        _require_keepable(value)
        known = Preference.objects.filter(user=user).exclude(name=name).count()
        if known >= NAMES_AT_MOST:
            raise Invalid("name", _("At most %d preferences are kept; delete one first.") % NAMES_AT_MOST)
        Preference.objects.update_or_create(user=user, name=name, defaults={"value": value})
        return json_response({"name": name, "value": value})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> HttpResponse:
        """Forgets it; repeating is safe."""
        Preference.objects.filter(user=_person(self), name=name).delete()
        return HttpResponse(status=204)


def _person(view: CallerView) -> User:
    if view.caller.user is None:
        raise PermissionDenied
    return view.caller.user


def _require_keepable(value: Any) -> None:
    if value in (None, ""):
        raise Invalid("", _("A JSON value is needed as the body."))
    written = orjson.dumps(value)
    if len(written) > VALUE_BYTES:
        raise Invalid("", _("At most 16 KiB are kept under a name."))
    if b"\\u0000" in written or not storable(written.decode()):
        raise Invalid("", _("The text holds a NUL or half a surrogate pair; leave it out."))
