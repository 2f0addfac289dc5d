"""The quarantine in the admin site: what feeds sent and nobody understood, to look at, run again, or discard.

The raw bytes are shown masked; seeing them as they came is a step of its own, and in the audit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import structlog
from django import forms
from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.core.exceptions import PermissionDenied
from django.db import Error, models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from linkage import quarantine, systems
from linkage.admin_actions import by_of, local_name
from linkage.masking import masked_body, masked_text
from linkage.models import Quarantined
from ocenter.accounts.admin_base import VIEW, ReadOnlyAdmin
from ocenter.accounts.roles import actions_of

log = structlog.get_logger(__name__)

STATE_COLOURS: Final = {"waiting": "warning", "understood": "success", "discarded": ""}
TEXT_SHOWN: Final = 16_384  # characters
HEX_SHOWN: Final = 256  # bytes
# Enough to tell an encoding or a compressed file by, too little to hold anybody's data.
HEX_SHOWN_MASKED: Final = 16
AT_ONCE: Final = 200
ENCODINGS: Final = ("utf-8-sig", "utf-16", "cp949")
CONFIRM: Final = "admin/linkage/quarantined/discard.html"
SHOW: Final = "admin/linkage/quarantined/show.html"


class DiscardForm(forms.Form):
    """Why something is not wanted."""

    reason = forms.CharField(
        label=gettext_lazy("reason"), max_length=200, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("It goes into the audit."),
    )  # fmt: skip


class QuarantinedAdmin(ReadOnlyAdmin):
    """What could not be understood, newest first."""

    municipality_path = "system__municipality"
    auditors_may = VIEW
    change_form_outer_before_template = "admin/linkage/quarantined/panel.html"
    list_display = ("last_at", "source", "format", "reason", "state_badge", "times", "first_at", "size_shown")
    list_filter = ("state", "format", "is_document", ("system", RelatedOnlyFieldListFilter))
    search_fields = ("digest", "errors", "system__slug", "format")
    date_hierarchy = "last_at"
    ordering = ("-last_at",)
    list_select_related = ("system",)
    actions = ("rerun_selected", "discard_selected")
    fieldsets = (
        (None, {"fields": (("source", "format"), ("first_at", "last_at", "times"), ("is_document", "size_shown"), "content_shown")}),
        (gettext_lazy("Reasons"), {"fields": ("reasons",)}),
        (gettext_lazy("What came, personal data covered"), {"fields": ("text_shown", "head_shown", "digest_shown")}),
        (gettext_lazy("Settled"), {"fields": (("state", "settled_at", "settled_by"),)}),
    )  # fmt: skip
    readonly_fields = ("source", "size_shown", "content_shown", "reasons", "text_shown", "head_shown", "digest_shown")
    deeds: ClassVar[tuple[str, ...]] = ("rerun", "discard", "show")

    def get_urls(self) -> list[URLPattern]:
        """The usual pages, and those that do something to one row."""
        own = [
            path(
                f"<int:row_id>/{name}/",
                self.admin_site.admin_view(getattr(self, f"{name}_view")),
                name=f"linkage_quarantined_{name}",
            )
            for name in self.deeds
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """Lists need no raw bytes, which may be a megabyte a row."""
        return super().get_queryset(request).defer("raw")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None for those who may only look."""
        return super().get_actions(request) if self.may_settle(request) else {}

    def may_settle(self, request: HttpRequest) -> bool:
        """Whether the person may run again and discard: administrators, within their municipality."""
        return request.user.is_superuser or "administrate" in actions_of(request.user.role)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The row's page with what can be done to it."""
        row = self.get_object(request, object_id)
        panel = {"row": row, "may_settle": self.may_settle(request), "waits": row and row.state == Quarantined.State.WAITING}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "quarantined": panel})

    # --- doing ---

    def rerun_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Takes one row in with today's format and mapping, and says what came of it."""
        row = self._row(request, row_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._rerun(request, row)
        return redirect("admin:linkage_quarantined_change", row.pk)

    def discard_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Asks for the reason, then settles the row without taking it in."""
        row = self._row(request, row_id)
        form = DiscardForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            quarantine.discard(row, request.user, form.cleaned_data["reason"])
            messages.success(request, _("Discarded."))
            return redirect("admin:linkage_quarantined_change", row.pk)
        return self._page(request, CONFIRM, {"title": _("Discard"), "form": form, "row": row, "count": 1})

    def show_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """The bytes as they came. A POST, because looking leaves an entry in the audit."""
        row = self._row(request, row_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        systems.note(by_of(request), "quarantine.shown", row.system, row=row.pk, digest=row.digest)
        text, encoding = decoded(bytes(row.raw))
        page = {"title": _("What came"), "row": row, "text": text[:TEXT_SHOWN], "encoding": encoding}
        return self._page(request, SHOW, {**page, "head": hex_head(bytes(row.raw), HEX_SHOWN)})

    @admin.action(description=gettext_lazy("Run again"))
    def rerun_selected(self, request: HttpRequest, rows: models.QuerySet[Quarantined]) -> None:
        """Runs the chosen rows again, the oldest first, as they came."""
        chosen = list(rows.order_by("first_at")[: AT_ONCE + 1])
        done = [self._rerun(request, row, quiet=True) for row in chosen[:AT_ONCE]]
        words = _("%(good)d of %(all)d understood; what is not understood keeps waiting with its new reason.")
        level = messages.SUCCESS if all(done) else messages.WARNING
        messages.add_message(request, level, words % {"good": sum(done), "all": len(done)})
        if len(chosen) > AT_ONCE:
            messages.warning(request, _("Only the first %d were run.") % AT_ONCE)

    @admin.action(description=gettext_lazy("Discard"))
    def discard_selected(self, request: HttpRequest, rows: models.QuerySet[Quarantined]) -> HttpResponse | None:
        """Asks for one reason, then discards the chosen rows."""
        form = DiscardForm(request.POST if "reason" in request.POST else None)
        if form.is_valid():
            waiting = list(rows.filter(state=Quarantined.State.WAITING)[:AT_ONCE])
            for row in waiting:
                quarantine.discard(row, request.user, form.cleaned_data["reason"])
            messages.success(request, _("%d discarded.") % len(waiting))
            return None
        page = {"title": _("Discard"), "form": form, "chosen": list(rows.values_list("pk", flat=True)[:AT_ONCE])}
        return self._page(request, CONFIRM, {**page, "count": len(page["chosen"])})

    def _rerun(self, request: HttpRequest, row: Quarantined, *, quiet: bool = False) -> bool:
        try:
            outcome = quarantine.rerun(row, request.user)
        except (quarantine.NoRerun, Error) as error:
            log.warning("quarantine.rerun_failed", row=row.pk, error=str(error))
            messages.error(request, _("It could not be run just now: %s") % type(error).__name__)
            return False
        if not quiet and outcome.understood:
            found = ", ".join(outcome.incidents) or "–"
            messages.success(request, _("Understood, and taken in. Incidents: %s") % found)
        elif not quiet:
            reasons = "; ".join(reason_text(one) for one in outcome.errors[:3])
            messages.error(request, _("Still not understood: %s") % reasons)
        return outcome.understood

    def _row(self, request: HttpRequest, row_id: int) -> Quarantined:
        """The row within the person's scope; Http404 outside it, PermissionDenied for those who may only look."""
        row = self.get_queryset(request).select_related("system__municipality").filter(pk=row_id).first()
        if row is None:
            raise Http404(_("There is no such entry here."))
        if not self.may_settle(request):
            raise PermissionDenied
        return row

    def _page(self, request: HttpRequest, template: str, page: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **page})

    # --- showing ---

    @display(description=gettext_lazy("linked system"), ordering="system")
    def source(self, row: Quarantined) -> str:
        """Whose it is."""
        return local_name(row.system)

    @display(description=gettext_lazy("reason"))
    def reason(self, row: Quarantined) -> str:
        """The first reason."""
        return reason_text(row.errors[0]) if row.errors else "–"

    @display(description=gettext_lazy("state"), ordering="state", label=STATE_COLOURS)
    def state_badge(self, row: Quarantined) -> tuple[str, str]:
        """The state as a coloured word."""
        return row.state, row.get_state_display()

    @display(description=gettext_lazy("size"), ordering="size")
    def size_shown(self, row: Quarantined) -> str:
        """The size, and whether only a part was kept."""
        size = f"{row.size:,} B"
        return _("%s, of which only the beginning was kept") % size if row.size > quarantine.RAW_AT_MOST else size

    @display(description=gettext_lazy("content type"))
    def content_shown(self, row: Quarantined) -> str:
        """What the sender said it was."""
        return row.content_type or "–"

    @display(description=gettext_lazy("digest"))
    def digest_shown(self, row: Quarantined) -> str:
        """The SHA-256 of what came: the same mistake is the same row."""
        return row.digest

    @display(description=gettext_lazy("reasons"))
    def reasons(self, row: Quarantined) -> SafeString | str:
        """All reasons, personal data covered."""
        lines = format_html_join("", "<li>{}</li>", ((reason_text(one),) for one in row.errors))
        return format_html('<ul class="oc-problems">{}</ul>', lines) if row.errors else "–"

    @display(description=gettext_lazy("text"))
    def text_shown(self, row: Quarantined) -> SafeString:
        """The raw bytes as a text in their likely encoding, masked."""
        text, encoding = decoded(bytes(row.raw))
        shown = masked_body(text[:TEXT_SHOWN])
        return format_html('<p class="oc-small oc-faint">{}</p><pre class="oc-json">{}</pre>', encoding, shown)

    @display(description=gettext_lazy("first bytes"))
    def head_shown(self, row: Quarantined) -> SafeString:
        """The first few bytes in hexadecimal."""
        return format_html('<pre class="oc-json">{}</pre>', hex_head(bytes(row.raw), HEX_SHOWN_MASKED))


def decoded(raw: bytes) -> tuple[str, str]:
    """The bytes as a text and the encoding they are likely in; what fits none keeps its ASCII alone."""
    for encoding in ENCODINGS:
        if encoding == "utf-16" and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            return _visible(raw.decode(encoding)), encoding.removesuffix("-sig").upper()
        except UnicodeDecodeError:
            continue
    return _visible(raw.decode("ascii", "replace")), _("no text in UTF-8, UTF-16 or CP949")


def hex_head(raw: bytes, count: int) -> str:
    """The first `count` bytes, sixteen a line, with the ASCII beside them."""
    lines = (raw[at : at + 16] for at in range(0, min(count, len(raw)), 16))
    return "\n".join(f"{line.hex(' '):<47}  {_ascii(line)}" for line in lines)


def reason_text(error: Any) -> str:
    """One reason in a line, personal data covered."""
    given = error if isinstance(error, dict) else {"message": str(error)}
    text = ": ".join(part for part in (str(given.get("field", "")), str(given.get("message", ""))) if part)
    return masked_text(text)[:300]


def _visible(text: str) -> str:
    """Without control characters, which a page would swallow."""
    return "".join(one if one.isprintable() or one in "\n\t" else "·" for one in text.replace("\r\n", "\n"))


def _ascii(line: bytes) -> str:
    return "".join(chr(one) if 32 <= one < 127 else "." for one in line)
