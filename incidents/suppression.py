"""Suppressed sources: what chatters is put aside by a supervisor, for a time, with a reason, and never dropped.

Its events are stored as ever; the incidents they open of G3 to G5 open shelved until the suppression ends, by time
or by hand. G1 and G2 are never suppressed. Beginning, ending and intake take turns by the intake's lock: nothing is
put aside by a suppression that has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, TypedDict

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents import ledger, shelf
from incidents.alarm_models import Suppression
from incidents.codes import CODES
from incidents.locks import lock_intake
from incidents.models import Incident
from incidents.payloads import Names, iso, person
from incidents.reports import storable
from incidents.selectors import whole_incidents
from incidents.states import ACTIVE
from incidents.work import Invalid, Work, finish_all
from linkage import relays
from linkage.models import LinkedSystem
from ocenter.accounts import audit
from ocenter.accounts.models import Municipality
from ocenter.accounts.principal import SYSTEM_ACTOR, Actor, Principal

AT_MOST: Final = timedelta(hours=8)
REASON_LENGTH: Final = 300
SUPPRESSIBLE: Final = frozenset({"G3", "G4", "G5"})

Running = Sequence[Suppression]


class SuppressionPayload(TypedDict):
    """One suppressed source; `incidents` counts what it holds on the shelf now."""

    id: int
    municipality: str
    system: str
    system_name: Names
    device_id: str
    reason: str
    by: Names
    began_at: str
    until: str
    ended_at: str | None
    ending: str
    incidents: int


class AlreadyOver(Exception):
    """The suppression has ended; nothing is changed."""


def running(municipality_id: int) -> Running:
    """What is suppressed now; the intake's lock should be held, so that it stays so."""
    return list(Suppression.objects.filter(municipality_id=municipality_id, ended_at=None).select_related("by"))


def of(suppressed: Running, incident: Incident, system_id: int | None, device_id: str) -> Suppression | None:
    """The suppression that holds for something of this source in this incident, or None. G1 and G2: always None."""
    if not suppressed or incident.grade not in SUPPRESSIBLE or CODES[incident.code].grade not in SUPPRESSIBLE:
        return None
    mine = (one for one in suppressed if one.system_id == system_id and one.device_id in ("", device_id))
    return next((one for one in mine if one.until > timezone.now()), None)


def put_aside(suppressed: Running, incident: Incident) -> None:
    """Has a new incident of a suppressed source open shelved; not saved."""
    found = of(suppressed, incident, incident.system_id, incident.device_id)
    if found:
        shelf.put(incident, until=found.until, reason=found.reason, by=found.by, suppression=found)


def visible(principal: Principal) -> QuerySet[Suppression]:
    """The suppressions of the caller's municipalities, the newest first, with how many incidents each holds now."""
    held = Count("incidents", filter=Q(incidents__status__in=ACTIVE, incidents__shelved_until__isnull=False))
    rows = Suppression.objects.filter(municipality_id__in=principal.municipalities)
    return rows.select_related("municipality", "system", "by").defer("municipality__boundary").annotate(held=held)


def payload(one: Suppression) -> SuppressionPayload:
    """A suppression of `visible` from outside."""
    return {
        "id": one.pk, "municipality": one.municipality.code, "system": one.system.slug, "system_name": one.system.name,
        "device_id": one.device_id, "reason": one.reason, "by": person(one.by), "began_at": one.began_at.isoformat(),
        "until": one.until.isoformat(), "ended_at": iso(one.ended_at), "ending": one.ending, "incidents": getattr(one, "held", 0),
    }  # fmt: skip


@transaction.atomic
def source_suppress(
    *, municipality: Municipality, by: Principal, system: str, device_id: str, reason: str, minutes: int
) -> int:
    """Suppresses a device of a linked system, or the whole system where `device_id` is empty; returns the id.

    Raises Invalid for an unknown system, a missing reason, a span beyond eight hours, or a source that is suppressed
    already: repeating changes nothing.
    """
    source = LinkedSystem.objects.filter(municipality=municipality, slug=system).first()
    if source is None:
        raise Invalid("system", _("No linked system of that name."))
    if not reason.strip() or len(reason) > REASON_LENGTH or not storable(reason):
        raise Invalid("reason", _("Say why, in at most 300 characters, without NUL."))
    if not 1 <= minutes <= AT_MOST.total_seconds() // 60:
        raise Invalid("minutes", _("From 1 to 480 minutes."))
    if len(device_id) > 120 or not storable(device_id):
        raise Invalid("device_id", _("At most 120 characters, without NUL."))
    lock_intake(municipality.pk)
    if Suppression.objects.filter(municipality=municipality, system=source, device_id=device_id, ended_at=None).exists():
        raise Invalid("device_id", _("It is suppressed already; end that first."))
    now = timezone.now()
    made = Suppression.objects.create(
        municipality=municipality, system=source, device_id=device_id, reason=reason.strip(), by=by.user,
        began_at=now, until=now + timedelta(minutes=minutes),
    )  # fmt: skip
    _write("suppression.began", made, by.actor, by, {"reason": made.reason, "until": made.until.isoformat()})
    return made.pk


def suppression_end(*, pk: int, by: Principal) -> None:
    """Ends a suppression by hand and brings back what it holds. Raises AlreadyOver where it has ended."""
    if not _end(pk, Suppression.Ending.HAND, by.actor, by):
        raise AlreadyOver


def suppressions_expire() -> int:
    """Ends what is over by time and brings back what it holds; returns how many. The sweeper's duty."""
    due = Suppression.objects.filter(ended_at=None, until__lte=timezone.now()).values_list("pk", flat=True)
    return sum(_end(pk, Suppression.Ending.TIME, SYSTEM_ACTOR, None) for pk in due[:20])


def _end(pk: int, ending: str, actor: Actor, by: Principal | None) -> bool:
    with transaction.atomic():
        one = Suppression.objects.select_related("municipality", "system").defer("municipality__boundary").get(pk=pk)
        lock_intake(one.municipality_id)
        one = Suppression.objects.select_for_update(of=("self",)).select_related("municipality", "system").get(pk=pk)
        if one.ended_at is not None:
            return False
        one.ended_at, one.ending = timezone.now(), ending
        one.save(update_fields=["ended_at", "ending"])
        _return(one, actor, by)
        _write("suppression.ended", one, actor, by, {"because": ending})
    return True


def _return(one: Suppression, actor: Actor, by: Principal | None) -> None:
    """Brings back all that it holds, in the one transaction that ends it: nothing stays aside without a reason."""
    held = Incident.objects.filter(suppression=one, shelved_until__isnull=False, status__in=ACTIVE)
    numbers = list(held.values_list("number", flat=True))
    relays.lock_subjects(numbers)
    works = []
    for incident in whole_incidents().select_for_update(no_key=True, of=("self",)).filter(number__in=numbers).order_by("pk"):
        if incident.suppression_id == one.pk and incident.shelved_until is not None and incident.status in ACTIVE:
            work = Work(incident, actor, by)
            shelf.take_back(incident)
            work.note("incident.unshelved", {"because": "suppression"})
            works.append(work)
    if works:
        finish_all(works)


def _write(kind: str, one: Suppression, actor: Actor, by: Principal | None, detail: dict[str, Any]) -> None:
    said = {"suppression": one.pk, "system": one.system.slug, "device_id": one.device_id, **detail}
    ledger.append(one.municipality, [ledger.Draft(kind, None, actor, said)])
    audit.record(
        actor=f"{actor['kind']}:{actor['name']}", action=kind, subject=f"source:{one}", detail=said,
        municipality_id=one.municipality_id, address=by.address if by else None,
    )  # fmt: skip
