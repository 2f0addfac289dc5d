"""Everything that changes an incident after intake opened it: one function an action.

Each is one transaction in the frame of `work`: the subject's lock, the incident's row, the change, and the
ledger and audit rows last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents import guards, offers, shelf, threads
from incidents.codes import ACK_TARGET, RESULT_CODES, TEST_REASON
from incidents.following import follow_agencies
from incidents.models import Event, Incident
from incidents.opening import new_incident, next_numbers
from incidents.relaying import RelayRequest, open_relays, tell_agencies
from incidents.reports import Report, storable
from incidents.states import ACTIVE, JOINABLE, MOVES, STEADY, UNACKNOWLEDGED
from incidents.work import Invalid, NotAllowedNow, Result, Work, lock_incident
from linkage import relays
from linkage.masking import masked_text
from linkage.models import Delivery, LinkedSystem, Relay
from linkage.states import ENDED as RELAY_ENDED
from ocenter.accounts.models import Municipality, User
from ocenter.accounts.principal import SYSTEM_ACTOR, Actor, Principal
from ocenter.accounts.roles import actions_of

REOPEN_WITHIN: Final = timedelta(hours=24)
SHELVE_AT_MOST: Final = timedelta(minutes=60)
SHELVABLE_GRADES: Final = frozenset({"G3", "G4", "G5"})
REASON_LENGTH: Final = 300
NOTE_LENGTH: Final = 2_000
CALLER_LENGTH: Final = 100


def _begin(number: str, by: Principal) -> Work:
    return Work(lock_incident(number), by.actor, by)


def _require_steady(work: Work, action: str) -> None:
    if work.incident.status not in STEADY[action]:
        raise NotAllowedNow(work.incident, _("Not possible from its present state."))


def reason_of(text: str, field: str = "reason") -> str:
    """A reason without its blanks around. Raises Invalid where there is none, or too much of it."""
    if not text.strip():
        raise Invalid(field, _("Say why."))
    if len(text) > REASON_LENGTH or not storable(text):
        raise Invalid(field, _("At most 300 characters, without NUL."))
    return text.strip()


def _note(text: str) -> str:
    if len(text) > NOTE_LENGTH or not storable(text):
        raise Invalid("note", _("At most 2,000 characters, without NUL."))
    return text.strip()


@transaction.atomic
def incident_acknowledge(*, number: str, by: Principal) -> Result:
    """Takes notice: silences it and makes the caller its holder. Acknowledging is not closing."""
    work = _begin(number, by)
    _acknowledge(work, by)
    return work.finish()


def _acknowledge(work: Work, by: Principal) -> None:
    work.move("acknowledge")
    work.incident.acknowledged_at = timezone.now()
    offers.hand_to(work.incident, by.user or work.incident.holder)


@transaction.atomic
def incident_verify(*, number: str, by: Principal) -> Result:
    """The operator is looking at the cameras."""
    work = _begin(number, by)
    work.move("verify")
    return work.finish()


@transaction.atomic
def incident_confirm(*, number: str, by: Principal) -> Result:
    """It is real. An agency that has answered already moves it on at once."""
    work = _begin(number, by)
    work.move("confirm")
    follow_agencies(work)
    return work.finish()


@transaction.atomic
def incident_false_alarm(*, number: str, by: Principal, reason: str) -> Result:
    """It is not real; `reason` is a code of FALSE_ALARM_REASONS or free text. Told agencies get a cancel."""
    work = _begin(number, by)
    reason = reason_of(reason)
    work.move("test" if reason == TEST_REASON else "false-alarm", {"reason": reason})
    work.incident.reason, work.incident.closed_at = reason, timezone.now()
    tell_agencies(work.incident, Delivery.Message.CANCEL, {"reason": reason})
    return work.finish()


@transaction.atomic
def incident_respond(*, number: str, by: Principal) -> Result:
    """Somebody is on the way or at work."""
    work = _begin(number, by)
    work.move("respond")
    return work.finish()


@transaction.atomic
def incident_resolve(*, number: str, by: Principal, note: str = "") -> Result:
    """The danger is over; what remains is closing."""
    work = _begin(number, by)
    note = _note(note)
    work.move("resolve", {"note": note} if note else None)
    return work.finish()


@transaction.atomic
def incident_close(*, number: str, by: Principal, result_code: str, note: str = "", override: bool = False) -> Result:
    """Closes with a result code. What a higher app guards (open steps of a procedure) forbids it; so does an agency
    still at work, unless a supervisor overrides: then the agency is told that the case is closed here."""
    work = _begin(number, by)
    note = _note(note)
    if result_code not in RESULT_CODES:
        raise Invalid("result_code", _("A result code is needed: one of %s.") % ", ".join(RESULT_CODES))
    if work.incident.status not in MOVES["close"].sources:
        raise NotAllowedNow(work.incident, _("Not possible from its present state."))
    waiting = open_relays(work.incident.number)
    if waiting:
        _require_override(work.incident, waiting, by, override, note)
    guards.require_closable(work.incident)
    if waiting:
        tell_agencies(work.incident, Delivery.Message.CLOSE, {"result_code": result_code})
    detail = {"result_code": result_code, "note": note, "override": bool(waiting)}
    work.move("close", {name: value for name, value in detail.items() if value})
    work.incident.result_code, work.incident.closed_at = result_code, timezone.now()
    return work.finish()


def _require_override(incident: Incident, waiting: list[Relay], by: Principal, override: bool, note: str) -> None:
    if not (override and by.may("override")):
        names = ", ".join(one.system.slug for one in waiting)
        raise NotAllowedNow(
            incident, _("%s has not closed its case; wait for it, or let a supervisor close over it.") % names
        )
    reason_of(note, "note")


@transaction.atomic
def incident_reopen(*, number: str, by: Principal, reason: str) -> Result:
    """Opens it again within 24 hours, with a reason; it wants to be acknowledged anew."""
    work = _begin(number, by)
    reason = reason_of(reason)
    ended_at = work.incident.closed_at or work.incident.status_at
    if timezone.now() - ended_at > REOPEN_WITHIN:
        raise NotAllowedNow(work.incident, _("It ended more than 24 hours ago; register a new one."))
    work.move("reopen", {"reason": reason})
    incident, target = work.incident, ACK_TARGET.get(work.incident.grade)
    incident.closed_at, incident.acknowledged_at, incident.result_code = None, None, ""
    incident.reason = reason
    incident.ack_due_at = timezone.now() + target if target else None
    return work.finish()


@transaction.atomic
def incident_assign(*, number: str, by: Principal, username: str) -> Result:
    """Takes the incident oneself (`username` empty), or, as a supervisor, puts it into a colleague's hands.

    What somebody else holds is taken only with their consent (`incident_offer`), and so is what is given to somebody.
    """
    work = _begin(number, by)
    _require_steady(work, "assign")
    holder = colleague(work.incident, username or by.actor["name"])
    before = work.incident.holder
    if not by.may("direct"):
        _require_consent(work.incident, holder, by)
    offers.hand_to(work.incident, holder)
    work.note("incident.assigned", {"from": before.username if before else None, "to": holder.username})
    return work.finish()


def colleague(incident: Incident, username: str) -> User:
    """Who of that name may hold incidents of this municipality now. Raises Invalid."""
    found = User.objects.filter(username=username, municipality_id=incident.municipality_id).first()
    if found is None or not found.is_current() or "acknowledge" not in actions_of(found.role):
        raise Invalid("username", _("Nobody of that name works here."))
    return found


def _require_consent(incident: Incident, holder: User, by: Principal) -> None:
    if holder.username != by.actor["name"]:
        raise NotAllowedNow(incident, _("A colleague must agree: offer it to them, or let a supervisor assign it."))
    if incident.holder_id not in (None, holder.pk):
        raise NotAllowedNow(
            incident, _("%s holds it: ask for it, or let a supervisor assign it.") % incident.holder.label
        )


@transaction.atomic
def incident_note(*, number: str, by: Principal, text: str) -> Result:
    """Adds a note to the timeline."""
    work = _begin(number, by)
    _require_steady(work, "note")
    if not (note := _note(text)):
        raise Invalid("note", _("A text of 1 to 2,000 characters is needed."))
    work.note("incident.noted", {"note": note})
    return work.finish()


@transaction.atomic
def incident_shelve(*, number: str, by: Principal, reason: str, minutes: int) -> Result:
    """Puts a G3–G5 aside for at most 60 minutes; it comes back by itself or when something new happens."""
    work = _begin(number, by)
    _require_steady(work, "shelve")
    reason = reason_of(reason)
    if work.incident.grade not in SHELVABLE_GRADES:
        raise NotAllowedNow(work.incident, _("Only G3 to G5 can be shelved."))
    if not 1 <= minutes <= SHELVE_AT_MOST.total_seconds() // 60:
        raise Invalid("minutes", _("From 1 to 60 minutes."))
    until = timezone.now() + timedelta(minutes=minutes)
    shelf.put(work.incident, until=until, reason=reason, by=by.user)
    shelf.calm(work.incident)
    work.note("incident.shelved", {"reason": reason, "until": until.isoformat()})
    return work.finish()


@transaction.atomic
def incident_unshelve(*, number: str, by: Principal) -> Result:
    """Brings a shelved incident back."""
    work = _begin(number, by)
    if work.incident.shelved_until is None:
        raise NotAllowedNow(work.incident, _("It is not shelved."))
    shelf.take_back(work.incident)
    work.note("incident.unshelved")
    return work.finish()


def incidents_return_from_shelf() -> int:
    """Brings back every incident whose time on the shelf is over; returns how many. The sweeper's duty."""
    due = Incident.objects.filter(shelved_until__lte=timezone.now(), status__in=ACTIVE)
    return sum(_return_from_shelf(number) for number in due.values_list("number", flat=True)[:200])


@transaction.atomic
def _return_from_shelf(number: str) -> bool:
    work = Work(lock_incident(number), SYSTEM_ACTOR)
    if work.incident.shelved_until is None or work.incident.shelved_until > timezone.now():
        return False
    shelf.take_back(work.incident)
    work.note("incident.unshelved", {"because": "time"})
    work.finish()
    return True


def incidents_expire() -> int:
    """Ends every incident whose time is over and whose source has said nothing more; returns how many. The sweeper's duty."""
    due = Incident.objects.filter(expires_at__lte=timezone.now(), status__in=JOINABLE)
    return sum(_expire(number) for number in due.values_list("number", flat=True)[:200])


@transaction.atomic
def _expire(number: str) -> bool:
    work = Work(lock_incident(number), SYSTEM_ACTOR)
    incident = work.incident
    if incident.status not in JOINABLE or incident.expires_at is None or incident.expires_at > timezone.now():
        return False
    at_work = bool(open_relays(number))
    if move := threads.ending(incident, Event.Action.END, at_work=at_work):
        said = threads.end(incident, move, Event.Action.END)
        work.note(MOVES[move].kind, {**said, "because": "expired"})
        work.finish()
    return bool(move)


@transaction.atomic
def incident_register(*, municipality: Municipality, report: Report, by: Principal, caller: str = "") -> Result:
    """Opens an incident an operator has heard of (a telephone call): it enters acknowledged. `caller` is who said so;
    a telephone number in it is covered, since the ledger forgets nothing."""
    if len(caller) > CALLER_LENGTH or not storable(caller):
        raise Invalid("caller", _("At most 100 characters, without NUL."))
    (number,) = next_numbers(municipality, 1)
    incident = new_incident(municipality, number, report, None, timezone.now())
    incident.save()
    work = Work(incident, by.actor, by)
    said = {"caller": masked_text(caller.strip())} if caller.strip() else {}
    work.note("incident.opened", {"registered_by": by.actor["name"], **said})
    _acknowledge(work, by)
    return work.finish()


@transaction.atomic
def incident_relay(*, number: str, by: Principal, request: RelayRequest, anew: bool = False) -> Result:
    """Tells an agency. Who relays has taken notice: an unacknowledged incident is acknowledged with it.

    Repeating to the same agency sends nothing twice; after a failure it sends the same message again. An agency that
    has ended its case is told only with `anew`, which opens a new case there (decision 0013).
    """
    work = _begin(number, by)
    _require_steady(work, "relay")
    if not anew:
        _require_listening(work.incident, request.system)
    if work.incident.status in UNACKNOWLEDGED:
        _acknowledge(work, by)
        work.finish()
    _open_relay(work.incident, request, by.actor, anew)
    fresh = Work(lock_incident(number), by.actor, by)
    return fresh.finish()


def _require_listening(incident: Incident, agency: LinkedSystem) -> None:
    """An agency that has ended its case takes nothing more of it: the operator must know, and choose."""
    relay = relays.relay_of(agency, incident.number)
    if relay and relay.state in RELAY_ENDED:
        what = {"agency": agency.slug, "state": relay.get_state_display(), "phone": agency.phone or "–"}
        raise NotAllowedNow(
            incident, _("%(agency)s has ended its case (%(state)s): open a new one there, or call %(phone)s.") % what
        )


def relays_by_rule(*, requests: Sequence[tuple[Incident, RelayRequest]]) -> None:
    """Tells agencies without an operator, where a rule says so; inside the transaction that opened the incidents."""
    openings = [relays.Opening(one.system, incident.number, one.payload, one.detail) for incident, one in requests]
    if openings:
        relays.relays_open(openings=openings, actor=SYSTEM_ACTOR)


def _open_relay(incident: Incident, request: RelayRequest, actor: Actor, anew: bool) -> Relay:
    return relays.relay_open(
        system=request.system, subject=incident.number, payload=request.payload, actor=actor, detail=request.detail, anew=anew
    )
