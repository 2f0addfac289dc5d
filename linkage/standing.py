"""How a link is right now: one question, asked by the admin badge, the operator's header, the health page,
`/metrics` and the socket.

What is counted (`Signs`) is read for many systems in two indexed queries; what it means (`judge`) is pure. Each
system's own limits decide. Events are counted by whoever keeps them (`register_event_counter`): linkage knows none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import structlog
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from linkage.models import LinkedSystem
from linkage.relays import ATTENTION_AFTER

log = structlog.get_logger(__name__)

Kind = LinkedSystem.Kind
Names = dict[str, str]
LANGUAGES: Final = ("ko", "en")

# The worst first: what the header counts and lists in this order.
STATES: Final = (
    "failing", "stopped", "bad_data", "late", "slow", "noisy", "never", "maintenance", "paused", "off", "ok",
)  # fmt: skip
# Somebody should look at these; the others are as somebody wanted them.
TROUBLE: Final = frozenset({"failing", "stopped", "bad_data", "late", "slow", "noisy"})
STANDING_COLOURS: Final = {
    "ok": "success", "failing": "danger", "stopped": "danger", "bad_data": "danger", "late": "warning", "slow": "warning",
    "noisy": "warning", "never": "info", "maintenance": "info", "paused": "info", "off": "",
}  # fmt: skip
WORDS: Final[dict[str, Any]] = {
    "ok": _("in order"),
    "failing": _("failing"),
    "stopped": _("stopped"),
    "bad_data": _("bad data"),
    "late": _("late"),
    "slow": _("slow"),
    "noisy": _("noisy"),
    "never": _("never heard"),
    "maintenance": _("maintenance"),
    "paused": _("paused"),
    "off": _("switched off"),
}
# A record not understood, or an event that came late, is news for this long unless better news follows.
BAD_DATA_SHOWN: Final = timedelta(minutes=10)
LATE_SHOWN: Final = timedelta(hours=1)
NOISE_WINDOW: Final = timedelta(minutes=1)
# A polled feed cannot be heard more often than it is asked; a poll itself may take this long.
POLL_SLACK_SECONDS: Final = 15
COUNT_AT_MOST: Final = 100

EventCounter = Callable[[Sequence[int], datetime], Mapping[int, int]]


@dataclass(frozen=True)
class Signs:
    """What the rows beside a system say: counted, not judged. `queue` are undelivered messages, `bad` records not
    understood lately (at most `COUNT_AT_MOST`)."""

    events_last_min: int = 0
    bad: int = 0
    bad_since: datetime | None = None
    queue: int = 0
    queue_since: datetime | None = None
    window_until: datetime | None = None
    window_since: datetime | None = None
    window_reason: str = ""


@dataclass(frozen=True)
class Standing:
    """A link's state (one of `STATES`), since when, why in both languages (empty where all is well), and the signs."""

    state: str
    since: datetime | None
    reason: Names
    signs: Signs

    @property
    def word(self) -> Any:
        """The state in the reader's language."""
        return WORDS[self.state]

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should look at it."""
        return self.state in TROUBLE


_counters: list[EventCounter] = []


def register_event_counter(counter: EventCounter) -> None:
    """Has `counter(system ids, since)` called for the number of events each system has reported since then."""
    if counter not in _counters:
        _counters.append(counter)


def count_events(feeds: Sequence[int], since: datetime) -> dict[int, int]:
    """How many events each of these feeds has reported since then, by id."""
    events: dict[int, int] = {}
    for counter in _counters:
        events |= counter(feeds, since)
    return events


def watched_systems() -> QuerySet[LinkedSystem]:
    """Linked systems without what no judgement needs and may be large."""
    return LinkedSystem.objects.defer("mapping", "options", "state", "sealed_secret", "sealed_previous_secret")


def standings(systems: Iterable[LinkedSystem]) -> dict[int, Standing]:
    """How each of these systems is now, by id. Two queries, however many systems."""
    systems, now = list(systems), timezone.now()
    signs = signs_of(systems, now)
    return {one.pk: judge(one, signs[one.pk], now) for one in systems}


def standings_note() -> int:
    """Keeps since when each link is as it is, and logs what changed; returns how many did.

    The sweeper calls it every second. Safe to repeat; only changes are written.
    """
    changed = 0
    systems = list(watched_systems())
    for system, found in zip(systems, standings(systems).values(), strict=True):
        if system.standing == found.state:
            continue
        since = found.since or timezone.now()
        LinkedSystem.objects.filter(pk=system.pk).update(standing=found.state, standing_since=since)
        if system.standing:  # a new link's first state is no change
            log.info("link.standing", system=system.slug, was=system.standing, now=found.state, reason=found.reason.get("en"))
        changed += 1
    return changed


_SIGNS: Final = """
SELECT s.id, q.number, q.since, d.number, d.since, w.starts_at, w.ends_at, w.reason
FROM unnest(%(systems)s::bigint[]) AS s(id)
CROSS JOIN LATERAL (
    SELECT count(*) AS number, min(first_at) AS since FROM (
        SELECT first_at FROM linkage_quarantined
        WHERE system_id = s.id AND last_at > %(bad_since)s AND state = 'waiting'
        ORDER BY last_at DESC LIMIT %(at_most)s) AS bad) AS q
CROSS JOIN LATERAL (
    SELECT count(*) AS number, min(created_at) AS since FROM linkage_delivery
    WHERE system_id = s.id AND state = 'pending') AS d
LEFT JOIN LATERAL (
    SELECT starts_at, ends_at, reason FROM linkage_maintenancewindow
    WHERE system_id = s.id AND starts_at <= %(now)s AND ends_at > %(now)s
    ORDER BY ends_at DESC LIMIT 1) AS w ON true
"""


def signs_of(systems: Sequence[LinkedSystem], now: datetime) -> dict[int, Signs]:
    """The signs of each system, by id, as of `now`."""
    feeds = [one.pk for one in systems if one.kind == Kind.FEED]
    events = count_events(feeds, now - NOISE_WINDOW) if feeds else {}
    with connection.cursor() as cursor:
        values = {"systems": [one.pk for one in systems], "now": now, "bad_since": now - BAD_DATA_SHOWN}
        cursor.execute(_SIGNS, {**values, "at_most": COUNT_AT_MOST})
        return {
            pk: Signs(events.get(pk, 0), bad, bad_since, queue, queue_since, until, starts, reason or "")
            for pk, bad, bad_since, queue, queue_since, starts, until, reason in cursor.fetchall()
        }


def judge(system: LinkedSystem, signs: Signs, now: datetime) -> Standing:
    """What the signs mean for this system, by its own limits. Pure: asks no database and no clock."""
    state, since, reason = _JUDGES[system.kind](system, signs, now)
    if system.standing == state and system.standing_since:
        since = system.standing_since
    return Standing(state, since, reason, signs)


_Verdict = tuple[str, datetime | None, Names]


def _judge_feed(feed: LinkedSystem, signs: Signs, now: datetime) -> _Verdict:
    return (
        _set_aside(feed)
        or _stopped(feed, now)
        or _bad_data(signs)
        or _late(feed, now)
        or _noisy(feed, signs, now)
        or ("ok", None, {})
    )


def _judge_agency(agency: LinkedSystem, signs: Signs, now: datetime) -> _Verdict:
    return _set_aside(agency) or _maintenance(signs) or _failing(agency) or _slow(agency, signs, now) or _heard(agency)


def _judge_reader(reader: LinkedSystem, signs: Signs, now: datetime) -> _Verdict:
    """A central reader promises nothing: it comes when it wants to."""
    return _set_aside(reader) or ("ok", None, {})


_JUDGES: Final = {Kind.FEED: _judge_feed, Kind.AGENCY: _judge_agency, Kind.CENTRAL: _judge_reader}


def _set_aside(system: LinkedSystem) -> _Verdict | None:
    if not system.enabled:
        return "off", None, _both(gettext_noop("An administrator has switched it off."))
    if system.paused_at:
        return "paused", system.paused_at, _both(gettext_noop("Paused by %(who)s."), who=system.paused_by or "–")
    return None


def _stopped(feed: LinkedSystem, now: datetime) -> _Verdict | None:
    if _is_in_error(feed):
        since = feed.last_contact_at or feed.last_error_at
        return "stopped", since, _both(gettext_noop("Fetching fails: %(error)s"), error=feed.last_error)
    if feed.last_contact_at is None:
        return "never", None, _both(gettext_noop("Nothing has been heard from it yet."))
    limit = quiet_limit_s(feed)
    if now - feed.last_contact_at <= timedelta(seconds=limit):
        return None
    return "stopped", feed.last_contact_at, _both(gettext_noop("Silent for longer than %(limit)d s."), limit=limit)


def quiet_limit_s(feed: LinkedSystem) -> int:
    """Seconds of silence after which the feed counts as stopped."""
    return max(feed.quiet_limit_s, feed.poll_interval_s + POLL_SLACK_SECONDS if feed.poll_interval_s else 0)


def _bad_data(signs: Signs) -> _Verdict | None:
    if not signs.bad:
        return None
    reason = gettext_noop("Not understood in the last 10 minutes: %(count)d, waiting in quarantine.")
    return "bad_data", signs.bad_since, _both(reason, count=signs.bad)


def _late(feed: LinkedSystem, now: datetime) -> _Verdict | None:
    if not feed.late_limit_s or feed.last_delay_s is None or feed.last_event_at is None:
        return None
    if feed.last_delay_s <= feed.late_limit_s or now - feed.last_event_at > LATE_SHOWN:
        return None
    reason = gettext_noop("Its last event was %(delay)d s old on arrival; the limit is %(limit)d s.")
    return "late", feed.last_event_at, _both(reason, delay=feed.last_delay_s, limit=feed.late_limit_s)


def _noisy(feed: LinkedSystem, signs: Signs, now: datetime) -> _Verdict | None:
    if not feed.noisy_limit_per_min or signs.events_last_min <= feed.noisy_limit_per_min:
        return None
    reason = gettext_noop("%(count)d events in the last minute; the limit is %(limit)d.")
    return "noisy", now, _both(reason, count=signs.events_last_min, limit=feed.noisy_limit_per_min)


def _maintenance(signs: Signs) -> _Verdict | None:
    if signs.window_until is None:
        return None
    return "maintenance", signs.window_since, _both(gettext_noop("Maintenance: %(reason)s"), reason=signs.window_reason)


def _failing(agency: LinkedSystem) -> _Verdict | None:
    since = agency.last_contact_at or agency.last_error_at
    if agency.breaker_until:
        reason = gettext_noop("Breaker open after %(count)d failures in a row: %(error)s")
        return "failing", since, _both(reason, count=agency.breaker_failures, error=agency.last_error or "–")
    # Its own calls to us prove nothing: only a delivery, or a test of the connection, takes the error back.
    if agency.last_error:
        return "failing", since, _both(gettext_noop("The last attempt failed: %(error)s"), error=agency.last_error)
    return None


def _slow(agency: LinkedSystem, signs: Signs, now: datetime) -> _Verdict | None:
    if signs.queue_since is None or now - signs.queue_since <= ATTENTION_AFTER:
        return None
    waited = (now - signs.queue_since).total_seconds()
    reason = gettext_noop("Messages wait: %(count)d, the oldest for %(seconds)d s.")
    return "slow", signs.queue_since, _both(reason, count=signs.queue, seconds=waited)


def _heard(agency: LinkedSystem) -> _Verdict:
    if agency.last_contact_at is None:
        return "never", None, _both(gettext_noop("Nothing has been heard from it yet."))
    return "ok", None, {}


def _is_in_error(feed: LinkedSystem) -> bool:
    """Whether the last that was heard of the feed is a failure."""
    if not feed.last_error or feed.last_error_at is None:
        return False
    return feed.last_contact_at is None or feed.last_error_at > feed.last_contact_at


def _both(text: str, **values: Any) -> Names:
    """The text in both languages."""
    return {language: form % values for language, form in _forms(text)}


@cache
def _forms(text: str) -> tuple[tuple[str, str], ...]:
    forms = []
    for language in LANGUAGES:
        with translation.override(language):
            forms.append((language, gettext(text)))
    return tuple(forms)
