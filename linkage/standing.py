"""How a linked system is right now, in one word an administrator can act on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from linkage.models import LinkedSystem

STANDING_COLOURS: Final = {"ok": "success", "late": "warning", "never": "info", "error": "danger", "off": ""}
_WORDS: Final[dict[str, Any]] = {
    "ok": _("in order"),
    "late": _("silent too long"),
    "never": _("never heard"),
    "error": _("in trouble"),
    "off": _("switched off"),
}


def standing_of(system: LinkedSystem) -> tuple[str, Any]:
    """A key of `STANDING_COLOURS` and the word for it."""
    key = _key(system)
    return key, _WORDS[key]


def _key(system: LinkedSystem) -> str:
    if not system.enabled:
        return "off"
    if system.last_error:
        return "error"
    if system.last_contact_at is None:
        return "never"
    # Only a feed promises to be heard regularly.
    late = timezone.now() - system.last_contact_at > timedelta(seconds=system.quiet_limit_s)
    return "late" if late and system.kind == LinkedSystem.Kind.FEED else "ok"
