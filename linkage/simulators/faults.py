"""The ways an agency can misbehave, and how often.

==============  =========================================================  ===========
mode            what the sender sees                                       takes effect
==============  =========================================================  ===========
``none``        202 and a receipt                                          yes
``refuse``      the connection is reset before the body is read            no
``error``       500 or 503                                                 no
``busy``        429 with ``Retry-After``                                   no
``timeout``     nothing, ever                                              no
``redirect``    307 to another address on this machine                     no
``reject``      422                                                        no
``slow``        202 and a receipt, three seconds late                      yes
``drip``        202, its body a byte a second                              yes
``ackloss``     the connection is reset after the effect                   yes
``malformed``   202 with a body that is not the promised JSON              yes
``oversize``    202 and a body of 100 MB                                   yes
==============  =========================================================  ===========
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

BEFORE_EFFECT = frozenset({"refuse", "error", "busy", "timeout", "redirect", "reject"})
AFTER_EFFECT = frozenset({"slow", "drip", "ackloss", "malformed", "oversize"})
MODES = frozenset({"none"}) | BEFORE_EFFECT | AFTER_EFFECT

BUSY_SECONDS = 2
SLOW_SECONDS = 3.0
DRIP_SECONDS = 1.0
OVERSIZE_BYTES = 100 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
HUNG_UP_LOOK_SECONDS = 0.5
"""How often a handler that never answers looks whether its caller is still there."""

GARBAGE: tuple[bytes, ...] = (
    b'{"receipt": ',
    b"<html><body>\xec\xa0\x91\xec\x88\x98\xeb\x90\x98\xec\x97\x88\xec\x8a\xb5\xeb\x8b\x88\xeb\x8b\xa4</body></html>",
    b'["not", "an", "object"]',
    b'{"receipt": 42}',
    b"\xff\xfe\x00\x00",
    b"",
)


@dataclass
class Faults:
    """One agency's present fault. The n-th request after it was set is hit or spared by ``seed`` alone.

    Kept in memory: an agency that is restarted is well again.
    """

    mode: str = "none"
    rate: float = 1.0
    seed: int = 0
    draw: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    @classmethod
    def from_json(cls, body: Any) -> Faults:
        """Read ``{"mode", "rate"?, "seed"?}``. Raises ValueError saying what is wrong."""
        if not isinstance(body, dict) or not isinstance(body.get("mode"), str) or body["mode"] not in MODES:
            raise ValueError(f"mode must be one of {', '.join(sorted(MODES))}")
        rate, seed = body.get("rate", 1.0), body.get("seed", 0)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError("rate must be a number from 0 to 1")
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ValueError("seed must be an integer")
        return cls(mode=body["mode"], rate=float(rate), seed=seed)

    def as_json(self) -> dict[str, Any]:
        """What ``GET …/faults`` answers."""
        return {"mode": self.mode, "rate": self.rate, "seed": self.seed}

    def strike(self) -> str:
        """The fault the next request meets: ``mode``, or ``"none"`` when it is spared."""
        return self.mode if self.draw.random() < self.rate else "none"


async def refuse(request: web.Request, _: Faults, __: str) -> web.StreamResponse:
    """Reset the connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # goes nowhere: aiohttp wants an answer object


async def error(_: web.Request, faults: Faults, __: str) -> web.StreamResponse:
    """Answer 500, or 503 with Retry-After."""
    if faults.draw.random() < 0.5:
        return web.Response(status=500, text="simulated internal error")
    return web.Response(status=503, text="simulated overload", headers={"Retry-After": "1"})


async def busy(_: web.Request, __: Faults, ___: str) -> web.StreamResponse:
    """Ask to come back later."""
    return web.Response(status=429, text="simulated overload", headers={"Retry-After": str(BUSY_SECONDS)})


async def timeout(request: web.Request, _: Faults, __: str) -> web.StreamResponse:
    """Say nothing until the caller hangs up."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - no event
        await asyncio.sleep(HUNG_UP_LOOK_SECONDS)
    return web.Response(status=500)


async def redirect(request: web.Request, _: Faults, __: str) -> web.StreamResponse:
    """Point somewhere else on this machine; whoever follows is counted there."""
    return web.Response(status=307, headers={"Location": request.path.removesuffix("/incidents") + "/elsewhere"})


async def reject(_: web.Request, __: Faults, ___: str) -> web.StreamResponse:
    """Refuse for good."""
    return web.json_response({"title": "Rejected", "status": 422, "detail": "simulated refusal"}, status=422)


async def slow(_: web.Request, __: Faults, receipt: str) -> web.StreamResponse:
    """Give the right answer late, but before a sender gives up."""
    await asyncio.sleep(SLOW_SECONDS)
    return web.json_response({"receipt": receipt}, status=202)


async def drip(request: web.Request, _: Faults, receipt: str) -> web.StreamResponse:
    """Send the right answer a byte a second."""
    body = json.dumps({"receipt": receipt}).encode()
    return await _stream(request, [body[i : i + 1] for i in range(len(body))], len(body), DRIP_SECONDS)


async def malformed(_: web.Request, faults: Faults, __: str) -> web.StreamResponse:
    """Accept in a language nobody agreed on."""
    return web.Response(status=202, body=faults.draw.choice(GARBAGE), content_type="application/json")


async def oversize(request: web.Request, _: Faults, receipt: str) -> web.StreamResponse:
    """Send 100 MB of what begins like JSON."""
    start = b'{"receipt": "' + receipt.encode() + b'", "padding": "'
    chunks = [start.ljust(CHUNK_BYTES, b"x")] + [b"x" * CHUNK_BYTES] * (OVERSIZE_BYTES // CHUNK_BYTES - 1)
    return await _stream(request, chunks, OVERSIZE_BYTES, 0)


async def _stream(request: web.Request, chunks: list[bytes], total: int, pause: float) -> web.StreamResponse:
    response = web.StreamResponse(status=202, headers={"Content-Length": str(total)})
    response.content_type = "application/json"
    await response.prepare(request)
    try:
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(pause)
    except ConnectionError:
        pass  # the caller has had enough, which is the point
    return response


Spoiler = Callable[[web.Request, Faults, str], Awaitable[web.StreamResponse]]

SPOILERS: dict[str, Spoiler] = {
    "refuse": refuse,
    "error": error,
    "busy": busy,
    "timeout": timeout,
    "redirect": redirect,
    "reject": reject,
    "slow": slow,
    "drip": drip,
    "ackloss": refuse,
    "malformed": malformed,
    "oversize": oversize,
}
