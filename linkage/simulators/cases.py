"""What an agency does about a relay: think, accept, send a unit, drive, arrive, report, close.

A case is a handful of facts and the moment of its next step. Each step is one transaction that saves
the case and the callback it owes, so a restarted agency goes on where it stopped; and a step changes
nothing once a cancel has ended the case, so the two can never cross.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from linkage.simulators import ledger
from linkage.simulators.callbacks import Caller
from linkage.simulators.geometry import Point, along
from linkage.simulators.journal import Journal
from linkage.simulators.ledger import Callback, Effect, KeyReused
from linkage.simulators.messages import Message
from linkage.simulators.units import Fleet, Kind, drive_seconds, route

THINKING_SECONDS = (2.0, 5.0)
TURN_OUT_SECONDS = (2.0, 5.0)
ON_SITE_SECONDS = (40.0, 90.0)
POSITION_EVERY_SECONDS = 2.0
POSITION_AT_MOST_EVERY_SECONDS = 0.25
"""Real seconds between a unit's positions however fast the pace: a map redraws no quicker."""
POSITIONS_PER_SECOND = 20
"""Of a whole agency: with hundreds of units out each reports less often, as a busy radio net does."""

NEXT = {"received": "accepted", "accepted": "dispatched", "dispatched": "arrived", "arrived": "closed"}
"""The step after each phase; a desk without units stops at ``accepted``."""

RESULTS: dict[str, tuple[tuple[str, int], ...]] = {
    "FIR": (("RC-03", 8), ("RC-05", 2)),
    "EMS": (("RC-04", 9), ("RC-01", 1)),
    "RES": (("RC-04", 5), ("RC-01", 5)),
    "": (("RC-01", 6), ("RC-05", 3), ("RC-02", 1)),
}
"""How cases of a code family end, with weights; the empty family is everybody else."""

NOTES = {
    "accepted": "접수하였습니다.",
    "dispatched": "출동 중입니다.",
    "arrived": "현장에 도착하였습니다.",
    "cancelled": "요청에 따라 출동을 취소하였습니다.",
    "RC-01": "현장 조치 완료.",
    "RC-02": "현행범 체포, 인계.",
    "RC-03": "진화 완료.",
    "RC-04": "병원 이송 완료.",
    "RC-05": "특이사항 없음.",
    "RC-06": "관계 기관 인계.",
}


@dataclass
class Case:
    """One relay on an agency's desk. Times are Unix seconds, so that they hold across a restart."""

    relay: str
    incident: str
    code: str
    callback_url: str
    place: Point | None
    due_at: float
    """When its next step is."""
    phase: str = "received"
    unit: str | None = None
    left_at: float = 0.0
    path: list[Point] = field(default_factory=list)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Case:
        """The case :meth:`as_json` wrote."""
        place = Point(*body["place"]) if body["place"] else None
        return cls(**{**body, "place": place, "path": [Point(*point) for point in body["path"]]})

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)

    @property
    def driving(self) -> bool:
        """Whether a unit is on its way."""
        return self.phase == "dispatched"

    def draw(self, purpose: str) -> random.Random:
        """This case's own chance: the same relay always goes the same way."""
        return random.Random(f"{self.relay} {purpose}")

    def position(self, now: float) -> Point | None:
        """Where its unit is; None when the incident has no place to drive to."""
        if not self.path:
            return None
        if not self.driving:
            return self.path[-1]
        return along(self.path, (now - self.left_at) / max(0.001, self.due_at - self.left_at))

    def hurry(self, now: float, ratio: float) -> None:
        """Stretch what is left by ``ratio``, keeping the unit where it is."""
        self.due_at = now + (self.due_at - now) * ratio
        self.left_at = now + (self.left_at - now) * ratio


class Desk:
    """An agency's situation room: its open cases, its fleet and its pace."""

    def __init__(self, kind: Kind, journal: Journal, caller: Caller, *, speed: float, passive: bool) -> None:
        self.kind = kind
        self.speed = speed
        self.passive = passive
        self._journal = journal
        self._caller = caller
        self._fleet = Fleet(kind)
        self._cases: dict[str, Case] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._pace_changed = asyncio.Event()

    async def resume(self) -> None:
        """Go on with the cases an earlier process left open."""
        for body in await self._journal.run(ledger.open_cases):
            case = Case.from_json(body)
            if case.unit:
                self._fleet.busy.add(case.unit)
            self._begin(case)
        await self._caller.resume()

    async def receive(self, message: Message) -> Effect | KeyReused:
        """Let a message take effect once, and act on it. Repeating answers the same receipt."""
        case = self._new_case(message) if message.kind == "create" and not self.passive else None
        arrival = await self._journal.run(partial(_receive, message=message, case=case))
        if case is not None and arrival.opened:
            self._begin(case)
        if arrival.ended:
            self._drop(message.relay)
        if arrival.callback is not None:
            self._caller.tell(arrival.callback)
        if message.kind == "update":
            self._redirect(message)
        return arrival.effect

    def set_speed(self, speed: float) -> None:
        """Change the pace of everything under way: 1 is the demo's, 20 twenty times as fast."""
        ratio, now = self.speed / speed, time.time()
        self.speed = speed
        for case in self._cases.values():
            case.hurry(now, ratio)
        self._pace_changed.set()
        self._pace_changed = asyncio.Event()

    def case(self, relay: str) -> Case | None:
        """The open case of a relay, as it is this moment."""
        return self._cases.get(relay)

    async def close(self) -> None:
        """Stop acting; open cases stay in the journal for the next start."""
        lives = list(self._lives.values())
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await self._caller.close()

    def _new_case(self, message: Message) -> Case:
        case = Case(
            relay=message.relay,
            incident=message.incident,
            code=message.code,
            callback_url=message.callback_url or "",
            place=message.place,
            due_at=0.0,
        )
        case.due_at = self._after(case, THINKING_SECONDS)
        return case

    def _after(self, case: Case, seconds: tuple[float, float]) -> float:
        return time.time() + case.draw(case.phase).uniform(*seconds) / self.speed

    def _begin(self, case: Case) -> None:
        self._cases[case.relay] = case
        life = self._lives[case.relay] = asyncio.create_task(self._live(case))
        life.add_done_callback(lambda _: self._lives.pop(case.relay, None))

    def _drop(self, relay: str) -> None:
        case, life = self._cases.pop(relay, None), self._lives.pop(relay, None)
        if life is not None:
            life.cancel()
        if case is not None:
            self._fleet.release(case.unit)

    async def _live(self, case: Case) -> None:
        """Take a case through its steps, each when it is due."""
        last = "accepted" if self.kind is Kind.DESK else "closed"
        while case.phase != last:
            await self._wait(case)
            if not await self._step(case):
                return
        if case.phase == "closed":
            self._cases.pop(case.relay, None)
            self._fleet.release(case.unit)

    async def _wait(self, case: Case) -> None:
        """Wait for the next step, telling positions while a unit drives."""
        while (left := case.due_at - time.time()) > 0:
            if not case.driving:
                await self._sleep(left)
                continue
            await self._sleep(min(left, self._position_pause()))
            if case.due_at > time.time():
                await self._caller.tell_position(case.relay, case.callback_url, self._report(case))

    def _position_pause(self) -> float:
        """Seconds between two positions of one unit."""
        fair_share = len(self._fleet.busy) / POSITIONS_PER_SECOND
        return max(POSITION_AT_MOST_EVERY_SECONDS, POSITION_EVERY_SECONDS / self.speed, fair_share)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake when the pace changes."""
        try:
            await asyncio.wait_for(self._pace_changed.wait(), seconds)
        except TimeoutError:
            return

    async def _step(self, case: Case) -> bool:
        """Take the next step; False when the case was ended by a message meanwhile."""
        case.phase = NEXT[case.phase]
        if case.phase == "accepted":
            case.due_at = self._after(case, TURN_OUT_SECONDS)
        elif case.phase == "dispatched":
            self._depart(case)
        elif case.phase == "arrived":
            case.due_at = self._after(case, ON_SITE_SECONDS)
        callback = _callback(case.relay, case.callback_url, self._report(case))
        saved = await self._journal.run(partial(_save, body=case.as_json(), callback=callback))
        if saved:
            self._caller.tell(callback)
        return saved

    def _depart(self, case: Case) -> None:
        """Choose a unit, a way and the moment of arrival."""
        case.left_at = time.time()
        if case.place is None:
            case.due_at = self._after(case, (20.0, 60.0))
            return
        unit = self._fleet.take(case.place, case.code)
        case.unit = unit.name
        self._drive(case, unit.home.at)

    def _drive(self, case: Case, start: Point) -> None:
        assert case.place is not None
        draw = case.draw(f"drive to {case.place}")
        case.left_at = time.time()
        case.path = route(start, case.place, draw)
        case.due_at = case.left_at + drive_seconds(case.path, draw) / self.speed

    def _redirect(self, message: Message) -> None:
        """The incident moved: a waiting case takes the new place, a driving unit turns towards it."""
        case = self._cases.get(message.relay)
        if case is None or message.place is None or message.place == case.place:
            return
        where = case.position(time.time())
        case.place = message.place
        if case.driving and where is not None:
            self._drive(case, where)

    def _report(self, case: Case) -> dict[str, Any]:
        """A callback's body for where the case stands now."""
        now = time.time()
        position = case.position(now) if case.unit else None
        result = _result(case) if case.phase == "closed" else None
        report = {
            "status": case.phase,
            "at": ledger.now_kst(),
            "unit": case.unit,
            "eta_s": max(0, round(case.due_at - now)) if case.driving else None,
            "lat": position.lat if position else None,
            "lon": position.lon if position else None,
            "result_code": result,
            "note": NOTES[result or case.phase],
        }
        return {name: value for name, value in report.items() if value is not None}


def _result(case: Case) -> str:
    codes, weights = zip(*RESULTS.get(case.code[:3], RESULTS[""]), strict=True)
    return str(case.draw("result").choices(codes, weights)[0])


def _callback(relay: str, url: str, report: dict[str, Any]) -> Callback:
    return Callback(f"{relay}.{report['status']}", relay, url, json.dumps(report, ensure_ascii=False))


def _save(db: sqlite3.Connection, body: dict[str, Any], callback: Callback) -> bool:
    """One step: the case and the callback it owes, or neither."""
    saved = ledger.save_case(db, callback.relay, body, ended=body["phase"] == "closed")
    if saved:
        ledger.owe_callback(db, callback)
    return saved


@dataclass(frozen=True)
class Arrival:
    """What one arrival did: its effect, whether it opened or ended a case, and the callback it owes."""

    effect: Effect | KeyReused
    opened: bool = False
    ended: bool = False
    callback: Callback | None = None


def _receive(db: sqlite3.Connection, message: Message, case: Case | None) -> Arrival:
    """Count an arrival, enter it once, open a new case or end an open one. All or nothing."""
    ledger.count_arrival(db, message.key)
    effect = ledger.take_effect(db, message)
    if isinstance(effect, KeyReused) or not effect.fresh:
        return Arrival(effect)
    if case is not None:
        return Arrival(effect, opened=ledger.open_case(db, message.relay, case.as_json()))
    if message.kind in ("cancel", "close") and ledger.end_case(db, message.relay):
        return Arrival(effect, ended=True, callback=_end_callback(db, message))
    return Arrival(effect)


def _end_callback(db: sqlite3.Connection, message: Message) -> Callback | None:
    """Owe ocenter the news that a case has ended; nothing when the message names no address to call."""
    if not message.callback_url:
        return None
    report = {"status": "cancelled", "at": ledger.now_kst(), "note": NOTES["cancelled"]}
    if message.kind == "close":
        result = message.result_code or "RC-06"
        report |= {"status": "closed", "result_code": result, "note": NOTES.get(result, NOTES["RC-06"])}
    callback = _callback(message.relay, message.callback_url, report)
    ledger.owe_callback(db, callback)
    return callback
