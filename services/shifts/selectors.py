"""Reads of the shift. Each takes a municipality or the caller; none returns another's."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from ocenter.accounts.models import User
from services.shifts.clock import Plan
from services.shifts.models import Handover, Notice, ShiftDuty, ShiftPlan

OPEN = (Handover.State.DRAFT, Handover.State.SIGNED)


def plan_of(municipality_id: int) -> Plan:
    """The municipality's plan, or the usual one."""
    found = ShiftPlan.objects.filter(municipality_id=municipality_id).first()
    return found.plan if found else Plan()


def open_duty(user: User) -> ShiftDuty | None:
    """The duty the person is on, in the municipality they belong to now."""
    return ShiftDuty.objects.select_related("user").filter(
        user=user, ended_at=None, municipality_id=user.municipality_id
    ).first()  # fmt: skip


def on_duty(municipality_id: int) -> QuerySet[ShiftDuty]:
    """Who is on duty, those who began first first."""
    return ShiftDuty.objects.select_related("user").filter(municipality_id=municipality_id, ended_at=None).order_by("began_at", "id")


def last_crew(user: User) -> str:
    """The crew the person was last with; empty for a newcomer."""
    return ShiftDuty.objects.filter(user=user, municipality_id=user.municipality_id).values_list("crew", flat=True).first() or ""


def whole_handovers(municipality_id: int) -> QuerySet[Handover]:
    """The municipality's handovers with the people they name."""
    related = ("municipality", "written_by", "outgoing", "incoming", "returned_by")
    return Handover.objects.filter(municipality_id=municipality_id).select_related(*related).defer("municipality__boundary")


def open_handover(municipality_id: int) -> Handover | None:
    """The handover that is being written or waits for its second signature; there is at most one."""
    return whole_handovers(municipality_id).defer("frozen", "content", "municipality__boundary").filter(state__in=OPEN).first()


def latest_handover(municipality_id: int) -> Handover | None:
    """The newest one that both shifts have signed."""
    archived = whole_handovers(municipality_id).defer("frozen", "content", "municipality__boundary")
    return archived.filter(state=Handover.State.ARCHIVED).order_by("-incoming_at").first()


def current_notices(municipality_id: int, at: datetime) -> QuerySet[Notice]:
    """Notices that hold at `at`, the important ones first, then the newest."""
    return (
        Notice.objects.filter(municipality_id=municipality_id, until__gt=at, withdrawn_at=None)
        .select_related("posted_by")
        .order_by("importance", "-id")
    )
