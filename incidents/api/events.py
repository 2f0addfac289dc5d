"""`POST /api/v1/events`: the intake's door. Async and without serializers, since a storm comes through here."""

from __future__ import annotations

from typing import Any, Final

import orjson
from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from incidents.api.authentication import bearer_of
from incidents.api.problems import problem
from incidents.documents import EVENTS_FORMAT, read_event, readings_take
from incidents.intake_queue import IntakeQueue, NotStored, Overloaded
from linkage.access import Access, access_of_key, remembered_access

EVENTS_AT_MOST: Final = 1_000
BYTES_AT_MOST: Final = 1024 * 1024

QUEUE: Final = IntakeQueue()


@csrf_exempt  # authenticated by key, never by cookie
async def events(request: HttpRequest) -> HttpResponse:
    """Takes one event or an array of up to 1,000 (1 MiB) and answers 202 once they are in PostgreSQL.

    Idempotent: (system, id) is an event's identity. One bad event in a batch rejects itself alone. An
    empty array is a sign of life. 400 malformed, 401, 403, 405, 413; 503 with Retry-After where nothing
    was taken and the same batch may be sent again.
    """
    access = await feed_access(request, "report")
    return access if isinstance(access, HttpResponse) else await _take(request, access)


async def feed_access(request: HttpRequest, action: str) -> Access | HttpResponse:
    """Who posts, or the refusal: 405, 401, 403, or 503 while the key cannot be looked up."""
    if request.method != "POST":
        return problem(405, _("Only POST is served here."), headers={"Allow": "POST"})
    secret = bearer_of(request.headers.get("Authorization", ""))
    try:
        access = secret and (remembered_access(secret) or await sync_to_async(access_of_key)(secret))
    except Error:
        return come_back()
    if not access:
        return problem(401, _("A valid API key is needed: Authorization: Bearer KEY."), headers={"WWW-Authenticate": "Bearer"})
    if not access.principal.may(action):
        return problem(403, _("This key belongs to no feed and may not report events."))
    return access


async def _take(request: HttpRequest, access: Access) -> HttpResponse:
    try:
        body = request.body
    except RequestDataTooBig:
        body = b" " * (BYTES_AT_MOST + 1)
    if len(body) > BYTES_AT_MOST:
        return problem(413, _("At most 1 MiB at once; send smaller batches."))
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return problem(400, _("The body is not JSON in UTF-8: %s") % error)
    raws = document if isinstance(document, list) else [document]
    if not isinstance(document, list | dict):
        return problem(400, _("An event (object) or an array of events is needed."))
    if len(raws) > EVENTS_AT_MOST:
        return problem(413, _("At most 1,000 events at once; send smaller batches."))
    return await _answer(raws, access)


async def _answer(raws: list[Any], access: Access) -> HttpResponse:
    now = timezone.now()
    readings = [read_event(raw, now) for raw in raws]
    try:
        answer = await readings_take(QUEUE, system=access.system, format_name=EVENTS_FORMAT, readings=readings)
    except (Overloaded, NotStored, Error):
        return come_back()
    return HttpResponse(orjson.dumps(answer), status=202, content_type="application/json")


def come_back() -> HttpResponse:
    return problem(
        503, _("Nothing was stored just now; send the same events again."), headers={"Retry-After": "1"}
    )
