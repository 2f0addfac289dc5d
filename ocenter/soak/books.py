"""Four books that must agree: the sender's log, our database, the agencies' ledgers, an open socket.

`Auditor.balance` compares them for one sender's events and whatever they caused. Everything is counted from outside:
over SQL, the agencies' `GET …/ledger` and the socket. A balance lists what it found broken, by invariant (DESIGN.md §3).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg2

from ocenter.soak.clients import Heard, SentLog, fetch
from ocenter.soak.installation import Installation

SETTLED: Final = frozenset({"delivered", "failed", "dropped"})

_RELAYS = """
SELECT d.id::text, d.relay_id::text, d.position, d.message, d.state, d.attempts, r.subject, r.state, r.attention_at,
       s.slug, m.code
FROM linkage_delivery d JOIN linkage_relay r ON r.id = d.relay_id
JOIN linkage_linkedsystem s ON s.id = r.system_id JOIN accounts_municipality m ON m.id = s.municipality_id
WHERE r.subject = ANY(%s) ORDER BY r.id, d.position
"""
# 1, 2, 3 … up to the head, for every municipality.
_HOLES = """
SELECT m.code, h.seq, count(c.*), min(c.seq), max(c.seq) FROM incidents_ledgerhead h
JOIN accounts_municipality m ON m.id = h.municipality_id
LEFT JOIN incidents_change c ON c.municipality_id = h.municipality_id
GROUP BY 1, 2 HAVING h.seq > 0 AND (count(c.*) <> h.seq OR max(c.seq) <> h.seq OR min(c.seq) <> 1)
"""
_IN_LEDGER = """
SELECT event->>'id', count(*)
FROM incidents_change c, jsonb_array_elements(
  CASE jsonb_typeof(c.body->'detail'->'events') WHEN 'array' THEN c.body->'detail'->'events' ELSE '[]' END) event
WHERE c.incident_id IN (SELECT e.incident_id FROM incidents_event e WHERE e.source_id = ANY(%s))
  AND c.kind <> 'incident.split' AND event->>'id' = ANY(%s) GROUP BY 1
"""
# What came to a settled incident's subject is kept with it, and not counted.
_MISCOUNTED = """
SELECT i.number, i.event_count, count(*) FROM incidents_incident i JOIN incidents_event e ON e.incident_id = i.id
WHERE i.number = ANY(%s) GROUP BY i.id
HAVING i.event_count NOT BETWEEN count(*) FILTER (WHERE e.subject = '') AND count(*)
"""


@dataclass(frozen=True)
class Message:
    """One message to an agency as our outbox knows it."""

    key: str
    relay: str
    position: int
    message: str
    state: str
    attempts: int
    subject: str
    relay_state: str
    attention: bool
    slug: str
    municipality: str


@dataclass
class Count:
    """How many were sent, accepted, took effect, did so twice, or were lost."""

    sent: int = 0
    accepted: int = 0
    in_effect: int = 0
    doubled: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return f"{self.sent} / {self.accepted} / {self.in_effect} / {self.doubled} / {self.lost}"


@dataclass
class Balance:
    """What the comparison gave; `broken` names each invariant that did not hold, with the evidence."""

    events: Count = field(default_factory=Count)
    relays: Count = field(default_factory=Count)
    arrivals: int = 0
    again: int = 0
    broken: list[str] = field(default_factory=list)

    def claim(self, holds: bool, invariant: str, evidence: object) -> None:
        """Notes a breach where `holds` is false."""
        if not holds:
            self.broken.append(f"{invariant}: {evidence}")


class Auditor:
    """Reads the books of one installation. The database connection is made anew when it has gone."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._connection: Any = None

    def close(self) -> None:
        """Lets the database go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database answers. Raises psycopg2.OperationalError while it is away."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(self.installation.database_url, connect_timeout=3)
            self._connection.autocommit = True
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.close()
            raise

    def value(self, sql: str, *values: Any) -> Any:
        """The one value it answers."""
        return self.rows(sql, *values)[0][0]

    def messages(self, numbers: Iterable[str]) -> list[Message]:
        """Every message about these incidents, in order within each relay."""
        return [Message(*row[:8], row[8] is not None, *row[9:]) for row in self.rows(_RELAYS, list(numbers))]

    def unsettled(self, numbers: Iterable[str]) -> list[Message]:
        """Those still on their way."""
        return [one for one in self.messages(numbers) if one.state not in SETTLED]

    def agency(self, slug: str) -> list[dict[str, Any]]:
        """An agency's own ledger; empty while it does not answer."""
        return (fetch(f"{self.installation.agencies_url}/{slug}/ledger") or {"entries": []})["entries"]

    def arrived(self, numbers: Iterable[str], slug: str = "fire119") -> list[dict[str, Any]]:
        """The agency's entries about these incidents."""
        wanted = set(numbers)
        return [one for one in self.agency(slug) if one["incident"] in wanted]

    def stored(self, ids: Iterable[str]) -> dict[str, str | None]:
        """Event id → its incident's number, as the database has it."""
        return dict(
            self.rows(
                "SELECT e.source_id, i.number FROM incidents_event e LEFT JOIN incidents_incident i ON i.id = e.incident_id "
                "WHERE e.source_id = ANY(%s)", list(ids),
            )
        )  # fmt: skip

    def balance(self, log: SentLog, *, heard: Heard | None = None, refused: Iterable[str] = ()) -> Balance:
        """Everything the log's events caused, in all four books. `refused`: agencies that refuse for good by order,
        whose messages need an operator instead of an effect. Call it once all is settled."""
        balance = Balance(again=log.again)
        self._events(balance, log)
        self._relays(balance, self.stored(log.sent), set(refused))
        balance.claim(not (holes := self.rows(_HOLES)), "ledger without holes", holes)
        if heard is not None:
            self._socket(balance, heard, log)
        return balance

    def _events(self, balance: Balance, log: SentLog) -> None:
        stored, told = self.stored(log.sent), self._told(log)
        taken = {one: number for one, (status, number) in log.answers.items() if status != "rejected"}
        missing = [one for one, number in taken.items() if stored.get(one, "") != number or one not in told]
        twice = [one for one, times in told.items() if times > 1]
        balance.events = Count(len(log.sent), len(taken), len(stored), len(twice), len(missing))
        unanswered = [one for one in log.sent if one not in log.answers]
        balance.claim(not unanswered, "events nobody ever answered", unanswered[:5])
        balance.claim(not missing, "I1 answered 2xx and not stored as answered", missing[:5])
        balance.claim(not twice, "an event twice in the ledger", twice[:5])
        balance.claim(not log.unexpected, "an answer neither 2xx nor 429/503 with Retry-After", log.unexpected[:3])
        wrong = self.rows(_MISCOUNTED, list(filter(None, stored.values())))
        balance.claim(not wrong, "incidents that count their events wrongly", wrong[:5])

    def _told(self, log: SentLog) -> dict[str, int]:
        """Event id → how many ledger rows speak of it. What came late to an incident that an operator had settled is
        kept without one (`incidents.threads.Place.QUIET`), and counts as told."""
        ids = list(log.sent)
        quiet = self.rows("SELECT source_id, 0 FROM incidents_event WHERE subject <> '' AND source_id = ANY(%s)", ids)
        return dict(quiet) | dict(self.rows(_IN_LEDGER, ids, ids))

    def _relays(self, balance: Balance, stored: dict[str, str | None], refused: set[str]) -> None:
        numbers = sorted({number for number in stored.values() if number})
        messages = [one for one in self.messages(numbers) if one.slug not in refused]
        told = self._entries(messages, numbers)
        entries = [entry for _, entry in told]
        keys = {one.key for one in messages}
        delivered = {one.key for one in messages if one.state == "delivered"}
        effects = Counter(entry["key"] for entry in entries for _ in entry["messages"])
        opened = Counter(
            (slug, entry["incident"]) for slug, entry in told if entry["messages"][0]["message"] == "create"
        )
        twice = [one for counted in (effects, opened) for one, times in counted.items() if times > 1]
        lost = [one for one in messages if one.key not in {entry["key"] for entry in entries}]
        balance.relays = Count(len(messages), len(delivered), len(entries), len(twice), len(lost))
        balance.arrivals = sum(entry["received"] for entry in entries)
        balance.claim(not lost, "I2 a message without effect", lost[:5])
        balance.claim(not twice, "I2 a message with two effects", twice[:5])
        strangers = [entry["key"] for entry in entries if entry["key"] not in keys]
        balance.claim(not strangers, "I2 an effect of no message of ours", strangers[:5])
        unknown = [one for one in messages if one.state != "delivered"]
        balance.claim(not unknown, "an effect we do not know of", unknown[:5])
        worried = [one for one in messages if one.attention]
        balance.claim(not worried, "I6 delivered, yet before an operator", worried[:5])
        self._order(balance, messages, entries)

    def _entries(self, messages: Sequence[Message], numbers: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        """The agencies' entries, each with its agency: the first municipality's agencies have plain slugs, the other's a prefix."""
        home = self.installation.demo["municipality"]
        slugs = {one.slug if one.municipality == home else f"other-{one.slug}" for one in messages}
        return [(slug, entry) for slug in sorted(slugs) for entry in self.arrived(numbers, slug)]

    def _order(self, balance: Balance, messages: Sequence[Message], entries: Sequence[dict[str, Any]]) -> None:
        """Within a relay the agency saw the messages in our order: its ledger is oldest first."""
        place = {one.key: one.position for one in messages}
        seen: dict[str, list[int]] = defaultdict(list)
        for entry in entries:
            if entry["key"] in place:
                seen[entry["relay"]].append(place[entry["key"]])
        mixed = {relay: order for relay, order in seen.items() if order != sorted(order)}
        balance.claim(not mixed, "messages out of order", dict(list(mixed.items())[:3]))

    def _socket(self, balance: Balance, heard: Heard, log: SentLog) -> None:
        balance.claim(not heard.gaps, "I4 a gap on the socket", heard.gaps[:5])
        balance.claim(not heard.twice, "I4 rows twice on the socket", heard.twice)
        balance.claim(heard.snapshots <= 1, "I4 a socket that lost its cursor", heard.snapshots)
        told = {one for one, times in self._told(log).items() if times}
        missed = [one for one in told if one in log.answers and one not in heard.event_at]
        balance.claim(not missed, "I4 events the socket never showed", missed[:5])

    def head(self) -> int:
        """The last number of the demo city's ledger."""
        return self.value(
            "SELECT h.seq FROM incidents_ledgerhead h JOIN accounts_municipality m ON m.id = h.municipality_id WHERE m.code = %s",
            self.installation.demo["municipality"],
        )
