"""The simulated agencies: one HTTP server, a durable ledger each, units that move and call back.

``POST /{slug}/incidents``   a relay's message; 202 ``{"receipt"}`` once it is on disk
``GET  /{slug}/ledger``      what took effect, one entry a key, repeats counted
``GET|PUT /{slug}/faults``   how it misbehaves (:mod:`linkage.simulators.faults`)
``GET|PUT /{slug}/pace``     how fast it works: 1 in the demo, 20 in tests
``GET  /`` and ``/healthz``  a plain status page; alive or not
"""

from __future__ import annotations

import html
import json
import logging
from binascii import Error as Base64Error
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from linkage.simulators import ledger
from linkage.simulators.callbacks import Caller
from linkage.simulators.cases import Desk
from linkage.simulators.config import InstallationFile
from linkage.simulators.faults import BEFORE_EFFECT, SPOILERS, Faults
from linkage.simulators.journal import Journal
from linkage.simulators.ledger import KeyReused
from linkage.simulators.messages import BadMessage, Message
from linkage.simulators.units import Kind

log = logging.getLogger(__name__)

BASE_SLUGS = ("police112", "fire119", "disaster", "justice")
SLUGS = BASE_SLUGS + tuple(f"other-{slug}" for slug in BASE_SLUGS)
"""Always there; further slugs in ``simulators.json`` are served too."""

BODY_BYTES = 1024 * 1024
KEY_LENGTH = 255
SPEEDS = (0.01, 1000.0)


@dataclass
class Agency:
    """Everything one slug consists of."""

    slug: str
    journal: Journal
    desk: Desk
    faults: Faults = field(default_factory=Faults)
    followed_redirects: int = 0
    """How many requests came to the address only a followed redirect leads to."""


class Agencies:
    """The agencies of one process, opened when first asked for."""

    def __init__(self, directory: Path, installation: InstallationFile, *, speed: float, passive: bool) -> None:
        self.installation = installation
        self._directory = directory
        self._speed = speed
        self._passive = passive
        self._open: dict[str, Agency] = {}
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open every agency known now and let it go on with what it had in hand."""
        # A connection pool of its own limit would count waiting as part of a callback's deadline.
        self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        for slug in self.slugs():
            await self._start(slug)

    async def stop(self) -> None:
        """Stop acting and close the files; whatever is open goes on at the next start."""
        for agency in self._open.values():
            await agency.desk.close()
            await agency.journal.close()
        if self._client is not None:
            await self._client.close()

    def slugs(self) -> list[str]:
        """The slugs served now."""
        return list(dict.fromkeys((*SLUGS, *self.installation.current().secrets)))

    async def get(self, slug: str) -> Agency:
        """The agency of ``slug``. Raises HTTPNotFound for a slug nobody has."""
        if slug not in self._open:
            if slug not in self.slugs():
                raise problem(web.HTTPNotFound, "No agency of this name")
            await self._start(slug)
        return self._open[slug]

    async def _start(self, slug: str) -> None:
        assert self._client is not None
        journal = Journal(self._directory / f"{slug}.sqlite3", ledger.SCHEMA)
        caller = Caller(slug, journal, self._client, self.installation.current)
        desk = Desk(Kind.of(slug), journal, caller, speed=self._speed, passive=self._passive)
        self._open[slug] = Agency(slug, journal, desk)
        await desk.resume()


AGENCIES = web.AppKey("agencies", Agencies)


def problem(kind: type[web.HTTPError], detail: str, **more: Any) -> web.HTTPError:
    """An error answer with a body that says why."""
    body = {"title": kind.__name__.removeprefix("HTTP"), "status": kind.status_code, "detail": detail, **more}
    return kind(text=json.dumps(body, ensure_ascii=False), content_type="application/problem+json")


def application(
    directory: Path, installation: InstallationFile, *, speed: float = 1.0, passive: bool = False
) -> web.Application:
    """The server. ``directory`` holds the ledgers; ``passive`` gives receipts and does nothing else."""
    app = web.Application(client_max_size=BODY_BYTES)
    app[AGENCIES] = Agencies(directory, installation, speed=speed, passive=passive)
    app.cleanup_ctx.append(_run_agencies)
    app.add_routes(
        [
            web.get("/", show_status),
            web.get("/healthz", show_health),
            web.post("/{slug}/incidents", receive_message),
            web.post("/{slug}/elsewhere", count_followed_redirect),
            web.get("/{slug}/ledger", show_ledger),
            web.get("/{slug}/faults", show_faults),
            web.put("/{slug}/faults", set_faults),
            web.get("/{slug}/pace", show_pace),
            web.put("/{slug}/pace", set_pace),
        ]
    )
    return app


async def _run_agencies(app: web.Application) -> AsyncIterator[None]:
    await app[AGENCIES].start()
    yield
    await app[AGENCIES].stop()


async def _agency(request: web.Request) -> Agency:
    return await request.app[AGENCIES].get(request.match_info["slug"])


async def receive_message(request: web.Request) -> web.StreamResponse:
    """Take a relay's message: verify, let it take effect once, answer its receipt.

    202 with the receipt, the same for a repeated key; 400 without a key or JSON, 401 unsigned or signed
    otherwise, 409 a key that stood for another message, 413 too long, 422 not a message.
    """
    agency = await _agency(request)
    fault = agency.faults.strike()
    if fault == "refuse":
        return await SPOILERS[fault](request, agency.faults, "")
    body = _verified(request, agency.slug, await request.read())
    key = _key(request)
    if fault in BEFORE_EFFECT:
        await agency.journal.run(partial(ledger.count_arrival, key=key))
        return await SPOILERS[fault](request, agency.faults, "")
    try:
        effect = await agency.desk.receive(Message.read(key, body))
    except BadMessage as bad:
        errors = [{"field": name, "message": text} for name, text in bad.problems.items()]
        raise problem(web.HTTPUnprocessableEntity, str(bad), errors=errors) from bad
    if isinstance(effect, KeyReused):
        raise problem(web.HTTPConflict, "This Idempotency-Key already stands for another message")
    if fault != "none":
        return await SPOILERS[fault](request, agency.faults, effect.receipt)
    return web.json_response({"receipt": effect.receipt}, status=202)


def _verified(request: web.Request, slug: str, raw: bytes) -> Any:
    """The signed body, parsed. Raises 401, 400, or 503 while the agency has no secret yet."""
    secret = request.app[AGENCIES].installation.current().secrets.get(slug)
    if secret is None:
        raise problem(web.HTTPServiceUnavailable, "This agency has no secret yet")
    try:
        return Webhook(secret).verify(raw, dict(request.headers))
    except json.JSONDecodeError as bad:  # only looked at once the signature held
        raise problem(web.HTTPBadRequest, f"The body is not JSON: {bad}") from bad
    except (WebhookVerificationError, Base64Error, ValueError) as bad:
        raise problem(web.HTTPUnauthorized, f"The signature does not hold: {bad}") from bad


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= KEY_LENGTH:
        raise problem(web.HTTPBadRequest, f"Idempotency-Key must have 1 to {KEY_LENGTH} characters")
    return key


async def count_followed_redirect(request: web.Request) -> web.Response:
    """Where the redirect fault points: accepting here shows up on the status page, not in the ledger."""
    agency = await _agency(request)
    agency.followed_redirects += 1
    return web.json_response({"receipt": "followed"}, status=202)


async def show_ledger(request: web.Request) -> web.Response:
    """Everything that took effect, oldest first."""
    agency = await _agency(request)
    return web.json_response({"entries": await agency.journal.run(ledger.entries)})


async def show_faults(request: web.Request) -> web.Response:
    """The present fault."""
    return web.json_response((await _agency(request)).faults.as_json())


async def set_faults(request: web.Request) -> web.Response:
    """Set a fault; the draw starts again at its seed. 400 when the body is not one."""
    agency = await _agency(request)
    try:
        agency.faults = Faults.from_json(await request.json())
    except ValueError as bad:
        raise problem(web.HTTPBadRequest, str(bad)) from bad
    return web.json_response(agency.faults.as_json())


async def show_pace(request: web.Request) -> web.Response:
    """The present speed."""
    return web.json_response({"speed": (await _agency(request)).desk.speed})


async def set_pace(request: web.Request) -> web.Response:
    """Set ``{"speed"}``, also for cases under way. 400 when it is no sensible number."""
    agency = await _agency(request)
    try:
        agency.desk.set_speed(_speed(await request.json()))
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


COLUMNS = (
    "agency",
    "entries",
    "received",
    "open_cases",
    "callbacks_owed",
    "followed_redirects",
    "fault",
    "speed",
)


async def show_status(request: web.Request) -> web.Response:
    """A plain page: what each agency holds and how it behaves."""
    rows = [await _status_row(request.app[AGENCIES], slug) for slug in request.app[AGENCIES].slugs()]
    head = "".join(f"<th>{html.escape(column.replace('_', ' '))}</th>" for column in COLUMNS)
    lines = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(row[column]))}</td>" for column in COLUMNS) + "</tr>" for row in rows
    )
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Simulated agencies</title>"
        "<style>body{font:15px system-ui;margin:2rem}td,th{padding:.2rem 1rem .2rem 0;text-align:left}</style>"
        "<h1>Simulated agencies</h1><p>Nothing here reaches a real agency. 모의 기관입니다.</p>"
        f"<table><tr>{head}</tr>{lines}</table></html>"
    )
    return web.Response(text=page, content_type="text/html")


async def _status_row(agencies: Agencies, slug: str) -> dict[str, Any]:
    agency = await agencies.get(slug)
    fault = f"{agency.faults.mode} {agency.faults.rate:g}" if agency.faults.mode != "none" else "none"
    return {
        "agency": slug,
        **await agency.journal.run(ledger.counts),
        "followed_redirects": agency.followed_redirects,
        "fault": fault,
        "speed": agency.desk.speed,
    }


def serve(app: web.Application, *, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises OSError when the address is taken."""
    web.run_app(app, host=host, port=port, print=None, access_log=None, shutdown_timeout=2.0)
