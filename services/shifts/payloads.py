"""How the shift looks from outside: the same for REST and page."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

import orjson

from incidents.payloads import iso
from ocenter.accounts.models import User
from services.shifts import documents
from services.shifts.clock import Plan, Span, span_of
from services.shifts.models import Handover, Notice, ShiftDuty
from services.shifts.sections import Section


class SpanPayload(TypedDict):
    """One shift of one day."""

    shift: str
    day: str
    begins_at: str
    ends_at: str


class Start(TypedDict):
    """When a shift begins, in Korean time ("06:00")."""

    shift: str
    at: str


class DutyPayload(TypedDict):
    """One person's time on duty; `ends_at` is the end of the shift, `ended_at` that of the duty."""

    username: str
    name: str
    crew: str
    shift: str
    day: str
    ends_at: str
    began_at: str
    ended_at: str | None
    ended: str
    sound: str
    sound_at: str | None


class Signature(TypedDict):
    """Who signed, as they were called then."""

    username: str
    name: str
    crew: str
    at: str


class Returned(TypedDict):
    """Who sent it back, and why."""

    name: str
    at: str
    reason: str


class HandoverBrief(TypedDict):
    """One handover in a list."""

    id: int
    state: str
    version: int
    shift: str
    day: str
    crew: str
    written_at: str
    written_by: str
    outgoing: Signature | None
    incoming: Signature | None
    returned: Returned | None
    replaces: int | None
    digest: str
    seal: str


class HandoverPayload(HandoverBrief):
    """One handover, whole. `wrong` lists what is no longer as it was signed: nothing, unless somebody tampered."""

    since: str
    cursor: str
    sections: list[Section]
    notes: str
    wrong: list[str]


class NoticePayload(TypedDict):
    """A notice; `read_at` is when the caller has read it, `readers` who else has."""

    id: int
    text: str
    importance: str
    until: str
    posted_by: str
    posted_at: str
    withdrawn_at: str | None
    read_at: str | None
    readers: list[str]


def span_payload(span: Span) -> SpanPayload:
    """The span from outside."""
    return {
        "shift": span.shift, "day": span.day.isoformat(), "begins_at": span.begins_at.isoformat(),
        "ends_at": span.ends_at.isoformat(),
    }  # fmt: skip


def starts_payload(plan: Plan) -> list[Start]:
    """When each shift begins."""
    return [{"shift": shift, "at": at.strftime("%H:%M")} for shift, at in plan.starts]


def duty_payload(duty: ShiftDuty, plan: Plan) -> DutyPayload:
    """The duty from outside; `duty.user` should be loaded."""
    return {
        "username": duty.user.username, "name": duty.user.label, "crew": duty.crew, "shift": duty.shift,
        "day": duty.day.isoformat(), "ends_at": span_of(plan, duty.shift, duty.day).ends_at.isoformat(),
        "began_at": duty.began_at.isoformat(), "ended_at": iso(duty.ended_at), "ended": duty.ended,
        "sound": duty.sound, "sound_at": iso(duty.sound_at),
    }  # fmt: skip


def handover_brief(handover: Handover) -> HandoverBrief:
    """The handover in a list; the people should be loaded."""
    return {
        "id": handover.pk, "state": handover.state, "version": handover.version, "shift": handover.shift,
        "day": handover.day.isoformat(), "crew": handover.crew, "written_at": handover.written_at.isoformat(),
        "written_by": handover.written_by.label,
        "outgoing": _signature(handover.outgoing, handover.crew, handover.outgoing_at),
        "incoming": _signature(handover.incoming, handover.incoming_crew, handover.incoming_at),
        "returned": _returned(handover), "replaces": handover.replaces_id, "digest": handover.digest, "seal": handover.seal,
    }  # fmt: skip


def handover_payload(handover: Handover) -> HandoverPayload:
    """The handover, whole. What was signed is read from the frozen document and nowhere else."""
    signed: dict[str, Any] = orjson.loads(handover.frozen) if handover.frozen else {"notes": handover.notes, **handover.content}
    brief = handover_brief(handover)
    if handover.frozen:
        brief["outgoing"] = {**signed["outgoing"], "crew": signed["crew"]}
    if handover.countersigned:
        brief["incoming"] = orjson.loads(handover.countersigned)["incoming"]
    return {
        **brief, "since": signed["since"], "cursor": signed["cursor"], "sections": signed["sections"], "notes": signed["notes"],
        "wrong": documents.check(handover),
    }  # fmt: skip


def notice_payload(notice: Notice, reader: User | None) -> NoticePayload:
    """The notice as `reader` sees it; its reads with their users should be prefetched."""
    reads = sorted(notice.reads.all(), key=lambda one: one.at)
    mine = [one.at for one in reads if reader and one.user_id == reader.pk]
    return {
        "id": notice.pk, "text": notice.text, "importance": notice.importance, "until": notice.until.isoformat(),
        "posted_by": notice.posted_by.label, "posted_at": notice.posted_at.isoformat(),
        "withdrawn_at": iso(notice.withdrawn_at), "read_at": iso(mine[0]) if mine else None,
        "readers": [one.user.label for one in reads],
    }  # fmt: skip


def _signature(who: User | None, crew: str, at: datetime | None) -> Signature | None:
    if who is None or at is None:
        return None
    return {"username": who.username, "name": who.label, "crew": crew, "at": at.isoformat()}


def _returned(handover: Handover) -> Returned | None:
    if handover.returned_by is None or handover.returned_at is None:
        return None
    return {"name": handover.returned_by.label, "at": handover.returned_at.isoformat(), "reason": handover.reason}
