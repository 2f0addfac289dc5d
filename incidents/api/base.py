"""What the REST views share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from django.http import Http404, HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import APIView

from incidents.operations import Invalid
from incidents.reports import storable
from ocenter.accounts.principal import Principal


class JsonParser(BaseParser):
    """JSON by orjson, as at the intake's door: no NaN, no half surrogates, no nesting that exhausts the stack."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The document. Raises ParseError, and RequestDataTooBig beyond DATA_UPLOAD_MAX_MEMORY_SIZE."""
        assert parser_context is not None  # DRF always gives one
        try:
            return orjson.loads(parser_context["request"].body)
        except orjson.JSONDecodeError as error:
            raise ParseError(_("The body is not JSON in UTF-8: %s") % error) from error


class OneAnswer(BaseContentNegotiation):
    """JSON, whatever the client accepts; views that also know GeoJSON look at `Accept` themselves."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The JSON parser, for JSON or for no content type; None (415) for another."""
        return parsers[0] if request.content_type.partition(";")[0].strip() in ("", JsonParser.media_type) else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The only one."""
        return renderers[0], renderers[0].media_type


class CallerView(APIView):
    """A view that knows who is calling: `self.caller`."""

    parser_classes = (JsonParser,)
    content_negotiation_class = OneAnswer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses what no query could be asked with, before any view asks it: NUL in the address."""
        super().initial(request, *args, **kwargs)
        if not all(storable(str(value)) for value in kwargs.values()):
            raise Http404
        for name, value in request.query_params.items():
            if not storable(value):
                raise Invalid(name, _("The text holds a NUL or half a surrogate pair; leave it out."))

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
    if not isinstance(value, str) or not storable(value):
        raise Invalid(name, _("A text is needed."))
    return value


def whole_of(params: Any, name: str, default: int, least: int, most: int) -> int:
    """A whole number between `least` and `most` from query parameters or a body. Raises Invalid."""
    value = params.get(name, default)
    try:
        number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else least - 1
    except ValueError:
        number = least - 1
    if not least <= number <= most:
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
        # In UTC; what lies before the year 1 or after 9999 there, PostgreSQL keeps but Python cannot read back.
        found = at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Invalid(name, _("A time in ISO 8601 with an offset is needed, such as 2026-11-23T20:04:13+09:00."))
    return found
