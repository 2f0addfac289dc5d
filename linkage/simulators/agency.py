"""The simulated agencies: one HTTP server, a durable ledger each, units that move, cases of their own.

``POST /{slug}/incidents``               a relay's message; 202 ``{"receipt"}`` once it is on disk
``GET  /{slug}/ledger``                  what took effect, one entry a key, repeats counted
``GET|PUT /{slug}/faults``               how it misbehaves (:mod:`linkage.simulators.faults`)
``POST /{slug}/second/incidents``        another way to the same agency, with ``/{slug}/second/faults`` of its own
``GET|PUT /{slug}/pace``                 how fast it works: 1 in the demo, 20 in tests
``GET|PUT /{slug}/caseload``             how many cases a minute it opens itself; ``POST /{slug}/cases``: one now
``POST /{slug}/cases/{number}/status``   what ocenter reports of such a case
``GET  /`` and ``/{slug}/``              pages for people; ``/{slug}/state`` is what they show
``GET  /healthz``                        alive or not
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from linkage.simulators import caseroutes, dashboard, ledger
from linkage.simulators.config import InstallationFile
from linkage.simulators.faults import BEFORE_EFFECT, SPOILERS, Faults
from linkage.simulators.ledger import KeyReused
from linkage.simulators.messages import BadMessage, Message
from linkage.simulators.office import AGENCIES, Agencies, Manner, agency_of, json_of, key_of, problem, verified, way_of

BODY_BYTES = 1024 * 1024
SPEEDS = (0.01, 1000.0)


def application(directory: Path, installation: InstallationFile, manner: Manner) -> web.Application:
    """The server. ``directory`` holds the ledgers."""
    app = web.Application(client_max_size=BODY_BYTES)
    app[AGENCIES] = Agencies(directory, installation, manner)
    app.cleanup_ctx.append(_run_agencies)
    app.add_routes(
        [
            web.get("/healthz", show_health),
            *dashboard.ROUTES,
            web.get("/{slug}/ledger", show_ledger),
            web.get("/{slug}/pace", show_pace),
            web.put("/{slug}/pace", set_pace),
            *caseroutes.ROUTES,
        ]
    )
    for way in ("/{slug}", "/{slug}/second"):
        app.router.add_post(f"{way}/incidents", receive_message)
        app.router.add_post(f"{way}/elsewhere", count_followed_redirect)
        app.router.add_get(f"{way}/faults", show_faults)
        app.router.add_put(f"{way}/faults", set_faults)
    return app


async def _run_agencies(app: web.Application) -> AsyncIterator[None]:
    await app[AGENCIES].start()
    yield
    await app[AGENCIES].stop()


async def receive_message(request: web.Request) -> web.StreamResponse:
    """Take a relay's message: verify, let it take effect once, answer its receipt.

    202 with the receipt, the same for a repeated key by whichever way; 400 without a key or JSON, 401 unsigned
    or signed otherwise, 409 a key that stood for another message, 413 too long, 422 not a message.
    """
    agency = await agency_of(request)
    way = way_of(request)
    agency.received[way] += 1
    faults = agency.faults[way]
    fault = faults.strike()
    if fault == "refuse":
        return await SPOILERS[fault](request, faults, "")
    body = verified(request, agency.slug, await request.read())
    key = key_of(request)
    if fault in BEFORE_EFFECT:
        await agency.journal.run(partial(ledger.count_arrival, key=key))
        return await SPOILERS[fault](request, faults, "")
    try:
        effect = await agency.desk.receive(Message.read(key, body))
    except BadMessage as bad:
        errors = [{"field": name, "message": text} for name, text in bad.problems.items()]
        raise problem(web.HTTPUnprocessableEntity, str(bad), errors=errors) from bad
    if isinstance(effect, KeyReused):
        raise problem(web.HTTPConflict, "This Idempotency-Key already stands for another message")
    if fault != "none":
        return await SPOILERS[fault](request, faults, effect.receipt)
    return web.json_response({"receipt": effect.receipt}, status=202)


async def count_followed_redirect(request: web.Request) -> web.Response:
    """Where the redirect fault points: accepting here shows up on the page, not in the ledger."""
    agency = await agency_of(request)
    agency.followed_redirects += 1
    return web.json_response({"receipt": "followed"}, status=202)


async def show_ledger(request: web.Request) -> web.Response:
    """Everything that took effect, oldest first."""
    agency = await agency_of(request)
    return web.json_response({"entries": await agency.journal.run(ledger.entries)})


async def show_faults(request: web.Request) -> web.Response:
    """The present fault of the way asked about."""
    return web.json_response((await agency_of(request)).faults[way_of(request)].as_json())


async def set_faults(request: web.Request) -> web.Response:
    """Set a fault; the draw starts again at its seed. 400 when the body is not one."""
    agency = await agency_of(request)
    try:
        faults = Faults.from_json(await json_of(request))
    except ValueError as bad:
        raise problem(web.HTTPBadRequest, str(bad)) from bad
    agency.faults[way_of(request)] = faults
    return web.json_response(faults.as_json())


async def show_pace(request: web.Request) -> web.Response:
    """The present speed."""
    return web.json_response({"speed": (await agency_of(request)).desk.speed})


async def set_pace(request: web.Request) -> web.Response:
    """Set ``{"speed"}``, also for cases under way. 400 when it is no sensible number."""
    agency = await agency_of(request)
    try:
        agency.set_speed(_speed(await json_of(request)))
    except ValueError as bad:
        raise problem(web.HTTPBadRequest, str(bad)) from bad
    return web.json_response({"speed": agency.desk.speed})


def _speed(body: Any) -> float:
    speed = body.get("speed") if isinstance(body, dict) else None
    slowest, fastest = SPEEDS
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not slowest <= speed <= fastest:
        raise ValueError(f"speed must be a number from {slowest:g} to {fastest:g}")
    return float(speed)


async def show_health(_: web.Request) -> web.Response:
    """Alive."""
    return web.json_response({"status": "ok"})


def serve(app: web.Application, *, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises OSError when the address is taken."""
    web.run_app(app, host=host, port=port, print=None, access_log=None, shutdown_timeout=2.0)
