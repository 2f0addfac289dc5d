"""What an agency's page shows: everything it holds, read in one go. Lists hold the newest; totals count all."""

from __future__ import annotations

import json
import sqlite3
import time
from functools import partial
from typing import Any

from linkage.simulators import casebook, ledger
from linkage.simulators.cases import Case
from linkage.simulators.faults import MODES
from linkage.simulators.office import FIRST, SECOND, Agency

SHOWN = 30


async def state_of(agency: Agency, *, has_key: bool) -> dict[str, Any]:
    """The body of ``GET /{slug}/state``."""
    held = await agency.journal.run(partial(_held, limit=SHOWN))
    now = time.time()
    for relay in held["relays"]:
        relay |= _standing(agency.desk.case(relay["relay"]), relay.pop("body"), now)
    service = agency.caseload.service
    return {
        "agency": agency.slug,
        "names": {"ko": service.ko, "en": service.en} if service else {"ko": agency.slug, "en": agency.slug},
        "at": ledger.now_kst(),
        "speed": agency.desk.speed,
        "passive": agency.desk.passive,
        "per_minute": agency.caseload.per_minute,
        "opens_cases": service is not None and has_key,
        "faults": {way: agency.faults[way].as_json() for way in (FIRST, SECOND)},
        "modes": sorted(MODES, key=lambda mode: (mode != "none", mode)),
        "requests": agency.received,
        "followed_redirects": agency.followed_redirects,
        **held,
    }


def _held(db: sqlite3.Connection, limit: int) -> dict[str, Any]:
    return {
        "counts": ledger.counts(db) | casebook.counts(db),
        "relays": _relays(db, limit),
        "own": casebook.latest(db, limit),
    }


def _relays(db: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """The relays heard of last, newest first, each with its messages and the callbacks about it."""
    newest = db.execute(
        "SELECT relay, incident, max(number) AS last FROM effects GROUP BY relay ORDER BY last DESC LIMIT ?", (limit,)
    ).fetchall()
    return [{"relay": row["relay"], "incident": row["incident"], **_details(db, row["relay"])} for row in newest]


def _details(db: sqlite3.Connection, relay: str) -> dict[str, Any]:
    messages = db.execute(
        "SELECT message, receipt, at, coalesce(received, 0) AS received FROM effects LEFT JOIN arrivals USING (key) "
        "WHERE relay = ? ORDER BY number",
        (relay,),
    )
    callbacks = db.execute("SELECT body, outcome FROM callbacks WHERE relay = ? ORDER BY number", (relay,))
    case = db.execute("SELECT body, ended FROM cases WHERE relay = ?", (relay,)).fetchone()
    return {
        "messages": [dict(one) for one in messages],
        "callbacks": [{"status": json.loads(one["body"])["status"], "outcome": one["outcome"]} for one in callbacks],
        "body": json.loads(case["body"]) if case else {},
        "ended": bool(case and case["ended"]),
    }


def _standing(live: Case | None, body: dict[str, Any], now: float) -> dict[str, Any]:
    """Where a case stands: as it is in memory while it is open, else as it was last saved."""
    case = live or (Case.from_json(body) if body else None)
    if case is None:
        return {"code": "", "phase": "", "unit": None, "at": None, "place": None, "path": [], "eta_s": None}
    return {
        "code": case.code,
        "phase": case.phase,
        "unit": case.unit,
        "at": case.position(now) if case.unit else None,
        "place": case.place,
        "path": case.path if case.driving else [],
        "eta_s": max(0, round(case.due_at - now)) if live and case.driving else None,
    }
