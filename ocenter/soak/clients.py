"""Who talks to the town from outside: senders that keep a log, a socket that keeps count, an operator, a reader."""

from __future__ import annotations

import asyncio
import http.client
import http.cookiejar
import itertools
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import orjson

from ocenter.soak.installation import Installation

Event = dict[str, Any]
# A grid over the city, wider than any correlation radius: each event there is an incident of its own.
SOUTH, WEST, STEP, COLUMNS = 36.20, 127.25, 0.004, 60
ROWS: Final = 200
SOCKET_SILENCE_SECONDS: Final = 6.0  # three ticks
COME_BACK: Final = frozenset({429, 503})
PAUSE_SECONDS: Final = 0.2

_cells = itertools.count()


def event_at(mark: str, n: int, code: str, lat: float, lon: float, grade: str | None = None) -> Event:
    """An event of now; `mark` and `n` make its id."""
    event = {"id": f"{mark}-{n}", "code": code, "occurred_at": datetime.now(UTC).isoformat(), "lat": lat, "lon": lon}
    return event if grade is None else event | {"grade": grade}


def event_apart(mark: str, code: str = "FIR-01") -> Event:
    """An event far from all others: an incident of its own."""
    cell = next(_cells)
    row = cell // COLUMNS
    # After the grid is full, half a step aside: still wider than the 150 m that join, and hours may have passed.
    shift = 0.002 * (row // ROWS % 2)
    return event_at(mark, cell, code, SOUTH + STEP * (row % ROWS) + shift, WEST + STEP * (cell % COLUMNS) + shift)


@dataclass
class SentLog:
    """A sender's own book: what it sent, what it was answered, how often it had to send again."""

    sent: set[str] = field(default_factory=set)
    answers: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    again: int = 0
    duplicates: int = 0
    unexpected: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    sent_at: dict[str, float] = field(default_factory=dict)

    def incidents(self) -> list[str]:
        """The numbers of the incidents its events are part of."""
        return sorted({number for _, number in self.answers.values() if number})


class Sender:
    """A feed: sends batches, and the same batch again until it is answered, as docs/agency-api.md asks."""

    def __init__(self, installation: Installation, log: SentLog | None = None, *, feed: str = "feed") -> None:
        self.log = log or SentLog()
        self._base_url = installation.base_url
        self._key = installation.demo["keys"][feed]

    async def __aenter__(self) -> Sender:
        self._session = aiohttp.ClientSession(
            base_url=self._base_url,
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=30),
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, events: Sequence[Event], *, patience_s: float = 120) -> bool:
        """Sends one batch until it is taken; False where it never was (and the log knows no answer)."""
        started, body = time.monotonic(), orjson.dumps(list(events))
        self.log.sent |= {str(one["id"]) for one in events}
        for one in events:
            self.log.sent_at.setdefault(str(one["id"]), time.monotonic())
        while time.monotonic() < started + patience_s:
            asked = time.monotonic()
            if answer := await self._post(body):
                self.log.seconds.append(time.monotonic() - asked)
                self._note(answer)
                return True
            self.log.again += 1
            await asyncio.sleep(PAUSE_SECONDS)
        return False

    async def _post(self, body: bytes) -> dict[str, Any] | None:
        try:
            async with self._session.post("/api/v1/events", data=body) as answer:
                said = await answer.read()
                if answer.status == 202:
                    return orjson.loads(said)
                if answer.status not in COME_BACK or "Retry-After" not in answer.headers:
                    self.log.unexpected.append(f"{answer.status} {said[:200]!r}")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            pass  # nobody answered, or half of an answer came: the same batch again
        return None

    def _note(self, answer: dict[str, Any]) -> None:
        for one in answer["results"]:
            self.log.duplicates += one["status"] == "duplicate"
            self.log.answers.setdefault(one["id"], (one["status"], one["incident"]))


async def send_all(
    installation: Installation,
    events: Sequence[Event],
    *,
    batch: int = 25,
    at_once: int = 4,
    log: SentLog | None = None,
) -> SentLog:
    """Sends the events in batches, several at once; the log of it (`log` goes on with an earlier one)."""
    batches = iter([events[n : n + batch] for n in range(0, len(events), batch)])
    async with Sender(installation, log) as sender:

        async def work() -> None:
            for one in batches:
                await sender.send(one)

        await asyncio.gather(*(work() for _ in range(at_once)))
    return sender.log


@dataclass
class Heard:
    """What a socket showed: every row's number, how often, when; and how often it had to begin anew."""

    first: int = 0
    last: int = 0
    twice: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    snapshots: int = 0
    connects: int = 0
    event_at: dict[str, float] = field(default_factory=dict)
    grades: dict[str, str] = field(default_factory=dict)


class Listener:
    """A socket that resumes by its cursor whenever it is cut or silent, and counts what it is shown."""

    def __init__(self, installation: Installation, *, headers: dict[str, str], municipality: str) -> None:
        self.heard = Heard()
        self._url = installation.base_url
        self._headers = headers
        self._municipality = municipality
        self._cursor = ""

    async def listen(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(base_url=self._url, headers=self._headers) as session:
            while True:
                try:
                    await self._once(session)
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                    pass  # cut: the cursor says where to go on
                await asyncio.sleep(PAUSE_SECONDS)

    async def _once(self, session: aiohttp.ClientSession) -> None:
        path = "/ws/live/" + (f"?after={urllib.parse.quote(self._cursor)}" if self._cursor else "")
        async with session.ws_connect(path, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=1)) as socket:
            self.heard.connects += 1
            while True:
                async with asyncio.timeout(SOCKET_SILENCE_SECONDS):
                    message = await socket.receive()
                if message.type != aiohttp.WSMsgType.TEXT:
                    return
                self._take(orjson.loads(message.data))

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            self.heard.snapshots += 1
            self._begin(message["cursor"])
        for change in message.get("changes", ()):
            if change["municipality"] == self._municipality:
                self._count(change)
        self._cursor = message["cursor"]

    def _begin(self, cursor: str) -> None:
        at = next(int(part.split(":")[2]) for part in cursor.split(",") if part.startswith(self._municipality + ":"))
        if self.heard.snapshots == 1:
            self.heard.first = at + 1
        self.heard.last = at

    def _count(self, change: dict[str, Any]) -> None:
        heard, seq = self.heard, change["seq"]
        if seq <= heard.last:
            heard.twice += 1
            return
        if seq != heard.last + 1:
            heard.gaps.append((heard.last + 1, seq - 1))
        heard.last = seq
        events = change["detail"].get("events")
        for event in events if isinstance(events, list) else ():
            heard.event_at.setdefault(event["id"], time.monotonic())
            heard.grades[event["id"]] = change["incident"]["grade"]


class Operator:
    """Somebody signed in at the form, with the page's session and token."""

    def __init__(self, installation: Installation, role: str = "operator") -> None:
        self._base_url = installation.base_url
        self._person = installation.demo["users"][role]
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def sign_in(self) -> Operator:
        """Signs in. Raises urllib.error.URLError where nobody answers."""
        where = self._opener.open(self._base_url, timeout=30).geturl()  # the page sends us to the form
        form = urllib.parse.urlencode({**self._person, "csrfmiddlewaretoken": self._token()}).encode()
        self._post(where.removeprefix(self._base_url), form, "application/x-www-form-urlencoded")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """What a socket of this session sends along."""
        cookies = "; ".join(f"{one.name}={one.value}" for one in self._cookies)
        return {"Cookie": cookies, "Origin": self._base_url}

    def act(self, number: str, action: str, **body: Any) -> dict[str, Any]:
        """`POST incidents/{number}/{action}`. Raises urllib.error.HTTPError for a refusal."""
        path = f"/api/v1/incidents/{number}/{action}"
        return json.loads(self._post(path, json.dumps(body).encode(), "application/json") or b"{}")

    def try_to(self, number: str, action: str, **body: Any) -> bool:
        """The same, but a refusal or nobody's answer is False."""
        try:
            self.act(number, action, **body)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return True

    def _post(self, path: str, body: bytes, content_type: str) -> bytes:
        headers = {"Content-Type": content_type, "X-CSRFToken": self._token(), "Referer": self._base_url}
        request = urllib.request.Request(self._base_url + path, body, headers)  # noqa: S310 - the loopback's
        with self._opener.open(request, timeout=30) as answer:
            return answer.read()

    def _token(self) -> str:
        return next(one.value or "" for one in self._cookies if one.name == "csrftoken")


def fetch(request: urllib.request.Request | str) -> Any:
    """The JSON answer, or None where nobody answers just now or asks to come back."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the loopback's
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        if error.code not in COME_BACK:
            raise
    except (OSError, ValueError, http.client.HTTPException):
        pass
    return None
