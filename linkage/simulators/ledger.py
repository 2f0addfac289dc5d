"""What an agency keeps on disk: one effect a key, how often each key arrived, its cases and callbacks.

Every function runs inside one transaction of the agency's :class:`~linkage.simulators.journal.Journal`.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from linkage.simulators.messages import Message

SCHEMA = """
CREATE TABLE IF NOT EXISTS effects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE, relay TEXT NOT NULL, incident TEXT NOT NULL,
    message TEXT NOT NULL, receipt TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS arrivals (key TEXT PRIMARY KEY, received INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cases (relay TEXT PRIMARY KEY, ended INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS cases_open ON cases (ended) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS callbacks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, relay TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL, outcome TEXT
);
CREATE INDEX IF NOT EXISTS callbacks_owed ON callbacks (number) WHERE outcome IS NULL;
"""

KST = timezone(timedelta(hours=9))


def now_kst() -> str:
    """This moment in ISO 8601, Korean time."""
    return datetime.now(KST).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Effect:
    """What a key did here: its receipt, and whether this arrival was the one that did it."""

    receipt: str
    fresh: bool


class KeyReused(Exception):
    """The key already stands for another message: answering its receipt would hide a lost one."""


def count_arrival(db: sqlite3.Connection, key: str) -> None:
    """Count one arrival of ``key``, whatever becomes of it."""
    db.execute("INSERT INTO arrivals VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET received = received + 1", (key,))


def take_effect(db: sqlite3.Connection, message: Message) -> Effect | KeyReused:
    """Enter ``message`` once; repeating answers the first receipt and changes nothing.

    KeyReused is returned, not raised: an exception would undo everybody else's work in the batch.
    """
    known = db.execute("SELECT * FROM effects WHERE key = ?", (message.key,)).fetchone()
    if known is not None:
        same = (known["relay"], known["message"]) == (message.relay, message.kind)
        return Effect(known["receipt"], fresh=False) if same else KeyReused()
    receipt = f"R-{uuid.uuid4().hex[:16]}"
    db.execute(
        "INSERT INTO effects (key, relay, incident, message, receipt, at) VALUES (?, ?, ?, ?, ?, ?)",
        (message.key, message.relay, message.incident, message.kind, receipt, now_kst()),
    )
    return Effect(receipt, fresh=True)


def entries(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """The ledger as ``GET …/ledger`` shows it, oldest first."""
    rows = db.execute("SELECT * FROM effects LEFT JOIN arrivals USING (key) ORDER BY number")
    return [
        {
            "key": row["key"],
            "relay": row["relay"],
            "incident": row["incident"],
            "messages": [{"message": row["message"], "receipt": row["receipt"], "at": row["at"]}],
            "received": row["received"],
        }
        for row in rows
    ]


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Totals for the status page."""
    (effects,) = db.execute("SELECT count(*) FROM effects").fetchone()
    (received,) = db.execute("SELECT coalesce(sum(received), 0) FROM arrivals").fetchone()
    (open_cases,) = db.execute("SELECT count(*) FROM cases WHERE ended = 0").fetchone()
    (owed,) = db.execute("SELECT count(*) FROM callbacks WHERE outcome IS NULL").fetchone()
    return {"entries": effects, "received": received, "open_cases": open_cases, "callbacks_owed": owed}


def open_case(db: sqlite3.Connection, relay: str, body: dict[str, Any]) -> bool:
    """Open a case; False when the relay has one (a cancel that overtook its create leaves an ended one)."""
    return bool(db.execute("INSERT OR IGNORE INTO cases VALUES (?, 0, ?)", (relay, json.dumps(body))).rowcount)


def save_case(db: sqlite3.Connection, relay: str, body: dict[str, Any], *, ended: bool) -> bool:
    """Save an open case's next phase; False, and nothing changed, when it has ended meanwhile."""
    saved = db.execute(
        "UPDATE cases SET body = ?, ended = ? WHERE relay = ? AND ended = 0", (json.dumps(body), ended, relay)
    )
    return bool(saved.rowcount)


def end_case(db: sqlite3.Connection, relay: str) -> bool:
    """End a case from outside, or bar one that has not come yet; False when it had ended before."""
    ended = db.execute(
        "INSERT INTO cases VALUES (?, 1, '{}') ON CONFLICT (relay) DO UPDATE SET ended = 1 WHERE ended = 0",
        (relay,),
    )
    return bool(ended.rowcount)


def open_cases(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Bodies of the cases to go on with after a restart."""
    return [json.loads(row["body"]) for row in db.execute("SELECT body FROM cases WHERE ended = 0")]


@dataclass(frozen=True)
class Callback:
    """One milestone to tell ocenter; its id stays the same however often it is sent."""

    id: str
    relay: str
    url: str
    body: str


def owe_callback(db: sqlite3.Connection, callback: Callback) -> None:
    """Note that ``callback`` has to be made; repeating is safe."""
    db.execute(
        "INSERT OR IGNORE INTO callbacks (id, relay, url, body) VALUES (?, ?, ?, ?)",
        (callback.id, callback.relay, callback.url, callback.body),
    )


def settle_callback(db: sqlite3.Connection, callback_id: str, outcome: str) -> None:
    """Note how a callback ended."""
    db.execute("UPDATE callbacks SET outcome = ? WHERE id = ?", (outcome, callback_id))


def owed_callbacks(db: sqlite3.Connection) -> list[Callback]:
    """Callbacks not settled yet, in the order their facts happened."""
    rows = db.execute("SELECT id, relay, url, body FROM callbacks WHERE outcome IS NULL ORDER BY number")
    return [Callback(*row) for row in rows]
