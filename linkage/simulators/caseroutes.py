"""The routes of an agency's own cases: what ocenter reports of them, opening one by hand, how often they open."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from linkage.simulators import casebook
from linkage.simulators.faults import BEFORE_EFFECT, SPOILERS
from linkage.simulators.office import FIRST, agency_of, json_of, key_of, problem, verified

STATUSES = frozenset({"RECEIVED", "DISPATCHED", "ARRIVED", "CLOSED", "CANCELLED"})
MOST_PER_MINUTE = 600.0


async def hear_status(request: web.Request) -> web.StreamResponse:
    """What ocenter reports of a case: 204, and the same for a repeated key, which counts but changes nothing.

    400, 401 as for a relay's message; 404 no case of ours; 422 not a status. The agency's fault strikes here too.
    """
    agency = await agency_of(request)
    faults = agency.faults[FIRST]
    fault = faults.strike()
    if fault == "refuse":
        return await SPOILERS[fault](request, faults, "")
    body = verified(request, agency.slug, await request.read())
    key, number = key_of(request), request.match_info["number"]
    if fault in BEFORE_EFFECT:
        return await SPOILERS[fault](request, faults, "")
    if wrong := _wrong(body, number):
        raise problem(web.HTTPUnprocessableEntity, wrong)
    if not await agency.journal.run(partial(casebook.hear_status, key=key, case=number, status=body)):
        raise problem(web.HTTPNotFound, "No case of this number")
    if fault != "none":
        return await SPOILERS[fault](request, faults, key)
    return web.Response(status=204)


def _wrong(body: Any, number: str) -> str:
    """What is wrong with a status; "" where nothing is."""
    if not isinstance(body, dict) or body.get("status") not in STATUSES:
        return f"status must be one of {', '.join(sorted(STATUSES))}"
    if body.get("source_event_no") != number:
        return "source_event_no must be the case's own number"
    if not isinstance(body.get("at"), str):
        return "at must be a time"
    result = body.get("result_code")
    return "" if result is None or isinstance(result, str) else "result_code must be a text or null"


async def open_case(request: web.Request) -> web.Response:
    """Open a case now: 202 ``{"source_event_no"}``. 409 for an agency that has none of its own; 415 for another
    type than JSON, which is all that a stranger's page could send."""
    agency = await agency_of(request)
    if request.content_type != "application/json":
        raise problem(web.HTTPUnsupportedMediaType, "Send application/json")
    try:
        number = await agency.caseload.open()
    except LookupError as none:
        raise problem(web.HTTPConflict, "This agency opens no cases") from none
    return web.json_response({"source_event_no": number}, status=202)


async def show_caseload(request: web.Request) -> web.Response:
    """How many cases a minute the agency opens on average."""
    return web.json_response({"per_minute": (await agency_of(request)).caseload.per_minute})


async def set_caseload(request: web.Request) -> web.Response:
    """Set ``{"per_minute"}``; 0: none. 400 when it is no sensible number."""
    agency = await agency_of(request)
    body = await json_of(request)
    rate = body.get("per_minute") if isinstance(body, dict) else None
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= MOST_PER_MINUTE:
        raise problem(web.HTTPBadRequest, f"per_minute must be a number from 0 to {MOST_PER_MINUTE:g}")
    agency.caseload.set_rate(float(rate))
    return web.json_response({"per_minute": agency.caseload.per_minute})


ROUTES = [
    web.post("/{slug}/cases", open_case),
    web.post("/{slug}/cases/{number}/status", hear_status),
    web.get("/{slug}/caseload", show_caseload),
    web.put("/{slug}/caseload", set_caseload),
]
