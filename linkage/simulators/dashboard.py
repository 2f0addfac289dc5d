"""The agencies' pages for people: an index, one page an agency, and the files both are made of.

A page is a shell without data; its script asks ``/{slug}/state`` every second and writes what it gets as
text, never as markup: whatever an incident's summary holds stays words. Nothing is fetched from elsewhere.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from aiohttp import web

from linkage.simulators import casebook, ledger
from linkage.simulators.office import AGENCIES, Agencies, agency_of, problem
from linkage.simulators.overview import state_of
from linkage.simulators.services import SERVICES, base_of

PAGES = Path(__file__).parent / "pages"
FILES = {"agency.css": "text/css", "agency.js": "text/javascript", "index.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _page(name: str, **values: str) -> web.Response:
    text = (PAGES / name).read_text(encoding="utf-8")
    for field, value in values.items():
        text = text.replace(f"{{{{{field}}}}}", html.escape(value))
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


async def show_index(request: web.Request) -> web.Response:
    """Every agency with a link to its page and its totals."""
    slugs = request.app[AGENCIES].slugs()
    names = {slug: SERVICES.get(base_of(slug)) for slug in slugs}
    rows = "".join(
        f'<tr data-slug="{html.escape(slug)}"><th scope="row"><a href="{html.escape(slug)}/">{html.escape(slug)}</a></th>'
        f"<td>{html.escape(one.ko if one else '')}</td><td>{html.escape(one.en if one else '')}</td></tr>"
        for slug, one in names.items()
    )
    page = (PAGES / "index.html").read_text(encoding="utf-8").replace("<!-- rows -->", rows)
    return web.Response(text=page, content_type="text/html", headers=HEADERS)


async def show_summary(request: web.Request) -> web.Response:
    """The totals of every agency, for the index."""
    agencies = request.app[AGENCIES]
    return web.json_response({"agencies": [await _summary(agencies, slug) for slug in agencies.slugs()]})


async def _summary(agencies: Agencies, slug: str) -> dict[str, Any]:
    agency = await agencies.get(slug)
    totals = await agency.journal.run(lambda db: ledger.counts(db) | casebook.counts(db))
    faults = {way: one.as_json() for way, one in agency.faults.items()}
    more = {"followed_redirects": agency.followed_redirects, "speed": agency.desk.speed}
    return {"agency": slug, **totals, **more, "per_minute": agency.caseload.per_minute, "faults": faults}


async def show_agency(request: web.Request) -> web.Response:
    """An agency's own page."""
    agency = await agency_of(request)
    service = agency.caseload.service
    return _page("agency.html", slug=agency.slug, ko=service.ko if service else agency.slug)


async def show_state(request: web.Request) -> web.Response:
    """Everything the page shows."""
    agency = await agency_of(request)
    has_key = agency.slug in request.app[AGENCIES].installation.current().agency_keys
    return web.json_response(await state_of(agency, has_key=has_key), headers={"Cache-Control": "no-store"})


async def add_slash(request: web.Request) -> web.Response:
    """The page's address ends in a slash, so that what it asks for lies below it."""
    agency = await agency_of(request)
    raise web.HTTPFound(f"/{agency.slug}/")


async def show_file(request: web.Request) -> web.Response:
    """A script or style of the pages. 404 for any other name."""
    name = request.match_info["name"]
    if name not in FILES:
        raise problem(web.HTTPNotFound, "No such file")
    text = (PAGES / name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=FILES[name], headers=HEADERS)


ROUTES = [
    web.get("/", show_index),
    web.get("/summary", show_summary),
    web.get("/pages/{name}", show_file),
    web.get("/{slug}", add_slash),
    web.get("/{slug}/", show_agency),
    web.get("/{slug}/state", show_state),
]
