"""Writing a handover and signing it: draft → signed → archived, or returned and written anew.

Every write first locks the municipality's row, so that two who sign at once are settled one after the other: the
second is refused with how it stands. The contents are read beforehand from one view of the database.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents import ledger
from incidents.reports import storable
from incidents.work import Invalid
from ocenter.accounts.models import Municipality, User
from ocenter.accounts.principal import Principal
from services.shifts import documents
from services.shifts.clock import span_of
from services.shifts.duties import Refused, person, record, required_duty, town_of
from services.shifts.models import NOTES_LENGTH, Handover, ShiftDuty
from services.shifts.sections import Scope, sections
from services.shifts.selectors import OPEN, plan_of, whole_handovers

# An older draft no longer says how things are: it is refreshed and read before it is signed.
SIGN_WITHIN: Final = timedelta(minutes=15)
REASON_LENGTH: Final = 300
State = Handover.State


def handover_draft(*, by: Principal) -> tuple[Handover, bool]:
    """Writes the draft of the caller's shift from the present state, or refreshes the one there is; whether it is new.

    Notes stay. Safe to repeat. Raises Refused where the caller is not on duty, or one waits for its second signature.
    """
    duty = required_duty(by)
    written = _compose(town_of(by), duty.shift, duty.day)
    with transaction.atomic():
        _lock(town_of(by))
        present = _all(by).filter(state__in=OPEN).first()
        if present and present.state == State.SIGNED:
            raise Refused(_("A handover waits for the incoming shift's signature; that comes first."), present)
        handover = present or Handover(municipality_id=town_of(by), version=0)
        handover.shift, handover.day, handover.crew = duty.shift, duty.day, duty.crew
        _write(handover, written, person(by))
        record(by, "shift.handover_written", documents.subject_of(handover), {"version": handover.version})
    return handover, present is None


@transaction.atomic
def handover_note(*, handover_id: int, by: Principal, version: int, notes: str) -> Handover:
    """Writes the outgoing shift's own words. Raises Refused where it is no draft or has changed since `version`."""
    if len(notes) > NOTES_LENGTH or not storable(notes):
        raise Invalid("notes", _("At most 4,000 characters, without NUL."))
    handover = _begin(handover_id, by)
    _require_draft(handover, version)
    _require_outgoing(handover, required_duty(by))
    handover.notes, handover.version = notes.strip(), handover.version + 1
    handover.save(update_fields=["notes", "version"])
    record(by, "shift.handover_noted", documents.subject_of(handover), {"version": handover.version})
    return handover


@transaction.atomic
def handover_sign(*, handover_id: int, by: Principal, version: int) -> Handover:
    """Signs for the outgoing shift what was read as `version`, and freezes it: from here on nothing can change it.

    Raises Refused where it is no draft, has changed since, is older than 15 minutes, or is another shift's.
    """
    handover = _begin(handover_id, by)
    _require_draft(handover, version)
    _require_outgoing(handover, required_duty(by))
    now = timezone.now()
    if now - handover.written_at > SIGN_WITHIN:
        raise Refused(_("The draft is older than 15 minutes: refresh it, read it, then sign."), handover)
    handover.state, handover.outgoing, handover.outgoing_at = State.SIGNED, person(by), now
    handover.frozen = documents.canonical(handover)
    handover.digest, handover.content = documents.digest_of(handover.frozen), {}
    handover.save()
    record(by, documents.SIGNED, documents.subject_of(handover), {"digest": handover.digest})
    return handover


@transaction.atomic
def handover_countersign(*, handover_id: int, by: Principal, digest: str) -> Handover:
    """Signs for the incoming shift the document whose digest was read, and archives it.

    Raises Refused where it is not waiting, is not the document read, is not intact, or the caller is who handed it over
    or of the same shift and crew.
    """
    handover = _begin(handover_id, by)
    _require_waiting(handover)
    _require_incoming(handover, person(by), duty := required_duty(by))
    if documents.check(handover):
        raise Refused(_("The document is not what was signed; do not sign it, tell your administrator."), handover)
    if digest != handover.digest:
        raise Refused(_("This is not the document you have read; read it again."), handover)
    handover.state, handover.incoming, handover.incoming_at = State.ARCHIVED, person(by), timezone.now()
    handover.incoming_crew = duty.crew
    handover.countersigned = documents.countersignature(handover)
    handover.seal = documents.digest_of(handover.countersigned)
    handover.save()
    record(by, documents.COUNTERSIGNED, documents.subject_of(handover), {"digest": handover.digest, "seal": handover.seal})
    return handover


def handover_return(*, handover_id: int, by: Principal, reason: str) -> Handover:
    """Sends a signed handover back for correction; returns the new draft, made from the present state with its notes.

    What was signed stays in the archive as returned. Raises Invalid without a reason, Refused where it is not waiting.
    """
    if not (reason := reason.strip()) or len(reason) > REASON_LENGTH or not storable(reason):
        raise Invalid("reason", _("Say why, in at most 300 characters."))
    read = _all(by).get(pk=handover_id)
    required_duty(by)
    written = _compose(town_of(by), read.shift, read.day)
    with transaction.atomic():
        handover = _begin(handover_id, by)
        _require_waiting(handover)
        handover.state, handover.reason = State.RETURNED, reason
        handover.returned_by, handover.returned_at = person(by), timezone.now()
        handover.save()
        fresh = Handover(
            municipality_id=town_of(by), version=0, replaces=handover, notes=handover.notes, shift=handover.shift,
            day=handover.day, crew=handover.crew,
        )  # fmt: skip
        assert handover.outgoing  # it was signed
        _write(fresh, written, handover.outgoing)
        detail = {"digest": handover.digest, "reason": reason, "draft": fresh.pk}
        record(by, "shift.handover_returned", documents.subject_of(handover), detail)
    return fresh


def _compose(municipality_id: int, shift: str, day: date) -> dict[str, Any]:
    """The contents, all from one view of the database: true at exactly one cursor, and no writer waits for it."""
    ledger.heads([municipality_id])  # begins a ledger that has no row yet, which a view cannot
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        at = ledger.heads([municipality_id])
        municipality = Municipality.objects.defer("boundary").get(pk=municipality_id)
        span = span_of(plan_of(municipality_id), shift, day)
        scope = Scope(municipality, span, timezone.now())
        return {
            "written_at": scope.at, "cursor": ledger.write_cursor(at), "since": span.begins_at.isoformat(),
            "sections": sections(scope),
        }  # fmt: skip


def _write(handover: Handover, written: dict[str, Any], author: User) -> None:
    handover.written_at = written["written_at"]
    handover.content = {name: value for name, value in written.items() if name != "written_at"}
    handover.written_by, handover.version = author, handover.version + 1
    handover.save()


def _lock(municipality_id: int) -> None:
    list(Municipality.objects.select_for_update(no_key=True).filter(pk=municipality_id).values_list("pk"))


def _all(by: Principal) -> Any:
    return whole_handovers(town_of(by))


def _begin(handover_id: int, by: Principal) -> Handover:
    """The handover, nobody else writing one here until the transaction ends. Raises Handover.DoesNotExist."""
    _lock(town_of(by))
    return _all(by).get(pk=handover_id)  # type: ignore[no-any-return]


def _require_draft(handover: Handover, version: int) -> None:
    if handover.state != State.DRAFT:
        raise Refused(_("It is signed already and can no longer change."), handover)
    if handover.version != version:
        raise Refused(_("Somebody has changed it meanwhile; read it again."), handover)


def _require_waiting(handover: Handover) -> None:
    if handover.state == State.DRAFT:
        raise Refused(_("The outgoing shift has not signed it yet."), handover)
    if handover.state != State.SIGNED:
        raise Refused(_("It no longer waits for a signature."), handover)


def _require_outgoing(handover: Handover, duty: ShiftDuty) -> None:
    if (duty.crew, duty.shift, duty.day) != (handover.crew, handover.shift, handover.day):
        raise Refused(_("Only the shift that hands over may write and sign it."), handover)


def _require_incoming(handover: Handover, who: User, duty: ShiftDuty) -> None:
    if who.pk == handover.outgoing_id:
        raise Refused(_("Two different people sign; you have signed for the outgoing shift."), handover)
    if (duty.crew, duty.shift, duty.day) == (handover.crew, handover.shift, handover.day):
        raise Refused(_("The incoming shift signs; you are of the shift that hands over."), handover)
