"""`POST /api/v1/feeds/{format}`: a raw document in a feed's own format."""

from __future__ import annotations

from typing import Final

import orjson
from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from incidents.agency_cases import answer_complete
from incidents.api.events import QUEUE, come_back, feed_access
from incidents.api.problems import problem
from incidents.documents import document_take
from incidents.intake_queue import NotStored, Overloaded
from linkage.feeds import FEEDS
from linkage.feeds.base import NotADocument

AGENCY_FORMAT: Final = "agency_request"


@csrf_exempt  # authenticated by key, never by cookie
async def feeds(request: HttpRequest, name: str) -> HttpResponse:
    """Takes a document of the format `name` and answers as `POST events` does, 202 once it is in PostgreSQL.

    Safe to repeat. What cannot be understood is kept in quarantine and named in the answer: single records
    with 202, a document broken as a whole with 400. 401, 403, 404 (no such format), 405, 413; 503 with
    Retry-After where the same document should be sent again. Agencies' keys post `agency_request` alone.
    """
    access = await feed_access(request, "request" if name == AGENCY_FORMAT else "report")
    if isinstance(access, HttpResponse):
        return access
    if name not in FEEDS:
        return problem(404, _("There is no format %(name)s; there are: %(all)s.") % {"name": name, "all": ", ".join(FEEDS)})
    try:
        document = request.body
    except RequestDataTooBig:
        return problem(413, _("The document is too large."))
    try:
        answer = await document_take(
            QUEUE, system=access.system, format_name=name, document=document, content_type=request.headers.get("Content-Type", "")
        )
    except NotADocument as error:
        return problem(400, str(error))
    except (Overloaded, NotStored, Error):
        return come_back()
    if name == AGENCY_FORMAT:
        answer = await sync_to_async(answer_complete)(answer=answer)
    return HttpResponse(orjson.dumps(answer), status=202, content_type="application/json")
