"""What the panel above a system's form shows, and what the list says of each: state, figures, what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from linkage.admin.hour import Figures, figures_of
from linkage.feeds import FEEDS
from linkage.models import LinkedSystem
from linkage.network import is_allowed, parse_networks
from linkage.standing import STANDING_COLOURS, Standing, standings

Kind = LinkedSystem.Kind
LOOPBACKS: Final = ("127.0.0.0/8", "::1/128")


class Condition(NamedTuple):
    """How a system is and how it did in the last hour."""

    standing: Standing
    figures: Figures


def conditions(systems: Sequence[LinkedSystem]) -> dict[int, Condition]:
    """The condition of each system, by id; a handful of queries, however many systems."""
    states, figures = standings(systems), figures_of(systems)
    return {one.pk: Condition(states[one.pk], figures[one.pk]) for one in systems}


def panel_of(system: LinkedSystem) -> dict[str, Any]:
    """The panel's context."""
    condition = conditions([system])[system.pk]
    now = timezone.now()
    return {
        "system": system,
        "state": condition.standing.word,
        "since": condition.standing.since,
        "why": condition.standing.reason.get((get_language() or "ko")[:2], ""),
        "colour": STANDING_COLOURS[condition.standing.state],
        "figures": condition.figures,
        "hour": figures_text(system, condition.figures),
        "share": share_text(condition.figures),
        "is_agency": system.kind == Kind.AGENCY,
        "is_feed": system.kind == Kind.FEED,
        "calls_it": bool(system.endpoint) and system.kind != Kind.CENTRAL,
        "has_secret": bool(system.sealed_secret),
        "signs": signs(system),
        "takes_secret": takes_secret(system),
        "rotating": system.previous_secret_until is not None and system.previous_secret_until > now,
        "breaker": breaker_text(system),
        "second": system.secondary_until is not None and system.secondary_until > now,
        "maps": maps(system),
        "mapped": bool(system.mapping),
        "simulated": is_simulated(system),
        "attempts_url": _listed("linkage_attempt", "delivery__system__id__exact", system),
        "quarantine_url": _listed("linkage_quarantined", "system__id__exact", system),
    }


def share_text(figures: Figures) -> str:
    """The share of attempts that got through, for a badge; "" where nothing was tried."""
    return "" if figures.share is None else f"{100 * figures.share:.1f} %"


def figures_text(system: LinkedSystem, figures: Figures) -> str:
    """The last hour in a few words, without the share."""
    if system.kind == Kind.AGENCY:
        if not figures.attempts:
            return _("no attempt")
        text = _("%(delivered)d of %(attempts)d") % {"delivered": figures.delivered, "attempts": figures.attempts}
        return f"{text} · p50 {figures.p50_ms:.0f} ms · p95 {figures.p95_ms:.0f} ms"
    if system.kind == Kind.FEED:
        parts = [_("%d events") % figures.events]
        if figures.rejected:
            parts.append(_("%d not understood") % figures.rejected)
        if figures.quarantined:
            parts.append(_("%d in quarantine") % figures.quarantined)
        if system.last_delay_s is not None:
            parts.append(_("%s old on arrival") % age_text(system.last_delay_s))
        return " · ".join(parts)
    return "–"


def age_text(seconds: float) -> str:
    """A span of time as short as it is exact enough: 0.4 s, 12 min, 3.9 h."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def breaker_text(system: LinkedSystem) -> str:
    """What the breaker does; "" where it has counted nothing."""
    if system.breaker_until is None:
        return _("closed, %d failures in a row") % system.breaker_failures if system.breaker_failures else ""
    if system.breaker_until <= timezone.now():
        return _("half-open: one message tries the way, after %d failures in a row") % system.breaker_failures
    until = timezone.localtime(system.breaker_until).strftime("%H:%M:%S")
    return _("open until %(until)s, after %(count)d failures in a row") % {"until": until, "count": system.breaker_failures}


def maps(system: LinkedSystem) -> bool:
    """Whether the system's format is read by a mapping."""
    feed = FEEDS.get(system.feed_format)
    return system.kind == Kind.FEED and feed is not None and feed.is_mapped


def signs(system: LinkedSystem) -> bool:
    """Whether messages between us are signed after Standard Webhooks, with a secret that we make."""
    return system.kind == Kind.AGENCY and system.transport != LinkedSystem.Transport.UCRI2 or (
        system.kind == Kind.FEED and system.feed_format == "agency_request"
    )


def takes_secret(system: LinkedSystem) -> bool:
    """Whether the other side gives us a secret: a polled source's service key, a broker's or an OAuth2 password."""
    return system.kind == Kind.FEED and not signs(system) or system.transport == LinkedSystem.Transport.UCRI2


def is_simulated(system: LinkedSystem) -> bool:
    """Whether it can only be one of the demo's own simulators: nothing meant for those may reach a real agency (I10)."""
    if not settings.DEMO or system.kind != Kind.AGENCY or not system.endpoint:
        return False
    try:
        networks = parse_networks(system.allowed_network)
    except ValueError:
        return False
    loopbacks = parse_networks(",".join(LOOPBACKS))
    return bool(networks) and all(is_allowed(str(one.network_address), loopbacks) and is_allowed(str(one.broadcast_address), loopbacks) for one in networks)  # fmt: skip


def _listed(page: str, parameter: str, system: LinkedSystem) -> str:
    return f"{reverse(f'admin:{page}_changelist')}?{parameter}={system.pk}"
