"""The sections every handover has: incidents, shelf, views, relays, cameras, feeds, notices and the shift in figures.

Others, such as grants of video to agencies, add themselves where they live (`sections.register_section`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from incidents.codes import CODES, FALSE_ALARM_REASONS, Grade
from incidents.models import Camera, Change, Incident
from incidents.selectors import whole_incidents
from incidents.states import ACTIVE, Status
from incidents.work import UNIT_MOVED
from linkage.models import LinkedSystem
from linkage.relays import whole_relays
from linkage.standing import TROUBLE, Standing, standings, watched_systems
from linkage.states import RelayState
from services.shifts.models import Notice
from services.shifts.sections import (
    ROWS_AT_MOST,
    Figure,
    Last,
    Names,
    Row,
    Scope,
    Section,
    both,
    figures_section,
    register_section,
    rows_section,
    same,
)
from services.shifts.selectors import current_notices
from services.video.models import VideoView

# Somebody has set these aside on purpose; the next shift must know it as well as of what is broken.
SET_ASIDE: Final = frozenset({"maintenance", "paused", "off"})
URGENT: Final = (Grade.G1, Grade.G2)


def shift_figures(scope: Scope) -> Section:
    """What came and what became of it, from the shift's beginning to now."""
    within = (scope.span.begins_at, scope.at)
    incidents = Incident.objects.filter(municipality=scope.municipality)
    received = incidents.filter(received_at__range=within)
    due = received.filter(Q(acknowledged_at__isnull=False) | Q(ack_due_at__lte=scope.at), ack_due_at__isnull=False)
    ended = incidents.filter(closed_at__range=within)
    count = received.count()
    relayed = whole_relays().filter(municipality=scope.municipality, created_at__range=within)
    figures = [
        _figure("received", _("received"), count),
        _figure("urgent", _("of them critical or urgent"), received.filter(grade__in=URGENT).count(), count),
        _figure("in_time", _("acknowledged within the target"), due.filter(acknowledged_at__lte=F("ack_due_at")).count(), due.count()),
        _figure("false_alarms", _("false alarms"), ended.filter(status=Status.FALSE_ALARM).count()),
        _figure("relayed", _("relayed to agencies"), relayed.count()),
        _figure("closed", _("closed"), ended.filter(status=Status.CLOSED).count()),
    ]
    return figures_section("figures", both(_("The shift in figures")), figures)


def _figure(name: str, label: object, value: int, whole: int | None = None) -> Figure:
    return {"name": name, "label": both(label), "value": value, "of": whole}


def open_incidents(scope: Scope) -> Section:
    """What is open, the most urgent first and the oldest of a grade first: who holds it, and what happened last."""
    open_now = _active(scope).filter(Q(shelved_until=None) | Q(shelved_until__lte=scope.at))
    shown = list(open_now.order_by("grade", "received_at")[:ROWS_AT_MOST])
    last = _newest(shown)
    rows = [_incident_row(one) | _last(last.get(one.pk)) for one in shown]
    return rows_section("open", both(_("Open incidents")), rows, open_now.count())


def shelved_incidents(scope: Scope) -> Section:
    """What was put aside: until when, by whom and why."""
    shelved = _active(scope).filter(shelved_until__gt=scope.at)
    shown = list(shelved.order_by("grade", "shelved_until")[:ROWS_AT_MOST])
    whys = _newest(shown, kind="incident.shelved")
    rows = [_incident_row(one) | _shelf(one, whys.get(one.pk)) for one in shown]
    return rows_section("shelved", both(_("Shelved incidents")), rows, shelved.count())


def _active(scope: Scope) -> QuerySet[Incident]:
    return whole_incidents().filter(municipality=scope.municipality, status__in=ACTIVE)


def _incident_row(incident: Incident) -> Row:
    return {
        "what": CODES[incident.code].name, "subject": incident.number, "grade": incident.grade,
        "where": incident.address or incident.place, "state": both(Status(incident.status).label),
        "who": incident.holder.label if incident.holder else "", "at": incident.received_at.isoformat(),
        "note": same(incident.summary),
    }  # fmt: skip


def _shelf(incident: Incident, change: Change | None) -> Row:
    assert incident.shelved_until is not None  # it is how they were found
    row: Row = {"until": incident.shelved_until.isoformat()}
    if change:
        reason = str(change.body["detail"].get("reason", ""))
        row["note"] = FALSE_ALARM_REASONS.get(reason, same(reason))
        row["who"] = change.body["actor"]["name"]
    return row


def _last(change: Change | None) -> Row:
    if change is None:
        return {}
    last: Last = {"kind": change.kind, "at": change.at.isoformat(), "who": change.body["actor"]["name"]}
    return {"last": last}


def _newest(incidents: Sequence[Incident], kind: str | None = None) -> dict[int, Change]:
    """The newest ledger row (of that kind) of each incident, by incident; a unit's position is no news here."""
    rows = Change.objects.filter(incident__in=incidents).exclude(kind=UNIT_MOVED)
    if kind:
        rows = rows.filter(kind=kind)
    newest = rows.order_by("incident_id", "-seq").distinct("incident_id")
    return {row.incident_id: row for row in newest if row.incident_id}


def open_views(scope: Scope) -> Section:
    """Cameras being watched: by whom, for which incident or why."""
    watched = VideoView.objects.filter(municipality=scope.municipality, ended_at=None).order_by("begun_at")
    rows: list[Row] = [
        {"what": same(one.camera.name), "subject": one.incident.number if one.incident else "", "who": one.user.label,
         "note": same(one.reason), "at": one.begun_at.isoformat()}
        for one in watched.select_related("camera", "incident", "user")[:ROWS_AT_MOST]
    ]  # fmt: skip
    return rows_section("views", both(_("Video being watched")), rows, watched.count())


def relays_in_trouble(scope: Scope) -> Section:
    """Relays that need somebody: not delivered, or failed; with the number to call."""
    stuck = whole_relays().filter(municipality=scope.municipality)
    stuck = stuck.filter(Q(attention_at__isnull=False) | Q(state=RelayState.FAILED)).order_by("created_at")
    rows: list[Row] = [
        {
            "what": one.system.name, "subject": one.subject, "state": both(RelayState(one.state).label),
            "who": one.system.phone, "note": same(one.attention_reason), "at": (one.attention_at or one.state_at).isoformat(),
        }
        for one in stuck[:ROWS_AT_MOST]
    ]  # fmt: skip
    return rows_section("relays", both(_("Relays in trouble")), rows, stuck.count())


def broken_cameras(scope: Scope) -> Section:
    """Cameras that their video system no longer lists."""
    gone = Camera.objects.filter(municipality=scope.municipality, gone_at__isnull=False).order_by("-gone_at", "name")
    rows: list[Row] = [
        {"what": same(one.name), "where": one.road_address or one.lot_address, "note": same(one.site_number),
         **_since(one.gone_at), "state": both(_("no longer listed by its video system"))}
        for one in gone[:ROWS_AT_MOST]
    ]  # fmt: skip
    return rows_section("cameras", both(_("Broken cameras")), rows, gone.count())


def _since(at: datetime | None) -> Row:
    return {"at": at.isoformat()} if at else {}


def troubled_links(scope: Scope) -> Section:
    """Feeds and agencies in trouble, and those that somebody has set aside."""
    systems = list(watched_systems().filter(municipality=scope.municipality, kind__in=["feed", "agency"]).order_by("slug"))
    found = standings(systems)
    rows = [_link_row(one, found[one.pk]) for one in systems if found[one.pk].state in TROUBLE | SET_ASIDE]
    return rows_section("links", both(_("Feeds and agencies in trouble")), rows)


def _link_row(system: LinkedSystem, standing: Standing) -> Row:
    reason: Names = standing.reason or same("")
    return {"what": system.name, "state": both(standing.word), "note": reason, **_since(standing.since)}


def notices(scope: Scope) -> Section:
    """What the room has been told and still holds."""
    rows: list[Row] = [
        {"what": same(one.text), "state": both(Notice.Importance(one.importance).label),
         "who": one.posted_by.label, "at": one.posted_at.isoformat(), "until": one.until.isoformat()}
        for one in current_notices(scope.municipality.pk, scope.at)
    ]  # fmt: skip
    return rows_section("notices", both(_("Notices")), rows)


def register() -> None:
    """Registers them in the order in which they are read."""
    for name, contributor in (
        ("figures", shift_figures), ("open", open_incidents), ("shelved", shelved_incidents), ("views", open_views),
        ("relays", relays_in_trouble), ("cameras", broken_cameras), ("links", troubled_links), ("notices", notices),
    ):  # fmt: skip
        register_section(name, contributor)
