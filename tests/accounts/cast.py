"""Two cities with the same things in each, to try every border between them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from incidents.models import Camera, Change, CorrelationRule, Device, Event, Incident, LedgerHead
from linkage.models import Attempt, Delivery, LinkedSystem, Quarantined, Relay
from ocenter.accounts.models import Municipality, User
from services.procedures.models import Procedure
from services.shifts.models import Handover, Notice, ShiftDuty, ShiftPlan
from services.video.models import VideoView

PASSWORD = "Correct-horse-42"


@dataclass
class City:
    """One municipality, its people by role, and one row of everything."""

    municipality: Municipality
    operator: User
    supervisor: User
    administrator: User
    auditor: User
    feed: LinkedSystem
    agency: LinkedSystem
    camera: Camera
    device: Device
    rule: CorrelationRule
    incident: Incident
    event: Event
    change: Change
    relay: Relay
    delivery: Delivery
    attempt: Attempt
    quarantined: Quarantined
    view: VideoView
    plan: ShiftPlan
    duty: ShiftDuty
    handover: Handover
    notice: Notice
    procedure: Procedure

    def rows(self) -> list:
        """One row of each model the admin site shows, but the audit's."""
        return [
            self.municipality, self.operator, self.agency, self.relay, self.delivery, self.attempt, self.camera,
            self.device, self.rule, self.incident, self.event, self.change, self.quarantined, self.view,
            self.plan, self.duty, self.handover, self.notice,
            self.procedure,
        ]  # fmt: skip


def make_user(username, municipality, role="operator", **more):
    return User.objects.create_user(username=username, password=PASSWORD, municipality=municipality, role=role, **more)


def make_superuser():
    return User.objects.create_superuser(username="root", password=PASSWORD, email="")


def make_city(code="30000", name_ko="대전광역시", name_en="Daejeon", prefix=""):
    town = Municipality.objects.create(code=code, name_ko=name_ko, name_en=name_en, lat=36.35, lon=127.38)
    people = {role: make_user(f"{prefix}{role}", town, role) for role in User.Role.values}
    feed = make_system(town, "bells", kind="feed", name_ko=f"{prefix}비상벨", name_en=f"{prefix}Bells")
    agency = make_system(town, "police112", name_ko=f"{prefix}경찰", name_en=f"{prefix}Police")
    things = _things(town, feed, agency, prefix)
    view = VideoView.objects.create(
        municipality=town, camera=things["camera"], user=people["operator"], reason="a look", expires_at=timezone.now()
    )
    return City(municipality=town, feed=feed, agency=agency, view=view, **people, **things, **_shift(town, people["operator"]))


def make_system(town, slug, *, kind="agency", **more):
    defaults = {
        "name_ko": slug,
        "name_en": slug,
        "endpoint": "http://127.0.0.1:9/incidents" if kind == "agency" else "",
    }
    return LinkedSystem.objects.create(municipality=town, slug=slug, kind=kind, **{**defaults, **more})


def _things(town, feed, agency, prefix):
    now = timezone.now()
    camera = Camera.objects.create(
        municipality=town, source="demo", site_number=f"{prefix}C-1", name=f"{prefix}camera", lat=36.35, lon=127.38
    )
    device = Device.objects.create(
        municipality=town, device_id="BELL-1", kind="bell", name=f"{prefix}bell", lat=36.35, lon=127.38
    )
    rule = CorrelationRule.objects.create(municipality=town, code="BEL-01", radius_m=100, window_s=60)
    incident = Incident.objects.create(
        municipality=town, number=f"{town.code}-20200101-0001", code="BEL-01", family="BEL", grade="G2",
        status_at=now, occurred_at=now, last_event_at=now, received_at=now, system=feed, lat=36.35, lon=127.38,
    )  # fmt: skip
    event = Event.objects.create(
        municipality=town, system=feed, source_id="e-1", incident=incident, code="BEL-01", grade="G2",
        occurred_at=now, received_at=now, attributes={"caller_tel": "010-1234-5678", "battery": 80},
    )  # fmt: skip
    LedgerHead.objects.update_or_create(municipality=town, defaults={"seq": 1})
    change = Change.objects.create(
        municipality=town, seq=1, at=now, kind="incident.opened", incident=incident, family="BEL",
        body={"actor": {"kind": "feed", "name": "bells"}},
    )  # fmt: skip
    relay = Relay.objects.create(
        municipality=town, system=agency, subject=incident.number, attention_reason="no answer",
        attention_at=now - timedelta(minutes=1),
    )  # fmt: skip
    delivery = Delivery.objects.create(
        id=uuid.uuid4(), relay=relay, system=agency, position=1, message="create",
        payload={"incident": {"summary": "call 010-1234-5678", "caller_tel_masked": "010-****-5678"}},
    )  # fmt: skip
    attempt = Attempt.objects.create(
        delivery=delivery, number=1, started_at=now, duration_ms=12, status=500, error="HTTP 500",
        response="whsec_abcdefgh12345678 010-1234-5678",
    )  # fmt: skip
    quarantined = Quarantined.objects.create(
        system=feed, format="events", is_document=False, raw=b'{"id": "e-2", "caller_tel": "010-1234-5678"}', size=44,
        digest=f"{town.code}{'d' * 32}", content_type="application/json",
        errors=[{"field": "code", "message": "Unknown event code of 010-1234-5678"}],
    )  # fmt: skip
    procedure = Procedure.objects.create(
        municipality=town, applies_to="BEL", version=1, title_ko=f"{prefix}벨", title_en=f"{prefix}Bell", created_by="admin",
        steps=[{"id": "look", "kind": "check", "text": {"ko": "확인", "en": "Look"}}],
    )  # fmt: skip
    return {
        "camera": camera, "device": device, "rule": rule, "incident": incident, "event": event, "change": change,
        "quarantined": quarantined, "relay": relay, "delivery": delivery, "attempt": attempt,
        "procedure": procedure,
    }  # fmt: skip


def _shift(town, operator):
    now = timezone.now()
    whose = {"municipality": town, "shift": "night", "day": now.date(), "crew": "B"}
    return {
        "plan": ShiftPlan.objects.create(municipality=town),
        "duty": ShiftDuty.objects.create(user=operator, **whose),
        "handover": Handover.objects.create(written_at=now, written_by=operator, **whose),
        "notice": Notice.objects.create(municipality=town, text="notice", until=now, posted_by=operator),
    }
