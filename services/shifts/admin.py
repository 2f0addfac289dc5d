"""The shift in the admin site: the plan to set, the rest to look at."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from ocenter.accounts.admin_base import ReadOnlyAdmin, ScopedAdmin
from ocenter.accounts.pretty import link_to
from services.shifts import documents
from services.shifts.models import Handover, Notice, ShiftDuty, ShiftPlan

STATE_COLOURS: Final = {"draft": "", "signed": "warning", "archived": "success", "returned": "danger"}
SOUND_COLOURS: Final = {"heard": "success", "not_heard": "danger", "untested": ""}


class ShiftPlanAdmin(ScopedAdmin):
    """When the shifts begin, and the crews."""

    list_display = ("__str__", "crews")
    fieldsets = ((None, {"fields": ("municipality", ("day_at", "evening_at", "night_at"), "crews")}),)


class ShiftDutyAdmin(ReadOnlyAdmin):
    """Who was on duty, when."""

    list_display = ("person", "crew", "shift", "day", "began_at", "ended_at", "ended", "sound_badge")
    list_filter = ("shift", "crew", "sound", "ended")
    search_fields = ("user__username", "user__display_name")
    date_hierarchy = "began_at"
    list_select_related = ("user",)
    readonly_fields = ("person",)
    fields = ("person", ("crew", "shift", "day"), ("began_at", "ended_at", "ended"), ("sound", "sound_at"))

    @display(description=_("user"), ordering="user__username")
    def person(self, duty: ShiftDuty) -> str:
        """The name people see."""
        return duty.user.label

    @display(description=_("sound test"), ordering="sound", label=SOUND_COLOURS)
    def sound_badge(self, duty: ShiftDuty) -> tuple[str, str]:
        """The result as a coloured word."""
        return duty.sound, duty.get_sound_display()


class HandoverAdmin(ReadOnlyAdmin):
    """Handovers, to look at; they are read and printed at `/shift/`."""

    list_display = ("__str__", "state_badge", "outgoing", "outgoing_at", "incoming", "incoming_at")
    list_filter = ("state", "shift", "crew")
    search_fields = ("digest",)
    date_hierarchy = "written_at"
    list_select_related = ("outgoing", "incoming")
    readonly_fields = ("corrects", "intact")
    fields = (
        ("shift", "day", "crew"), ("state", "written_at"), ("outgoing", "outgoing_at"), ("incoming", "incoming_at", "incoming_crew"),
        ("returned_by", "returned_at"), "reason", "corrects", "digest", "seal", "intact",
    )  # fmt: skip

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)
    def state_badge(self, handover: Handover) -> tuple[str, str]:
        """The state as a coloured word."""
        return handover.state, handover.get_state_display()

    @display(description=_("corrects"))
    def corrects(self, handover: Handover) -> str:
        """The way to the one that was returned."""
        return link_to(handover.replaces)

    @display(description=_("as it was signed"), boolean=True)
    def intact(self, handover: Handover) -> bool:
        """Whether document, signature and audit chain agree."""
        return not documents.check(handover)


class NoticeAdmin(ReadOnlyAdmin):
    """Notices, to look at; supervisors post them at the console."""

    list_display = ("__str__", "importance", "posted_by", "posted_at", "until", "withdrawn_at", "read_count")
    list_filter = ("importance",)
    search_fields = ("text",)
    date_hierarchy = "posted_at"
    list_select_related = ("posted_by",)
    readonly_fields = ("read_count",)
    fields = ("text", "importance", ("posted_by", "posted_at", "until"), ("withdrawn_by", "withdrawn_at"), "read_count")

    @display(description=_("read by"))
    def read_count(self, notice: Notice) -> int:
        """How many have read it."""
        return notice.reads.count()


PAGES: Final[tuple[tuple[Any, Any], ...]] = (
    (ShiftPlan, ShiftPlanAdmin), (ShiftDuty, ShiftDutyAdmin), (Handover, HandoverAdmin), (Notice, NoticeAdmin),
)  # fmt: skip
