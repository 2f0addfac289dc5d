"""Every refusal in one form: RFC 9457 `application/problem+json`, naming the field and the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from incidents.ledger import CursorGone
from incidents.models import Geofence, Incident
from incidents.operations import Invalid, NotAllowedNow
from incidents.payloads import incident_payload
from incidents.selectors import relays_by_subject
from linkage.models import Relay

CONTENT_TYPE = "application/problem+json"


def problem(
    status: int, detail: str, *, errors: Sequence[Mapping[str, Any]] = (), headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    """A problem document as a response; `errors` lists {"field", "message"}."""
    body: dict[str, Any] = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": str(detail), **more
    }  # fmt: skip
    if errors:
        body["errors"] = list(errors)
    return HttpResponse(orjson.dumps(body), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponse:
    """What the REST answers where the URL map has nothing: a problem like every other, not a page."""
    return problem(404, _("No such address; GET /api/schema/ lists them."))


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | Response | None:
    """DRF's handler: turns what views raise into problems; None lets an unforeseen error be a logged 500."""
    if isinstance(error, NotAllowedNow):
        current = incident_payload(error.incident, relays_by_subject([error.incident.number])[error.incident.number])
        return problem(409, error.detail, current=current, **error.more)
    if isinstance(error, Invalid):
        return problem(400, error.message, errors=[{"field": error.field, "message": error.message}])
    if isinstance(error, CursorGone):
        return problem(410, str(error))
    if isinstance(error, Http404 | Incident.DoesNotExist | Relay.DoesNotExist | Geofence.DoesNotExist):
        return problem(404, _("Not found, or not yours to see."))
    if isinstance(error, PermissionDenied):
        return problem(403, _("Your role may not do this."))
    if isinstance(error, exceptions.ValidationError):
        return problem(400, _("The request was not understood."), errors=list(_flat(error.detail)))
    if isinstance(error, exceptions.APIException):
        headers = {"Retry-After": str(int(error.wait))} if isinstance(error, exceptions.Throttled) and error.wait else {}
        if challenge := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = challenge
        return problem(error.status_code, str(error.detail), headers=headers)
    if isinstance(error, RequestDataTooBig):
        return problem(413, _("At most 1 MiB at once."))
    if isinstance(error, Error):
        return problem(503, _("The database did not answer; nothing was changed. Try again."), headers={"Retry-After": "2"})
    return None


def _flat(detail: Any, field: str = "") -> Any:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flat(inner, f"{field}.{name}".strip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, field)
    else:
        yield {"field": field, "message": str(detail)}
