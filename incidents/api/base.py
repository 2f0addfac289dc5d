"""What the REST views share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from incidents.operations import Invalid
from ocenter.accounts.principal import Principal


class CallerView(APIView):
    """A view that knows who is calling: `self.caller`."""

    @property
    def caller(self) -> Principal:
        """The caller of this request."""
        return self.request.user  # type: ignore[no-any-return]

    def require(self, action: str) -> None:
        """Raises PermissionDenied where the caller's role may not do `action`."""
        if not self.caller.may(action):
            raise PermissionDenied(_("Your role may not do this."))


def json_response(body: Any, status: int = 200, content_type: str = "application/json") -> HttpResponse:
    """A JSON answer, encoded by orjson."""
    return HttpResponse(orjson.dumps(body), status=status, content_type=content_type)


def fields_of(request: Request, *names: str) -> dict[str, Any]:
    """The body's fields as an object, only those named. Raises Invalid for another type or an unknown name."""
    body = request.data if request.data not in (None, "") else {}
    if not isinstance(body, dict):
        raise Invalid("", _("The body is an object."))
    for name in body.keys() - set(names):
        raise Invalid(str(name), _("Unknown field; known are: %s") % ", ".join(names))
    return {name: body[name] for name in names if name in body}


def text_of(fields: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text field; without a default it is required. Raises Invalid."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise Invalid(name, _("A text is needed."))
    return value


def whole_of(params: Any, name: str, default: int, least: int, most: int) -> int:
    """A whole number between `least` and `most` from query parameters or a body. Raises Invalid."""
    value = params.get(name, default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        raise Invalid(name, _("A whole number from %(least)d to %(most)d is needed.") % {"least": least, "most": most})
    return number


def moment_of(params: Any, name: str) -> datetime | None:
    """A time with offset from query parameters, None where absent. Raises Invalid."""
    text = params.get(name)
    if not text:
        return None
    try:
        # A "+" in a query string arrives as a space.
        at = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid(name, _("A time in ISO 8601 with an offset is needed, such as 2026-11-23T20:04:13+09:00."))
    return at
