"""What the chaos tests do to a running stack from outside: report, relay, count, break, and compare the books."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from contextlib import ExitStack, contextmanager

import psycopg2

from linkage.simulators.proxy import NO_FAULT
from ocenter.soak.backstage import Backstage, until
from ocenter.soak.books import Auditor
from ocenter.soak.clients import Listener, Operator, Sender, SentLog, event_apart, fetch
from ocenter.soak.drill import proxy_before_agency

__all__ = ["Room", "fetch", "until"]


class Room:
    """A stack with a sender whose log is kept, an auditor, an operator at work, and sockets and proxies backstage."""

    def __init__(self, stack):
        self.stack = stack
        self.mark = uuid.uuid4().hex[:6]
        self.log = SentLog()
        self.auditor = Auditor(stack)
        self.rows, self.value = self.auditor.rows, self.auditor.value
        self._operator = None

    def __enter__(self):
        self._leaving = ExitStack()
        self._leaving.callback(self.auditor.close)
        self.backstage = self._leaving.enter_context(Backstage())
        return self

    def __exit__(self, *_):
        self._leaving.close()
        until(self.stack.whole, 60, "the stack is not whole again")

    # The town at work

    def event(self, code="FIR-01"):
        """An event far from all others."""
        return event_apart(self.mark, code)

    def sending(self, count, code="FIR-01"):
        """Starts reporting so many events in one batch, again until it is taken; the future of that."""
        return self.backstage.start(self._send([self.event(code) for _ in range(count)]))

    def report(self, count, code="FIR-01", seconds=60):
        """Reports and waits until it is taken; returns the incidents' numbers."""
        events = [self.event(code) for _ in range(count)]
        assert self.backstage.run(self._send(events), seconds), "the events were not taken"
        answers = [self.log.answers[one["id"]] for one in events]
        assert all(status in ("accepted", "duplicate") for status, _ in answers), answers
        return [number for _, number in answers]

    async def _send(self, events):
        async with Sender(self.stack, self.log) as sender:
            return await sender.send(events)

    @property
    def operator(self):
        """Somebody signed in."""
        if self._operator is None:
            self._operator = Operator(self.stack).sign_in()
        return self._operator

    def relay(self, number, agency):
        """Relays as the operator does."""
        self.operator.act(number, "relay", agency=agency)

    @contextmanager
    def socket(self):
        """A socket of the operator's page; what it heard."""
        listener = Listener(self.stack, headers=self.operator.headers, municipality=self.stack.demo["municipality"])
        listening = self.backstage.start(listener.listen())
        until(lambda: listener.heard.snapshots, 30, "the socket showed nothing")
        try:
            yield listener.heard
        finally:
            listening.cancel()

    # Breaking

    @contextmanager
    def proxies(self, *agencies):
        """A fault proxy before each of these agencies, in the order given."""
        with ExitStack() as stack:
            yield [stack.enter_context(proxy_before_agency(self.auditor, self.backstage, one)) for one in agencies]

    def fault(self, proxy, fault=NO_FAULT):
        """What the proxy does from now on."""
        self.backstage.run(proxy.set(fault))

    @contextmanager
    def transaction(self):
        """A connection of the test's own in a transaction, whose locks others wait for; rolled back at the end."""
        connection = psycopg2.connect(self.stack.database_url)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def waiting_for_locks(self):
        """How many of our sessions wait for a lock."""
        return self.value(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )

    def kill(self, name):
        """kill -9, and the pid it had."""
        return self.stack.kill(name)

    def freeze(self, name):
        """Stops a process where it stands: it holds its connections and answers nobody."""
        self.stack.freeze(name)

    def thaw(self, name):
        """Lets it go on."""
        self.stack.thaw(name)

    def set_fault(self, agency, mode, rate=1.0, seed=1):
        """Lets the agency itself misbehave."""
        body = json.dumps({"mode": mode, "rate": rate, "seed": seed}).encode()
        fetch(urllib.request.Request(f"{self.stack.agencies_url}/{agency}/faults", body, method="PUT"))

    # Comparing

    def arrived(self, numbers, agency="fire119"):
        """The agency's entries about these incidents."""
        return self.auditor.arrived(numbers, agency)

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

    def expect_books_agree(self, heard=None, seconds=90):
        """Once everything is settled, all four books tell the same. Returns the balance and the seconds it took."""
        started = time.monotonic()
        self.settle(heard, seconds)
        balance = self.auditor.balance(self.log, heard=heard)
        assert balance.broken == []
        return balance, time.monotonic() - started

    def settle(self, heard=None, seconds=90):
        """Waits until nothing the sender caused is under way, and the socket has shown it."""
        until(
            lambda: self._settled(heard), seconds,
            lambda: f"not settled: {self.auditor.unsettled(self.log.incidents())[:5]}, socket at {heard and heard.last}",
        )  # fmt: skip

    def _settled(self, heard):
        try:
            done = not self.auditor.unsettled(self.log.incidents())
            return done and (heard is None or heard.last >= self.auditor.head())
        except psycopg2.OperationalError:
            return False
