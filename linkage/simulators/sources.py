"""The simulated sources: public services that are polled, on the agencies' server.

``GET     /sources/{name}``         the service's answer now; ``name`` is its, utic, weather, disaster_message or gtfs_rt
``GET|PUT /sources/{name}/faults``  how it misbehaves, as an agency does (:mod:`linkage.simulators.faults`)
``GET|PUT /sources/{name}/rate``    how eventful its world is: 1 in the demo, 0 where nothing happens
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from linkage.simulators.faults import CHUNK_BYTES, DRIP_SECONDS, OVERSIZE_BYTES, SLOW_SECONDS, SPOILERS, Faults
from linkage.simulators.office import json_of, problem
from linkage.simulators.sources_documents import DOCUMENTS, Document, World

RATE_AT_MOST = 1000.0


@dataclass
class Source:
    """One service's present manner."""

    name: str
    rate: float
    faults: Faults = field(default_factory=Faults)
    asked: int = 0
    """How often it was, since this process began."""


@dataclass
class Sources:
    """The services of one process. ``seed`` is asked for each time: the demo's is known once it is seeded."""

    seed: Callable[[], int]
    services: dict[str, Source]

    def get(self, request: web.Request) -> Source:
        """The service asked for. Raises HTTPNotFound."""
        found = self.services.get(request.match_info["name"])
        if found is None:
            raise problem(web.HTTPNotFound, f"No source of this name; there are: {', '.join(self.services)}")
        return found


SOURCES = web.AppKey("sources", Sources)


def add_routes(app: web.Application, *, seed: Callable[[], int], rate: float) -> None:
    """Serves the sources in ``app``. ``rate`` is how eventful their world is."""
    app[SOURCES] = Sources(seed, {name: Source(name, rate) for name in DOCUMENTS})
    app.router.add_get("/sources/{name}", answer)
    app.router.add_get("/sources/{name}/faults", show_faults)
    app.router.add_put("/sources/{name}/faults", set_faults)
    app.router.add_get("/sources/{name}/rate", show_rate)
    app.router.add_put("/sources/{name}/rate", set_rate)


async def answer(request: web.Request) -> web.StreamResponse:
    """The service's document for this query, or what its present fault makes of it."""
    sources = request.app[SOURCES]
    source = sources.get(request)
    source.asked += 1
    fault = source.faults.strike()
    if fault != "none" and fault not in _SPOILED:
        return await SPOILERS[fault](request, source.faults, "")
    world = World(sources.seed(), datetime.now(UTC), source.rate)
    document = DOCUMENTS[source.name](request.query, world)
    return await _SPOILED[fault](request, document) if fault != "none" else _plain(document)


def _plain(document: Document) -> web.Response:
    return web.Response(body=document.body, headers={"Content-Type": document.content_type})


async def _drip(request: web.Request, document: Document) -> web.StreamResponse:
    """The right answer, a byte a second."""
    return await _stream(request, document, [document.body[n : n + 1] for n in range(len(document.body))], DRIP_SECONDS)


async def _slow(_: web.Request, document: Document) -> web.StreamResponse:
    """The right answer, late."""
    await asyncio.sleep(SLOW_SECONDS)
    return _plain(document)


async def _malformed(_: web.Request, document: Document) -> web.StreamResponse:
    """The first half of the right answer, as if it were all."""
    return _plain(Document(document.body[: len(document.body) // 2], document.content_type))


async def _oversize(request: web.Request, document: Document) -> web.StreamResponse:
    """The right answer and 100 MB of blanks after it."""
    padding = [b" " * CHUNK_BYTES] * (OVERSIZE_BYTES // CHUNK_BYTES)
    return await _stream(request, document, [document.body, *padding], 0)


async def _stream(request: web.Request, document: Document, chunks: list[bytes], pause_s: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": document.content_type})
    response.content_length = sum(map(len, chunks))
    await response.prepare(request)
    try:
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(pause_s)
    except ConnectionError:
        pass  # the caller has had enough, which is the point
    return response


_SPOILED: dict[str, Callable[[web.Request, Document], Any]] = {
    "slow": _slow,
    "drip": _drip,
    "malformed": _malformed,
    "oversize": _oversize,
}


async def show_faults(request: web.Request) -> web.Response:
    """The present fault."""
    return web.json_response(request.app[SOURCES].get(request).faults.as_json())


async def set_faults(request: web.Request) -> web.Response:
    """Set a fault; the draw starts again at its seed. 400 when the body is not one."""
    source = request.app[SOURCES].get(request)
    try:
        source.faults = Faults.from_json(await json_of(request))
    except ValueError as bad:
        raise problem(web.HTTPBadRequest, str(bad)) from bad
    return web.json_response(source.faults.as_json())


async def show_rate(request: web.Request) -> web.Response:
    """The present rate, and how often the source was asked."""
    source = request.app[SOURCES].get(request)
    return web.json_response({"rate": source.rate, "asked": source.asked})


async def set_rate(request: web.Request) -> web.Response:
    """Set ``{"rate"}``. 400 when it is no sensible number."""
    source = request.app[SOURCES].get(request)
    try:
        source.rate = _rate(await json_of(request))
    except ValueError as bad:
        raise problem(web.HTTPBadRequest, str(bad)) from bad
    return web.json_response({"rate": source.rate, "asked": source.asked})


def _rate(body: Any) -> float:
    rate = body.get("rate") if isinstance(body, dict) else None
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= RATE_AT_MOST:
        raise ValueError(f"rate must be a number from 0 to {RATE_AT_MOST:g}")
    return float(rate)
