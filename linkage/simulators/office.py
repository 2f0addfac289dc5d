"""The agencies of one process and what every handler of theirs asks: which agency, was it signed, under which key."""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from linkage.simulators import casebook, ledger
from linkage.simulators.callbacks import Caller
from linkage.simulators.caseload import Caseload
from linkage.simulators.cases import Desk
from linkage.simulators.config import InstallationFile
from linkage.simulators.envoy import Envoy
from linkage.simulators.faults import Faults
from linkage.simulators.journal import Journal
from linkage.simulators.services import SERVICES, share_of
from linkage.simulators.units import Kind

BASE_SLUGS = tuple(SERVICES)
SLUGS = BASE_SLUGS + tuple(f"other-{slug}" for slug in BASE_SLUGS)
"""Always there; further slugs in ``simulators.json`` are served too."""

KEY_LENGTH = 255
FIRST, SECOND = "first", "second"
"""The two ways to the same agency: one ledger, faults of their own."""


@dataclass(frozen=True)
class Manner:
    """How the agencies of a process work: their pace, whether they act at all, how many cases they open."""

    speed: float = 1.0
    passive: bool = False
    """Give receipts and do nothing else."""
    cases_per_minute: float = 0.0
    """Of one city's agencies together."""
    own_url: str = ""
    """Where ocenter reaches them, for their cases' ``callback_url``."""


@dataclass
class Agency:
    """Everything one slug consists of."""

    slug: str
    journal: Journal
    desk: Desk
    caseload: Caseload
    faults: dict[str, Faults] = field(default_factory=lambda: {FIRST: Faults(), SECOND: Faults()})
    received: dict[str, int] = field(default_factory=lambda: {FIRST: 0, SECOND: 0})
    """Requests by the way they came, since this process began."""
    followed_redirects: int = 0
    """How many requests came to the address only a followed redirect leads to."""

    def set_speed(self, speed: float) -> None:
        """Change the pace of everything the agency does."""
        self.desk.set_speed(speed)
        self.caseload.set_speed(speed)


class Agencies:
    """The agencies of one process, opened when first asked for."""

    def __init__(self, directory: Path, installation: InstallationFile, manner: Manner) -> None:
        self.installation = installation
        self._directory = directory
        self._manner = manner
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
            await agency.caseload.close()
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
        manner = self._manner
        journal = Journal(self._directory / f"{slug}.sqlite3", ledger.SCHEMA + casebook.SCHEMA)
        caller = Caller(slug, journal, self._client, self.installation.current)
        desk = Desk(Kind.of(slug), journal, caller, speed=manner.speed, passive=manner.passive)
        envoy = Envoy(slug, journal, self._client, self.installation.current)
        caseload = Caseload(
            slug,
            journal,
            envoy,
            self.installation.current,
            speed=manner.speed,
            per_minute=0.0 if manner.passive else manner.cases_per_minute * share_of(slug),
            own_url=manner.own_url,
        )
        self._open[slug] = Agency(slug, journal, desk, caseload)
        await desk.resume()
        await caseload.resume()


AGENCIES = web.AppKey("agencies", Agencies)


def problem(kind: type[web.HTTPError], detail: str, **more: Any) -> web.HTTPError:
    """An error answer with a body that says why."""
    body = {"title": kind.__name__.removeprefix("HTTP"), "status": kind.status_code, "detail": detail, **more}
    return kind(text=json.dumps(body, ensure_ascii=False), content_type="application/problem+json")


async def agency_of(request: web.Request) -> Agency:
    """The agency the address names. Raises HTTPNotFound."""
    return await request.app[AGENCIES].get(request.match_info["slug"])


def way_of(request: web.Request) -> str:
    """By which of its two endpoints the agency was reached."""
    return SECOND if request.path.split("/")[2:3] == [SECOND] else FIRST


def verified(request: web.Request, slug: str, raw: bytes) -> Any:
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


def key_of(request: web.Request) -> str:
    """The request's Idempotency-Key. Raises 400."""
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= KEY_LENGTH:
        raise problem(web.HTTPBadRequest, f"Idempotency-Key must have 1 to {KEY_LENGTH} characters")
    return key


async def json_of(request: web.Request) -> Any:
    """The JSON body of an operator's request. Raises 400."""
    try:
        return await request.json()
    except ValueError as bad:
        raise problem(web.HTTPBadRequest, f"The body is not JSON: {bad}") from bad
