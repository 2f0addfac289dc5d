"""Cases agencies open at the centre (format `agency_request`): opened, answered, ended; and the video they ask for.

The intake takes the messages in as events and moves the incident; what is done here happens in the same
transaction: the agency's own relay without a create message, the statuses it hears, and the ledger's word on
its request for video. Video grants do not exist yet: a request is decided on and written down, and waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypedDict

from incidents import agency_status, ledger
from incidents.intake import Arrival
from incidents.models import Camera, Change, Event, Incident
from incidents.reports import Report
from incidents.selectors import NearCamera, by_distance, cameras_near, relays_by_subject
from incidents.work import lock_incident
from linkage import cases
from linkage.models import LinkedSystem, Relay
from linkage.relays import RelayChange
from linkage.states import RANK
from ocenter.accounts import audit
from ocenter.accounts.principal import Actor

VIDEO_REQUESTED: Final = "video.requested"
UNIT_NEWS: Final = frozenset(f"relay.{state}" for state in agency_status.STATUS_OF)
RADIUS_METRES: Final = 500  # the field's practice (DOMAIN.md §2)
CAMERAS: Final = 5
DURATION_SECONDS: Final = 1_800


class VideoDecision(TypedDict, total=False):
    """What became of a request for video: "pending" until grants are issued, or "denied" with a reason."""

    status: str
    reason: str
    cameras: list[dict[str, int]]


def cases_follow(*, reported: Iterable[tuple[Arrival, Incident | None]], **_signal: Any) -> None:
    """Receiver of `subjects_reported`: what an agency said of a case of its own. Feeds have no cases."""
    for arrival, incident in reported:
        if incident is None or arrival.system.kind == LinkedSystem.Kind.FEED:
            continue
        if arrival.report.action == Event.Action.REPORT:
            _open(arrival.system, arrival.report, incident)
        else:
            _end(arrival.system, arrival.report, incident)


def units_follow(*, changes: Iterable[RelayChange], **_signal: Any) -> None:
    """Receiver of `relays_changed`: units of one agency are news for the cases of the others."""
    for change in changes:
        if change.kind in UNIT_NEWS:
            agency_status.unit_tell(change.relay)


def _open(system: LinkedSystem, report: Report, incident: Incident) -> None:
    actor: Actor = {"kind": "agency", "name": system.slug}
    relay = cases.case_open(
        system=system, subject=incident.number, reference=report.subject,
        status_url=report.attributes.get("callback_url") or "", actor=actor, detail=_said(report),
    )  # fmt: skip
    agency_status.tell(relay, "RECEIVED", only=report.subject)
    if state := _furthest_unit(relay):
        agency_status.tell(relay, agency_status.STATUS_OF[state], only=report.subject)
    if _asks_anew(system, report):
        _write_request(system, report, incident.number, actor)


def _end(system: LinkedSystem, report: Report, incident: Incident) -> None:
    relay = cases.case_relay(system, incident.number)
    if relay is None:
        return
    status = "CANCELLED" if report.action == Event.Action.CANCEL else "CLOSED"
    result_code = str(report.attributes.get("result_code") or "")
    agency_status.tell(relay, status, result_code=result_code, only=report.subject)
    if all(case.is_over for case in agency_status.cases_of(relay)):
        actor: Actor = {"kind": "agency", "name": system.slug}
        cases.case_end(relay=relay, state=cases.RELAY_END[status], result_code=result_code, actor=actor)


def _said(report: Report) -> dict[str, Any]:
    """What the ledger keeps of who opened the case, and on what basis."""
    names = ("source_org", "legal_basis", "requester")
    return {name: report.attributes[name] for name in names if report.attributes.get(name)}


def _furthest_unit(relay: Relay) -> str | None:
    """The furthest that another agency's unit has come in the same incident."""
    others = Relay.objects.filter(subject=relay.subject, state__in=list(agency_status.STATUS_OF))
    states = others.exclude(pk=relay.pk).values_list("state", flat=True)
    return max(states, key=RANK.__getitem__, default=None)


def _asks_anew(system: LinkedSystem, report: Report) -> bool:
    """Whether the message asks for video otherwise than the case has before: an update repeats the whole envelope."""
    if not isinstance(report.attributes.get("request"), dict):
        return False
    earlier = Event.objects.filter(system=system, subject=report.subject).exclude(source_id=report.source_id)
    before = (one for one in earlier.values_list("attributes", flat=True) if one.get("request"))
    return _asked(report.attributes) not in [_asked(one) for one in before]


def _asked(attributes: Mapping[str, Any]) -> tuple[Any, Any]:
    return attributes.get("request"), attributes.get("legal_basis")


def _write_request(system: LinkedSystem, report: Report, number: str, actor: Actor) -> None:
    """Writes the request and what is decided on it: into the ledger and the audit chain."""
    incident = lock_incident(number)
    request = report.attributes["request"]
    detail: dict[str, Any] = {
        "message": report.source_id,
        "agency": system.slug,
        "reference": report.subject,
        "requester": report.attributes.get("requester") or {"org": system.slug},
        "legal_basis": report.attributes.get("legal_basis") or "",
        "radius_m": request.get("radius_m", RADIUS_METRES),
        "max_cams": request.get("max_cams", CAMERAS),
        "duration_s": request.get("duration_s", DURATION_SECONDS),
        **_decision(report, request, incident),
    }
    relays = relays_by_subject([number])[number]
    ledger.append(incident.municipality, [ledger.Draft(VIDEO_REQUESTED, incident, actor, detail, relays)])
    entry = audit.Entry(
        actor=f"agency:{system.slug}", action=VIDEO_REQUESTED, subject=number, detail=detail,
        municipality_id=incident.municipality_id,
    )  # fmt: skip
    audit.record_many([entry])


def _decision(report: Report, request: Mapping[str, Any], incident: Incident) -> VideoDecision:
    """Deny by default: without a legal basis there is no purpose to limit (PIPA art. 18), and no cameras are named."""
    if not str(report.attributes.get("legal_basis") or "").strip():
        return {"status": "denied", "reason": "no legal basis", "cameras": []}
    chosen = _cameras(report, request, incident)
    if not chosen:
        return {"status": "denied", "reason": "no camera of this centre in reach", "cameras": []}
    return {"status": "pending", "cameras": [_camera(one) for one in chosen]}


def _camera(near: NearCamera) -> dict[str, int]:
    return {"id": near.camera.pk, "distance_m": round(near.distance_m)}


def _cameras(report: Report, request: Mapping[str, Any], incident: Incident) -> list[NearCamera]:
    """Those named, of the incident's own municipality, else the nearest around the place the message gives."""
    lat, lon = (report.lat, report.lon) if report.lat is not None else (incident.lat, incident.lon)
    if lat is None or lon is None:
        return []
    most = request.get("max_cams", CAMERAS)
    if named := request.get("camera_ids"):
        found = Camera.objects.filter(municipality_id=incident.municipality_id, pk__in=named, gone_at=None)
        return by_distance(found, lat, lon)[:most]
    radius_m = request.get("radius_m", RADIUS_METRES)
    return cameras_near([incident.municipality_id], lat, lon, radius_m=radius_m, limit=most)


def answer_complete(*, answer: dict[str, Any]) -> dict[str, Any]:
    """The intake's answer with what an agency asks for: `incident_no`, `grant_id` and what became of its video
    request, on each result and, for a single envelope, on top. A repeat is answered with the same."""
    results = [{**one, **_answered(one)} for one in answer["results"]]
    top = {name: results[0][name] for name in ("incident_no", "grant_id", "video")} if len(results) == 1 else {}
    if top:
        top["status"] = "rejected" if results[0]["status"] == "rejected" else "accepted"
    return {**top, **answer, "results": results}


def _answered(result: Mapping[str, Any]) -> dict[str, Any]:
    number = result.get("incident")
    # Grants come with the video gateway; until then there is none to name.
    return {"incident_no": number, "grant_id": None, "video": _video_of(number, result["id"]) if number else None}


def _video_of(number: str, message: str) -> VideoDecision | None:
    """What was decided on the message's request, as the ledger has it."""
    rows = Change.objects.filter(incident__number=number, kind=VIDEO_REQUESTED, body__detail__message=message)
    detail = rows.values_list("body__detail", flat=True).first()
    if detail is None:
        return None
    return {name: detail[name] for name in ("status", "reason", "cameras") if name in detail}  # type: ignore[return-value]
