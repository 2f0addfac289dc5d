"""The shift over REST, under /api/v1/shift: for operators and supervisors; for others it does not exist."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from incidents.api.base import CallerView, fields_of, json_response, moment_of, text_of, whole_of
from incidents.api.problems import problem
from incidents.work import Invalid
from ocenter.accounts.models import User
from services.shifts import duties, handovers, schema
from services.shifts.clock import shift_at
from services.shifts.duties import Refused, person, town_of
from services.shifts.models import Handover, Notice, ShiftDuty
from services.shifts.payloads import (
    NoticePayload,
    duty_payload,
    handover_brief,
    handover_payload,
    notice_payload,
    span_payload,
    starts_payload,
)
from services.shifts.selectors import (
    current_notices,
    last_crew,
    latest_handover,
    on_duty,
    open_duty,
    open_handover,
    plan_of,
    whole_handovers,
)

PAGE_SIZE: Final = 50
PAGE_SIZE_AT_MOST: Final = 200
NUMBER_AT_MOST: Final = 2**31 - 1


class ShiftView(CallerView):
    """A view of the shift."""

    action = "shift"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses whoever is not of a room: other roles, machines, accounts without a municipality."""
        super().initial(request, *args, **kwargs)
        self.require(ShiftView.action)
        if self.caller.user is None or self.caller.municipality_id is None:
            raise PermissionDenied

    def handle_exception(self, error: Exception) -> HttpResponse:
        """A refusal of the state is a 409 with the handover as it stands."""
        if isinstance(error, Refused):
            current = handover_brief(error.handover) if error.handover else None
            return problem(409, error.detail, current=current)
        if isinstance(error, Handover.DoesNotExist | Notice.DoesNotExist):
            error = Http404()
        return super().handle_exception(error)  # type: ignore[no-any-return]


    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing of the shift is kept by a browser or a proxy."""
        response = super().finalize_response(*args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class ShiftNow(ShiftView):
    """The shift as it is now."""

    @extend_schema(operation_id="shift_now", responses={200: schema.SHIFT})
    def get(self, request: Request) -> HttpResponse:
        """Which shift it is, who is on duty, the caller's own duty, the open and the latest handover, the notices."""
        town, user, at = town_of(self.caller), person(self.caller), timezone.now()
        plan = plan_of(town)
        span, duty = shift_at(plan, at), open_duty(user)
        waiting, latest = open_handover(town), latest_handover(town)
        return json_response(
            {
                "at": at.isoformat(),
                "now": span_payload(span),
                "next": span_payload(shift_at(plan, span.ends_at)),
                "starts": starts_payload(plan),
                "crews": list(plan.crews),
                "duty": duty_payload(duty, plan) if duty else None,
                "last_crew": last_crew(user),
                "on_duty": [duty_payload(one, plan) for one in on_duty(town)],
                "handover": {
                    "open": handover_brief(waiting) if waiting else None,
                    "latest": handover_brief(latest) if latest else None,
                },
                "notices": _notices(current_notices(town, at), user),
            }
        )


class DutyBegin(ShiftView):
    """Signing in to the shift."""

    @extend_schema(operation_id="shift_duty_begin", request=schema.BEGIN, responses={201: schema.DUTY, 200: schema.DUTY})
    def post(self, request: Request) -> HttpResponse:
        """Puts the caller on duty: 201, or 200 where they are so already (then only the sound test is noted)."""
        fields = fields_of(request, "crew", "shift", "sound")
        duty, new = duties.duty_begin(
            by=self.caller, crew=text_of(fields, "crew"), shift=text_of(fields, "shift", ""),
            sound=text_of(fields, "sound", ShiftDuty.Sound.UNTESTED.value),
        )  # fmt: skip
        return self.answer(duty, 201 if new else 200)

    def answer(self, duty: ShiftDuty | None, status: int = 200) -> HttpResponse:
        """The duty, or null."""
        return json_response({"duty": duty_payload(duty, plan_of(town_of(self.caller))) if duty else None}, status)


class DutySound(DutyBegin):
    """The sound self-test."""

    @extend_schema(operation_id="shift_duty_sound", request=schema.SOUND, responses={200: schema.DUTY, 409: schema.PROBLEM})
    def post(self, request: Request) -> HttpResponse:
        """Keeps whether the caller heard the tone."""
        heard = fields_of(request, "heard").get("heard")
        if not isinstance(heard, bool):
            raise Invalid("heard", _("true or false is needed."))
        return self.answer(duties.duty_test_sound(by=self.caller, heard=heard))


class DutyEnd(DutyBegin):
    """Signing out of the shift."""

    @extend_schema(operation_id="shift_duty_end", request=None, responses={200: schema.DUTY})
    def post(self, request: Request) -> HttpResponse:
        """Takes the caller off duty; the duty that ended, or null. Safe to repeat."""
        fields_of(request)
        return self.answer(duties.duty_end(by=self.caller))


class HandoverList(ShiftView):
    """The handovers."""

    @extend_schema(
        operation_id="shift_handovers", parameters=schema.HANDOVER_FILTERS, responses={200: schema.HANDOVER_PAGE}
    )
    def get(self, request: Request) -> HttpResponse:
        """Newest first, without their contents."""
        params = request.query_params
        size = whole_of(params, "page_size", PAGE_SIZE, 1, PAGE_SIZE_AT_MOST)
        rows = _filtered(whole_handovers(town_of(self.caller)), params).defer("frozen", "content", "municipality__boundary")
        page = list(rows.order_by("-id")[: size + 1])
        cursor = page[size - 1].pk if len(page) > size else None
        return json_response({"handovers": [handover_brief(one) for one in page[:size]], "cursor": cursor})

    @extend_schema(
        operation_id="shift_handover_draft", request=None,
        responses={201: schema.HANDOVER, 200: schema.HANDOVER, 409: schema.PROBLEM},
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """Writes the draft of the caller's shift from the present state (201), or refreshes the one there is (200)."""
        fields_of(request)
        handover, new = handovers.handover_draft(by=self.caller)
        return _whole(handover.pk, self, 201 if new else 200)


class HandoverDetail(ShiftView):
    """One handover."""

    @extend_schema(operation_id="shift_handover", responses={200: schema.HANDOVER})
    def get(self, request: Request, handover_id: int) -> HttpResponse:
        """The handover, whole; `wrong` lists what is no longer as it was signed."""
        return _whole(handover_id, self)


class HandoverDocument(ShiftView):
    """The document that was signed."""

    @extend_schema(operation_id="shift_handover_document", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, handover_id: int) -> HttpResponse:
        """The bytes that were signed: `sha256sum` of them is the digest. 404 for a draft."""
        handover = _handover(handover_id, self)
        if not handover.frozen:
            raise Http404
        return HttpResponse(handover.frozen.encode(), content_type="application/json")


class HandoverNotes(ShiftView):
    """The outgoing shift's own words."""

    @extend_schema(operation_id="shift_handover_notes", request=schema.NOTES, responses={200: schema.HANDOVER, 409: schema.PROBLEM})
    def post(self, request: Request, handover_id: int) -> HttpResponse:
        """Replaces the notes of the draft that was read as `version`."""
        fields = fields_of(request, "notes", "version")
        _handover(handover_id, self)
        notes, version = text_of(fields, "notes"), _version(fields)
        handovers.handover_note(handover_id=handover_id, by=self.caller, version=version, notes=notes)
        return _whole(handover_id, self)


class HandoverSign(ShiftView):
    """The outgoing signature."""

    @extend_schema(operation_id="shift_handover_sign", request=schema.SIGN, responses={200: schema.HANDOVER, 409: schema.PROBLEM})
    def post(self, request: Request, handover_id: int) -> HttpResponse:
        """Signs and freezes the draft that was read as `version`."""
        version = _version(fields_of(request, "version"))
        handovers.handover_sign(handover_id=handover_id, by=self.caller, version=version)
        return _whole(handover_id, self)


class HandoverCountersign(ShiftView):
    """The incoming signature."""

    @extend_schema(
        operation_id="shift_handover_countersign", request=schema.COUNTERSIGN, responses={200: schema.HANDOVER, 409: schema.PROBLEM}
    )
    def post(self, request: Request, handover_id: int) -> HttpResponse:
        """Signs the document whose `digest` was read, and archives it."""
        digest = text_of(fields_of(request, "digest"), "digest")
        handovers.handover_countersign(handover_id=handover_id, by=self.caller, digest=digest)
        return _whole(handover_id, self)


class HandoverReturn(ShiftView):
    """Back for correction."""

    @extend_schema(operation_id="shift_handover_return", request=schema.RETURN, responses={201: schema.HANDOVER, 409: schema.PROBLEM})
    def post(self, request: Request, handover_id: int) -> HttpResponse:
        """Sends it back with a reason; the answer is the new draft."""
        reason = text_of(fields_of(request, "reason"), "reason")
        fresh = handovers.handover_return(handover_id=handover_id, by=self.caller, reason=reason)
        return _whole(fresh.pk, self, 201)


class NoticeList(ShiftView):
    """Notices to the room."""

    @extend_schema(operation_id="shift_notices", responses={200: schema.NOTICES})
    def get(self, request: Request) -> HttpResponse:
        """Those that hold now, the important ones first."""
        return json_response({"notices": _notices(current_notices(town_of(self.caller), timezone.now()), person(self.caller))})

    @extend_schema(operation_id="shift_notice_post", request=schema.POST_NOTICE, responses={201: schema.NOTICE, 409: schema.PROBLEM})
    def post(self, request: Request) -> HttpResponse:
        """Posts one; for supervisors."""
        self.require("notice")
        fields = fields_of(request, "text", "until", "importance")
        notice = duties.notice_post(
            by=self.caller, text=text_of(fields, "text"), until=_until(fields),
            importance=text_of(fields, "importance", Notice.Importance.NORMAL.value),
        )  # fmt: skip
        return _notice(notice, self, 201)


class NoticeRead(ShiftView):
    """Having read it."""

    @extend_schema(operation_id="shift_notice_read", request=None, responses={200: schema.NOTICE})
    def post(self, request: Request, notice_id: int) -> HttpResponse:
        """Keeps that the caller has read it. Safe to repeat."""
        fields_of(request)
        return _notice(duties.notice_read(notice_id=notice_id, by=self.caller), self)


class NoticeWithdraw(ShiftView):
    """Taking it back."""

    @extend_schema(operation_id="shift_notice_withdraw", request=None, responses={200: schema.NOTICE})
    def post(self, request: Request, notice_id: int) -> HttpResponse:
        """Takes it back before its time; for supervisors. Safe to repeat."""
        self.require("notice")
        fields_of(request)
        return _notice(duties.notice_withdraw(notice_id=notice_id, by=self.caller), self)


def _handover(handover_id: int, view: ShiftView) -> Handover:
    return whole_handovers(town_of(view.caller)).get(pk=handover_id)


def _whole(handover_id: int, view: ShiftView, status: int = 200) -> HttpResponse:
    return json_response(handover_payload(_handover(handover_id, view)), status)


def _notices(rows: QuerySet[Notice], reader: User) -> list[NoticePayload]:
    return [notice_payload(one, reader) for one in rows.prefetch_related("reads__user")]


def _notice(notice: Notice, view: ShiftView, status: int = 200) -> HttpResponse:
    (body,) = _notices(Notice.objects.filter(pk=notice.pk).select_related("posted_by"), person(view.caller))
    return json_response(body, status)


def _version(fields: dict[str, Any]) -> int:
    return whole_of(fields, "version", -1, 0, NUMBER_AT_MOST)


def _until(fields: dict[str, Any]) -> datetime:
    until = moment_of({"until": text_of(fields, "until")}, "until")
    if until is None:
        raise Invalid("until", _("A time in the next 31 days is needed."))
    return until


def _filtered(rows: QuerySet[Handover], params: Any) -> QuerySet[Handover]:
    if since := moment_of(params, "since"):
        rows = rows.filter(written_at__gte=since)
    if until := moment_of(params, "until"):
        rows = rows.filter(written_at__lt=until)
    if states := [one for one in params.get("state", "").split(",") if one]:
        for one in states:
            if one not in Handover.State.values:
                raise Invalid("state", _("One of these is needed: %s.") % ", ".join(Handover.State.values))
        rows = rows.filter(state__in=states)
    if params.get("cursor"):
        rows = rows.filter(id__lt=whole_of(params, "cursor", 0, 1, 2**62))
    return rows
