"""What the chaos tests do to a running stack from outside: report, relay, count, kill."""

from __future__ import annotations

import http.client
import http.cookiejar
import itertools
import json
import os
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import UTC, datetime

import psycopg2

from ocenter.embedded.state import RUNNING_FILE, read_json
from tests.stack import Stack

# A grid over the city, wider than any correlation radius: each event there is an incident of its own.
SOUTH, WEST, STEP, COLUMNS = 36.25, 127.30, 0.004, 50
_cells = itertools.count()


class Room:
    """A stack with a database connection and an operator at work."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.mark = uuid.uuid4().hex[:6]
        self._opener = None

    def __enter__(self) -> Room:
        self._database = psycopg2.connect(
            read_json(self.stack.data_dir / RUNNING_FILE)["environment"]["OCENTER_DATABASE_URL"]
        )
        self._database.autocommit = True
        return self

    def __exit__(self, *_) -> None:
        self._database.close()
        until(self.whole, 60, "the stack is not whole again")

    def whole(self):
        """Whether every process runs and /readyz is content."""
        wanted = {"postgres", "redis", "web-1", "web-2", "worker", "sweeper", "beat", "agencies", "city"}
        return wanted <= set(self.stack.pids()) and self.stack.ready()

    def rows(self, sql, *values):
        """What the database answers."""
        with self._database.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    def value(self, sql, *values):
        """The one value it answers."""
        return self.rows(sql, *values)[0][0]

    def event(self, code="FIR-01"):
        """An event far from all others."""
        cell = next(_cells)
        return {
            "id": f"{self.mark}-{cell}",
            "code": code,
            "occurred_at": datetime.now(UTC).isoformat(),
            "lat": SOUTH + STEP * (cell // COLUMNS),
            "lon": WEST + STEP * (cell % COLUMNS),
        }

    def report(self, count, code="FIR-01", seconds=60):
        """Reports so many events at once, again until they are taken; returns their incidents' numbers."""
        body = json.dumps([self.event(code) for _ in range(count)]).encode()
        headers = {"Authorization": f"Bearer {self.stack.demo['keys']['feed']}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.stack.base_url}/api/v1/events", body, headers)
        answer = until(lambda: fetch(request), seconds, "the events were not taken")
        assert answer["rejected"] == 0, answer
        return [one["incident"] for one in answer["results"]]

    def relay(self, number, agency):
        """Relays as the operator does."""
        self._post(f"/api/v1/incidents/{number}/relay", json.dumps({"agency": agency}).encode(), "application/json")

    def _post(self, path, body, content_type):
        if self._opener is None:
            self._sign_in()
        headers = {"Content-Type": content_type, "X-CSRFToken": self._token(), "Referer": self.stack.base_url}
        with self._opener.open(urllib.request.Request(self.stack.base_url + path, body, headers), timeout=30) as answer:
            return answer.read()

    def _sign_in(self):
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        where = self._opener.open(self.stack.base_url, timeout=30).geturl()  # the page sends us to the form
        person = {**self.stack.demo["users"]["operator"], "csrfmiddlewaretoken": self._token()}
        form = urllib.parse.urlencode(person).encode()
        self._post(where.removeprefix(self.stack.base_url), form, "application/x-www-form-urlencoded")

    def _token(self):
        return next(one.value for one in self._cookies if one.name == "csrftoken")

    def ledger(self, agency="fire119"):
        """The agency's own ledger."""
        return fetch(f"{self.stack.agencies_url}/{agency}/ledger")["entries"]

    def arrived(self, numbers, agency="fire119"):
        """The agency's entries about these incidents."""
        wanted = set(numbers)
        return [one for one in self.ledger(agency) if one["incident"] in wanted]

    def set_fault(self, agency, mode, rate=1.0, seed=1):
        """Lets the agency misbehave."""
        body = json.dumps({"mode": mode, "rate": rate, "seed": seed}).encode()
        fetch(urllib.request.Request(f"{self.stack.agencies_url}/{agency}/faults", body, method="PUT"))

    def relays(self, numbers):
        """State, attempts and key of the relays about these incidents."""
        return self.rows(
            "SELECT r.state, r.attempts, d.id::text, d.state, r.attention_at FROM linkage_relay r "
            "JOIN linkage_delivery d ON d.relay_id = r.id WHERE r.subject = ANY(%s)", list(numbers),
        )  # fmt: skip

    def expect_each_once(self, numbers, agency="fire119", seconds=90):
        """Every one of the incidents has arrived, once in effect, and we know it. Returns arrivals and attempts."""
        until(
            lambda: all(state == "sent" for state, *_ in self.relays(numbers)),
            seconds,
            lambda: f"not all sent: {[row for row in self.relays(numbers) if row[0] != 'sent'][:5]}",
        )
        entries, rows = self.arrived(numbers, agency), self.relays(numbers)
        assert len(rows) == len(numbers)
        assert sorted(one["key"] for one in entries) == sorted(key for _, _, key, _, _ in rows)
        assert sorted(one["incident"] for one in entries) == sorted(numbers)
        assert all(len(one["messages"]) == 1 for one in entries)
        assert all(row[3] == "delivered" and row[4] is None for row in rows)
        return sum(one["received"] for one in entries), sum(row[1] for row in rows)

    def kill(self, name):
        """kill -9, and the time it was."""
        return self.stack.kill(name)

    def freeze(self, name):
        """Stops a process where it stands: it holds its connections and answers nobody."""
        os.kill(self.stack.pids()[name], signal.SIGSTOP)

    def thaw(self, name):
        """Lets it go on."""
        os.kill(self.stack.pids()[name], signal.SIGCONT)


def fetch(request):
    """The JSON answer, or None where nobody answers just now or asks to come back."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        assert error.code in (429, 503), (error.code, error.read()[:500])
    except (OSError, ValueError, http.client.HTTPException):
        pass
    return None


def until(condition, seconds, what):
    """Polls until it is true; returns what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(what() if callable(what) else what)
