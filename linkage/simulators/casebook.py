"""What an agency keeps of the cases it opened itself: the cases, the messages it owes, the answers, and what it heard.

Every function runs inside one transaction of the agency's :class:`~linkage.simulators.journal.Journal`.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from linkage.simulators.ledger import now_kst

SCHEMA = """
CREATE TABLE IF NOT EXISTS own_cases (
    number TEXT PRIMARY KEY, opened_at TEXT NOT NULL, ended INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS own_cases_open ON own_cases (ended) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS own_messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, case_number TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, outcome TEXT, answer TEXT
);
CREATE INDEX IF NOT EXISTS own_messages_owed ON own_messages (position) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS own_messages_case ON own_messages (case_number);
CREATE TABLE IF NOT EXISTS heard (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE, case_number TEXT NOT NULL, status TEXT NOT NULL, result_code TEXT,
    at TEXT NOT NULL, heard_at TEXT NOT NULL, received INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS heard_case ON heard (case_number);
CREATE TABLE IF NOT EXISTS own_counter (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), tag TEXT, opened INTEGER);
"""


@dataclass(frozen=True)
class Owed:
    """One message to ocenter; its id stays the same however often it is sent."""

    id: str
    case: str
    type: str
    body: dict[str, Any]


def next_number(db: sqlite3.Connection) -> tuple[str, int]:
    """This journal's tag, and how many cases it has opened with this one.

    The tag keeps a journal begun anew from using numbers that ocenter already knows.
    """
    db.execute("INSERT OR IGNORE INTO own_counter VALUES (1, ?, 0)", (uuid.uuid4().hex[:4],))
    return tuple(db.execute("UPDATE own_counter SET opened = opened + 1 RETURNING tag, opened").fetchone())


def save_case(db: sqlite3.Connection, number: str, body: dict[str, Any], *, ended: bool, message: Owed) -> None:
    """One step of a case: how it stands and the message it owes, or neither."""
    db.execute(
        "INSERT INTO own_cases VALUES (?, ?, ?, ?) "
        "ON CONFLICT (number) DO UPDATE SET ended = excluded.ended, body = excluded.body",
        (number, now_kst(), ended, json.dumps(body, ensure_ascii=False)),
    )
    db.execute(
        "INSERT OR IGNORE INTO own_messages (id, case_number, type, body, at) VALUES (?, ?, ?, ?, ?)",
        (message.id, message.case, message.type, json.dumps(message.body, ensure_ascii=False), now_kst()),
    )


def open_cases(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Bodies of the cases to go on with after a restart."""
    return [json.loads(row["body"]) for row in db.execute("SELECT body FROM own_cases WHERE ended = 0")]


def owed_messages(db: sqlite3.Connection) -> list[Owed]:
    """Messages not answered yet, in the order they were written."""
    rows = db.execute("SELECT id, case_number, type, body FROM own_messages WHERE outcome IS NULL ORDER BY position")
    return [Owed(row["id"], row["case_number"], row["type"], json.loads(row["body"])) for row in rows]


def count_try(db: sqlite3.Connection, message_id: str) -> None:
    """Count one more attempt at a message."""
    db.execute("UPDATE own_messages SET tries = tries + 1 WHERE id = ?", (message_id,))


def settle_message(db: sqlite3.Connection, message_id: str, outcome: str, answer: Any) -> None:
    """Note how a message ended and what ocenter answered."""
    db.execute(
        "UPDATE own_messages SET outcome = ?, answer = ? WHERE id = ?",
        (outcome, json.dumps(answer, ensure_ascii=False), message_id),
    )


def hear_status(db: sqlite3.Connection, key: str, case: str, status: dict[str, Any]) -> bool:
    """Enter what ocenter reports of a case, once a key; False when the case is none of ours."""
    if db.execute("SELECT 1 FROM own_cases WHERE number = ?", (case,)).fetchone() is None:
        return False
    db.execute(
        "INSERT INTO heard (key, case_number, status, result_code, at, heard_at, received) VALUES (?, ?, ?, ?, ?, ?, 1) "
        "ON CONFLICT (key) DO UPDATE SET received = received + 1",
        (key, case, status["status"], status.get("result_code"), status["at"], now_kst()),
    )
    return True


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Totals of the agency's own cases, for the pages."""
    (opened,) = db.execute("SELECT count(*) FROM own_cases").fetchone()
    (running,) = db.execute("SELECT count(*) FROM own_cases WHERE ended = 0").fetchone()
    (owed,) = db.execute("SELECT count(*) FROM own_messages WHERE outcome IS NULL").fetchone()
    (heard,) = db.execute("SELECT coalesce(sum(received), 0) FROM heard").fetchone()
    return {"own_cases": opened, "own_open": running, "messages_owed": owed, "statuses_heard": heard}


def latest(db: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest own cases with their messages, answers and what was heard of them."""
    cases = db.execute("SELECT * FROM own_cases ORDER BY rowid DESC LIMIT ?", (limit,)).fetchall()
    return [
        {
            "number": row["number"],
            "opened_at": row["opened_at"],
            "ended": bool(row["ended"]),
            **_shown(json.loads(row["body"])),
            "messages": [_message(one) for one in _messages(db, row["number"])],
            "heard": [dict(one) for one in _heard(db, row["number"])],
        }
        for row in cases
    ]


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    envelope = body.get("envelope", {})
    names = (
        "event_code",
        "grade",
        "summary",
        "lat",
        "lon",
        "patrol",
        "track",
        "legal_basis",
        "request",
        "area_polygon",
    )
    return {"phase": body.get("phase", ""), "envelope": {name: envelope[name] for name in names if name in envelope}}


def _messages(db: sqlite3.Connection, number: str) -> list[sqlite3.Row]:
    return db.execute("SELECT * FROM own_messages WHERE case_number = ? ORDER BY position", (number,)).fetchall()


def _message(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "type": row["type"],
        "at": row["at"],
        "tries": row["tries"],
        "outcome": row["outcome"],
        "answer": json.loads(row["answer"]) if row["answer"] else None,
    }


def _heard(db: sqlite3.Connection, number: str) -> list[sqlite3.Row]:
    return db.execute(
        "SELECT key, status, result_code, at, heard_at, received FROM heard WHERE case_number = ? ORDER BY position",
        (number,),
    ).fetchall()
