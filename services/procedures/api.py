"""Procedures over REST: an incident's checklist, marking its steps, how procedures are followed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.plumbing import resolve_type_hint
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from incidents.api import schema
from incidents.api.base import CallerView, fields_of, json_response, moment_of, text_of, whole_of
from incidents.models import Incident
from incidents.operations import Invalid, Result
from incidents.selectors import visible_incidents
from ocenter.accounts.principal import Principal
from services.procedures import operations
from services.procedures.payloads import ChecklistPayload, checklist_payload
from services.procedures.selectors import followed
from services.procedures.usage import Notice, Usage, notices, usage

SINCE_DEFAULT: Final = timedelta(days=30)
CHECKLIST: Final = resolve_type_hint(ChecklistPayload)
MARKED: Final = {
    "type": "object",
    "properties": {**schema.ACTION_RESULT["properties"], "procedure": CHECKLIST},
    "required": ["incident", "seq", "procedure"],
}
NOTICES: Final = {
    "type": "object", "properties": {"notices": {"type": "array", "items": resolve_type_hint(Notice)}}, "required": ["notices"],
}  # fmt: skip
REASON: Final = schema.ACTION_BODIES["reopen"]
CHOICE: Final = {"type": "object", "properties": {"choice": {"type": "string"}}, "required": ["choice"]}


class PeopleView(CallerView):
    """A view for people alone: how a centre works is no business of the systems linked to it."""

    def visible(self, number: str) -> Incident:
        """The incident, if the caller may see it. Raises PermissionDenied for machines, Incident.DoesNotExist."""
        self.require_person()
        return visible_incidents(self.caller).get(number=number)

    def require_person(self) -> None:
        """Raises PermissionDenied for machines."""
        if self.caller.user is None:
            raise PermissionDenied(_("Your role may not do this."))


class IncidentProcedure(PeopleView):
    """The procedure of one incident."""

    @extend_schema(
        operation_id="incident_procedure",
        parameters=[OpenApiParameter("at", OpenApiTypes.DATETIME, description="As it stood then")],
        responses={200: CHECKLIST},
    )
    def get(self, request: Request, number: str) -> HttpResponse:
        """Its checklist as it stands now, or as it stood at `at`. Before the acknowledgement, what will be asked."""
        incident = self.visible(number)
        return json_response(checklist_payload(incident, followed(incident, moment_of(request.query_params, "at"))))


Act = Callable[[str, str, Principal, Request], Result]


def _do(number: str, step: str, by: Principal, request: Request) -> Result:
    fields_of(request)
    return operations.step_do(number=number, step=step, by=by)


def _undo(number: str, step: str, by: Principal, request: Request) -> Result:
    fields_of(request)
    return operations.step_undo(number=number, step=step, by=by)


def _skip(number: str, step: str, by: Principal, request: Request) -> Result:
    reason = text_of(fields_of(request, "reason"), "reason", "")
    return operations.step_skip(number=number, step=step, reason=reason, by=by)


def _choose(number: str, step: str, by: Principal, request: Request) -> Result:
    choice = text_of(fields_of(request, "choice"), "choice", "")
    return operations.step_choose(number=number, step=step, choice=choice, by=by)


class StepView(PeopleView):
    """What a person does to one step."""

    act: Act

    def answer(self, request: Request, number: str, step: str) -> HttpResponse:
        """Does it and answers the incident, the ledger's number, and the checklist as it is now."""
        self.require("procedure")
        self.visible(number)
        try:
            return _answer(type(self).act(number, step, self.caller, request))
        except operations.NoSuchStep as error:
            raise Http404 from error


class StepDo(StepView):
    """Marking a step as done."""

    act = staticmethod(_do)

    @extend_schema(operation_id="procedure_step_do", request=None, responses={200: MARKED, 409: schema.PROBLEM})
    def post(self, request: Request, number: str, step: str) -> HttpResponse:
        """Marks the step as done; 409 where somebody has, where it is a choice, or where a timer still runs."""
        return self.answer(request, number, step)


class StepUndo(StepView):
    """Taking a mark back."""

    act = staticmethod(_undo)

    @extend_schema(operation_id="procedure_step_undo", request=None, responses={200: MARKED, 409: schema.PROBLEM})
    def post(self, request: Request, number: str, step: str) -> HttpResponse:
        """Opens the step again; 409 where it is open, or where the ledger itself has settled it."""
        return self.answer(request, number, step)


class StepSkip(StepView):
    """Leaving a step out."""

    act = staticmethod(_skip)

    @extend_schema(
        operation_id="procedure_step_skip", request=schema.json_body(REASON), responses={200: MARKED, 409: schema.PROBLEM}
    )
    def post(self, request: Request, number: str, step: str) -> HttpResponse:
        """Leaves the step out with a `reason`, which the supervisor sees; 409 where it is settled."""
        return self.answer(request, number, step)


class StepChoose(StepView):
    """Taking a branch."""

    act = staticmethod(_choose)

    @extend_schema(
        operation_id="procedure_step_choose", request=schema.json_body(CHOICE), responses={200: MARKED, 409: schema.PROBLEM}
    )
    def post(self, request: Request, number: str, step: str) -> HttpResponse:
        """Takes the branch `choice`; 409 where the step has none, or where that is chosen already."""
        return self.answer(request, number, step)


class ProcedureWaive(PeopleView):
    """Letting the rest go."""

    @extend_schema(
        operation_id="procedure_waive", request=schema.json_body(REASON), responses={200: MARKED, 409: schema.PROBLEM}
    )
    def post(self, request: Request, number: str) -> HttpResponse:
        """A supervisor lets the rest of the procedure go, with a `reason`; 409 where nothing required is open."""
        self.require("override")
        self.visible(number)
        reason = text_of(fields_of(request, "reason"), "reason", "")
        try:
            return _answer(operations.procedure_waive(number=number, reason=reason, by=self.caller))
        except operations.NoSuchStep as error:
            raise Http404 from error


class ProcedureUsage(PeopleView):
    """How procedures are followed."""

    @extend_schema(
        operation_id="procedures_usage",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="30 days ago by default"),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Now by default"),
        ],
        responses={200: resolve_type_hint(Usage)},
    )
    def get(self, request: Request) -> HttpResponse:
        """Per procedure, version and step: how often done, done by the ledger, skipped, and the median minutes."""
        self.require_person()
        until = moment_of(request.query_params, "to") or timezone.now()
        since = moment_of(request.query_params, "from") or until - SINCE_DEFAULT
        if since > until:
            raise Invalid("from", _("It lies after the end."))
        return json_response(usage(self.caller.municipalities, since, until))


class ProcedureNotices(PeopleView):
    """What a supervisor must know."""

    @extend_schema(
        operation_id="procedures_notices",
        parameters=[OpenApiParameter("after", OpenApiTypes.INT64, description="The highest id already seen")],
        responses={200: NOTICES},
    )
    def get(self, request: Request) -> HttpResponse:
        """Steps skipped, waived or overdue in the last 24 hours, the newest first, at most 100. For supervisors."""
        self.require_person()
        self.require("override")
        after = whole_of(request.query_params, "after", 0, 0, 2**62)
        return json_response({"notices": notices(self.caller.municipalities, after)})


def _answer(result: Result) -> HttpResponse:
    incident = Incident.objects.get(number=result.incident["number"])
    body: dict[str, Any] = {"incident": result.incident, "seq": result.seq}
    return json_response({**body, "procedure": checklist_payload(incident, followed(incident))})
