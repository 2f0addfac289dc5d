"""What is on its way to agencies, and every try at it: relays, deliveries, attempts. To look at only."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin import EmptyFieldListFilter, RelatedOnlyFieldListFilter
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from linkage.admin_actions import local_name
from linkage.masking import COVER, masked, masked_body, masked_text
from linkage.models import Attempt, Delivery, LinkedSystem, Relay
from ocenter.accounts.admin_base import ReadOnlyAdmin, ReadOnlyInline
from ocenter.accounts.pretty import badge, json_block, link_to

RELAY_COLOURS: Final = {
    "queued": "warning", "failed": "danger", "sent": "info", "accepted": "info", "dispatched": "primary",
    "arrived": "success", "closed": "success", "declined": "danger", "cancelled": "", "by_hand": "warning",
}  # fmt: skip
DELIVERY_COLOURS: Final = {"pending": "warning", "delivered": "success", "failed": "danger", "dropped": ""}


class DeliveryInline(ReadOnlyInline):
    """A relay's messages in order."""

    model = Delivery
    fields = readonly_fields = ("page", "message", "state_badge", "attempts", "created_at", "settled_at")
    ordering = ("position",)

    @display(description=_("delivery"))
    def page(self, delivery: Delivery) -> str:
        """The way to the message, by its order within the relay."""
        return link_to(delivery, str(delivery.position))

    @display(description=_("state"))
    def state_badge(self, delivery: Delivery) -> str:
        """The state as a coloured word."""
        return badge(DELIVERY_COLOURS[delivery.state], delivery.get_state_display())


class RelayAdmin(ReadOnlyAdmin):
    """What was asked of whom, and how far it got."""

    list_display = ("subject", "system", "state_badge", "attention", "unit", "receipt", "created_at", "state_at")
    list_filter = ("state", ("system", RelatedOnlyFieldListFilter), ("attention_reason", EmptyFieldListFilter))
    search_fields = ("subject", "receipt", "unit", "id")
    date_hierarchy = "created_at"
    list_select_related = ("system",)
    inlines = (DeliveryInline,)
    fieldsets = (
        (None, {"fields": (("subject", "system"), ("state", "state_at"), ("created_at", "sent_at"), "receipt")}),
        (_("Attention"), {"fields": (("attention_reason", "attention_at"), "called_by")}),
        (_("On the way"), {"fields": (("unit", "eta_s"), ("lat", "lon"), "unit_at", "result_code")}),
    )

    @display(description=_("state"), ordering="state", label=RELAY_COLOURS)
    def state_badge(self, relay: Relay) -> tuple[str, str]:
        """The state as a coloured word."""
        return relay.state, relay.get_state_display()

    @display(description=_("needs attention because"), ordering="attention_reason", label={"yes": "danger"})
    def attention(self, relay: Relay) -> tuple[str, str] | str:
        """Why an operator has to do something, or nothing."""
        return ("yes", relay.attention_reason) if relay.attention_reason else ""


class AttemptInline(ReadOnlyInline):
    """Every try at one delivery, what was answered masked."""

    model = Attempt
    fields = readonly_fields = ("number", "started_at", "duration_ms", "status", "error_shown", "response_shown")
    ordering = ("number",)

    @display(description=_("error"))
    def error_shown(self, attempt: Attempt) -> str:
        """The error without personal data."""
        return masked_text(attempt.error) or "–"

    @display(description=_("response"))
    def response_shown(self, attempt: Attempt) -> str:
        """The answer without personal data."""
        return masked_text(attempt.response) or "–"


class DeliveryAdmin(ReadOnlyAdmin):
    """The outbox: each message, its state and its tries."""

    municipality_path = "relay__municipality"
    list_display = ("key", "incident", "agency", "message", "state_badge", "attempts", "due_at", "settled_at")
    list_filter = ("state", "message", ("system", RelatedOnlyFieldListFilter))
    search_fields = ("id", "relay__subject")
    date_hierarchy = "created_at"
    list_select_related = ("relay", "system")
    inlines = (AttemptInline,)
    fields = (
        "key", ("conversation", "agency"), ("message", "state"), ("attempts", "due_at"),
        ("created_at", "settled_at"), "lease_until", "payload_shown",
    )  # fmt: skip
    readonly_fields = ("key", "conversation", "agency", "payload_shown")

    @display(description=_("Idempotency-Key"), ordering="id")
    def key(self, delivery: Delivery) -> str:
        """The message's id, the same at every attempt."""
        return str(delivery.pk)

    @display(description=_("relay"))
    def conversation(self, delivery: Delivery) -> str:
        """The way to the relay."""
        return link_to(delivery.relay, delivery.relay.subject)

    @display(description=_("agency"), ordering="system")
    def agency(self, delivery: Delivery) -> str:
        """Whom it is for."""
        return local_name(delivery.system)

    @display(description=_("incident"), ordering="relay__subject")
    def incident(self, delivery: Delivery) -> str:
        """What the message is about."""
        return delivery.relay.subject

    @display(description=_("state"), ordering="state", label=DELIVERY_COLOURS)
    def state_badge(self, delivery: Delivery) -> tuple[str, str]:
        """The state as a coloured word."""
        return delivery.state, delivery.get_state_display()

    @display(description=_("payload, personal data covered"))
    def payload_shown(self, delivery: Delivery) -> str:
        """What is sent, masked."""
        return json_block(masked(delivery.payload))


class AttemptAdmin(ReadOnlyAdmin):
    """Every try of every delivery, newest first: what went out and what came back, both masked."""

    municipality_path = "delivery__relay__municipality"
    ordering = ("-started_at",)
    list_display = (
        "started_at", "system", "incident", "message", "number", "status_badge", "duration_ms", "way", "error_shown",
    )  # fmt: skip
    list_filter = ("status", ("delivery__system", RelatedOnlyFieldListFilter), ("error", EmptyFieldListFilter))
    search_fields = ("delivery__relay__subject",)
    list_select_related = ("delivery__relay", "delivery__system")
    fieldsets = (
        (None, {"fields": (("page", "number"), ("started_at", "duration_ms", "status"), "error_shown")}),
        (_("Request"), {"fields": ("address", "headers", "request_shown")}),
        (_("Response"), {"fields": ("response_shown",)}),
    )
    readonly_fields = ("page", "error_shown", "address", "headers", "request_shown", "response_shown")

    @display(description=_("delivery"))
    def page(self, attempt: Attempt) -> str:
        """The way to the message."""
        return link_to(attempt.delivery, str(attempt.delivery_id))

    @display(description=_("agency"))
    def system(self, attempt: Attempt) -> str:
        """Whom it was for."""
        return local_name(attempt.delivery.system)

    @display(description=_("incident"))
    def incident(self, attempt: Attempt) -> str:
        """What it was about."""
        return attempt.delivery.relay.subject

    @display(description=_("message"))
    def message(self, attempt: Attempt) -> str:
        """What was said."""
        return attempt.delivery.get_message_display()

    @display(description=_("way"))
    def way(self, attempt: Attempt) -> str:
        """Which of the agency's two endpoints was taken."""
        second = attempt.delivery.system.secondary_endpoint
        if not attempt.endpoint:
            return "–"
        return str(_("second endpoint") if attempt.endpoint == second else _("first endpoint"))

    @display(description=_("HTTP status"), ordering="status", label={"ok": "success", "bad": "danger"})
    def status_badge(self, attempt: Attempt) -> tuple[str, Any]:
        """The status as a coloured number."""
        good = attempt.status is not None and attempt.status < 300 and not attempt.error
        return ("ok" if good else "bad"), attempt.status or _("none")

    @display(description=_("error"))
    def error_shown(self, attempt: Attempt) -> str:
        """The error without personal data."""
        return masked_text(attempt.error) or "–"

    @display(description=_("address"))
    def address(self, attempt: Attempt) -> str:
        """Where this attempt went."""
        delivery = attempt.delivery
        return masked_text(attempt.endpoint or delivery.address or delivery.system.endpoint) or "–"

    @display(description=_("headers"))
    def headers(self, attempt: Attempt) -> SafeString:
        """The headers that matter, as they are made of what is kept; a signature is never shown."""
        lines = ((name, value) for name, value in _headers(attempt).items())
        return format_html('<pre class="oc-json">{}</pre>', format_html_join("\n", "{}: {}", lines))

    @display(description=_("body, personal data covered"))
    def request_shown(self, attempt: Attempt) -> SafeString:
        """What was sent, masked."""
        return json_block(masked(attempt.delivery.payload))

    @display(description=_("body, personal data covered"))
    def response_shown(self, attempt: Attempt) -> SafeString | str:
        """The answer, masked."""
        return format_html('<pre class="oc-json">{}</pre>', masked_body(attempt.response)) if attempt.response else "–"


def _headers(attempt: Attempt) -> dict[str, str]:
    """The request's headers by protocol. JSON is signed; other protocols say who we are in their own way."""
    system, key = attempt.delivery.system, str(attempt.delivery_id)
    if system.transport != LinkedSystem.Transport.HTTP_JSON:
        return {"protocol": system.get_transport_display(), "message": key}
    signed = {
        "webhook-id": key,
        "webhook-timestamp": str(int(attempt.started_at.timestamp())),
        "webhook-signature": f"v1,{COVER}",
    }
    return {"Content-Type": "application/json", "Idempotency-Key": key, **(signed if system.sealed_secret else {})}
