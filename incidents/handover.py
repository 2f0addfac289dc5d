"""Handing an incident over with consent: offered, then accepted or declined, or over after two minutes.

The holder offers it to a colleague; whoever wants what somebody else holds asks the holder, which is an offer to
oneself. In both cases one person's word is wanted (`payloads.asked_of`), and until then nothing changes hands.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents import offers
from incidents.models import Incident
from incidents.operations import colleague
from incidents.payloads import asked_of
from incidents.states import ACTIVE, STEADY
from incidents.work import Invalid, NotAllowedNow, Result, Work, lock_incident
from ocenter.accounts.models import User
from ocenter.accounts.principal import SYSTEM_ACTOR, Principal

LASTS: Final = timedelta(minutes=2)


@transaction.atomic
def incident_offer(*, number: str, by: Principal, username: str) -> Result:
    """Offers the incident to a colleague, or asks its holder for it (`username` empty or oneself).

    Nothing changes hands until they agree. Offering again replaces one's own offer and begins its two minutes anew.
    """
    work, me = _begin(number, by)
    incident = work.incident
    to = colleague(incident, username or me.username)
    if to.pk == incident.holder_id:
        raise Invalid("username", _("They hold it already."))
    if incident.holder_id is None and to.pk == me.pk:
        raise NotAllowedNow(incident, _("Nobody holds it: take it over."))
    if me.pk not in (incident.holder_id, to.pk) and incident.holder_id is not None:
        raise NotAllowedNow(incident, _("%s holds it, and alone may offer it.") % incident.holder.label)
    if _is_pending(incident) and incident.offered_by_id != me.pk:
        raise NotAllowedNow(incident, _("An offer to %s waits for an answer.") % incident.offered_to.label)
    offers.put(incident, to=to, by=me, until=timezone.now() + LASTS)
    asked = asked_of(incident)
    work.note("incident.offered", {"to": to.username, "asked": asked.username if asked else None})
    return work.finish()


@transaction.atomic
def incident_accept(*, number: str, by: Principal) -> Result:
    """Says yes to the offer that waits for one's word: the incident changes hands."""
    work, me = _begin(number, by)
    incident = work.incident
    _require_asked(incident, me)
    before, to = incident.holder, incident.offered_to
    offers.clear(incident)
    offers.hand_to(incident, to)
    work.note(
        "incident.assigned", {"from": before.username if before else None, "to": to.username, "because": "accepted"}
    )
    return work.finish()


@transaction.atomic
def incident_decline(*, number: str, by: Principal) -> Result:
    """Says no to the offer that waits for one's word, or withdraws one's own."""
    work, me = _begin(number, by)
    incident = work.incident
    mine = _is_pending(incident) and incident.offered_by_id == me.pk
    if not mine:
        _require_asked(incident, me)
    to = incident.offered_to.username
    offers.clear(incident)
    work.note("incident.offer_withdrawn" if mine else "incident.offer_declined", {"to": to})
    return work.finish()


def offers_expire() -> int:
    """Ends every offer nobody has answered in time; returns how many. The sweeper's duty."""
    due = Incident.objects.filter(offer_until__lte=timezone.now(), status__in=ACTIVE)
    return sum(_expire(number) for number in due.values_list("number", flat=True)[:50])


@transaction.atomic
def _expire(number: str) -> bool:
    work = Work(lock_incident(number), SYSTEM_ACTOR)
    incident = work.incident
    if incident.offer_until is None or incident.offer_until > timezone.now():
        return False
    to = incident.offered_to.username
    offers.clear(incident)
    work.note("incident.offer_expired", {"to": to})
    work.finish()
    return True


def _begin(number: str, by: Principal) -> tuple[Work, User]:
    work = Work(lock_incident(number), by.actor, by)
    if work.incident.status not in STEADY["offer"]:
        raise NotAllowedNow(work.incident, _("Not possible from its present state."))
    assert by.user is not None  # machines may do none of this (`roles`)
    return work, by.user


def _is_pending(incident: Incident) -> bool:
    return incident.offer_until is not None and incident.offer_until > timezone.now()


def _require_asked(incident: Incident, me: User) -> None:
    asked = asked_of(incident)
    if not _is_pending(incident) or asked is None or asked.pk != me.pk:
        raise NotAllowedNow(incident, _("No offer waits for your answer."))
