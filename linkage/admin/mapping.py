"""The page on which an administrator maps a feed's JSON, and sees on a pasted sample what comes of it.

Typing posts the form to `mapping_preview`, which answers with the result alone; without JavaScript the button does
the same by the whole page. Saving takes a sample that the mapping understands completely; it is kept beside the
mapping, so that the next edit is tried on it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from linkage import systems
from linkage.admin import mapping_form
from linkage.admin.panel import maps
from linkage.admin_actions import act_page, by_of
from linkage.feeds.base import NotADocument
from linkage.feeds.mapped_json import Applied, BadMapping, Problem, apply, parse, read_json
from linkage.feeds.mapped_json.discover import Found, lists_in, paths_in
from linkage.feeds.mapped_json.reading import records_in
from linkage.feeds.mapped_json.rules import SAMPLE_LENGTH, Rules
from linkage.masking import masked_body
from linkage.models import LinkedSystem

PAGE: Final = "admin/linkage/linkedsystem/mapping.html"
RESULT: Final = "admin/linkage/linkedsystem/mapping_result.html"
OUTCOMES_SHOWN: Final = 20
SAMPLE_RECORDS_AT_MOST: Final = 500

# What the intake has against an event, field by field; an empty list where it would take it.
EventErrors = Callable[[Any], list[dict[str, str]]]


@dataclass
class Result:
    """What a mapping makes of a sample. `problems` are the mapping's own, `broken` why the sample is none."""

    has_sample: bool = False
    problems: list[Problem] = field(default_factory=list)
    broken: str = ""
    applied: Applied | None = None
    refused: dict[int, list[Problem]] = field(default_factory=dict)
    lists: list[Found] = field(default_factory=list)
    paths: list[Found] = field(default_factory=list)

    @property
    def good(self) -> int:
        """How many records became events that the intake would take."""
        return sum(one.event is not None and one.position not in self.refused for one in self.outcomes)

    @property
    def outcomes(self) -> list[Any]:
        """What became of each record."""
        return self.applied.outcomes if self.applied else []

    @property
    def can_be_saved(self) -> bool:
        """Whether the mapping understands the whole sample, and there is something in it."""
        return not self.problems and not self.broken and bool(self.outcomes) and self.good == len(self.outcomes)

    def shown(self) -> list[dict[str, Any]]:
        """The first records that failed, then the first that did not."""
        rows = [
            {
                "position": one.position,
                "raw": json.dumps(one.raw, ensure_ascii=False, indent=1),
                "event": json.dumps(one.event, ensure_ascii=False, indent=1) if one.event else "",
                "problems": one.problems or self.refused.get(one.position, []),
            }
            for one in self.outcomes
        ]
        return sorted(rows, key=lambda row: not row["problems"])[:OUTCOMES_SHOWN]


def result_of(
    document: Any, sample: str, *, codes: list[str] | None = None, event_errors: EventErrors | None = None
) -> Result:
    """Tries a mapping on a sample. Never raises for what either holds."""
    found = Result(has_sample=bool(sample.strip()))
    rules = None
    try:
        rules = parse(document, codes=codes)
    except BadMapping as error:
        found.problems = error.problems
    if not found.has_sample:
        return found
    if len(sample) > SAMPLE_LENGTH:
        found.broken = _("The sample is longer than %d characters; a few records are enough.") % SAMPLE_LENGTH
        return found
    try:
        content = read_json(sample.encode("utf-8", "replace"))
    except NotADocument as error:
        found.broken = str(error)
        return found
    found.lists = lists_in(content)
    _apply(found, rules, content, document, event_errors)
    return found


def _apply(found: Result, rules: Rules | None, content: Any, document: Any, event_errors: EventErrors | None) -> None:
    records = _records(document, content, found.lists)
    found.paths = paths_in(records)
    if len(records) > SAMPLE_RECORDS_AT_MOST:
        found.broken = _("More than %d records; a few of each kind are enough.") % SAMPLE_RECORDS_AT_MOST
    if rules is None or found.broken:
        return
    try:
        found.applied = apply(rules, content)
    except NotADocument as error:
        found.broken = str(error)
        return
    for one in found.applied.outcomes:
        errors = event_errors(one.event) if event_errors and one.event else []
        if errors:
            found.refused[one.position] = [Problem(error["field"], error["message"]) for error in errors]


def _records(document: Any, content: Any, lists: list[Found]) -> list[Any]:
    """The records to list the fields of: those at the mapping's path, or else the longest list's, or the document."""
    asked = document.get("records") if isinstance(document, dict) else ""
    for path in filter(None, (asked, lists[0].path if lists else "", "@")):
        bare = {"records": path, "fields": {"id": "@", "occurred_at": "@", "code": "@"}, "position": {"missing": "unknown"}}
        try:
            return [record.raw for record in records_in(parse(bare), content)]
        except (BadMapping, NotADocument):
            continue
    return []


def mapping_page(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """Shows the mapping; a POST tries it (`do=preview`) or, where it understands the sample, saves it (`do=save`)."""
    system = _mapped_system(request, model_admin, system_id)
    may_change = model_admin.has_change_permission(request, system)
    if request.method == "POST" and not may_change:
        raise PermissionDenied
    document, sample, raw = _given(request, system)
    result = _tried(request, document, sample, model_admin)
    if request.method == "POST" and request.POST.get("do") == "save":
        if result.can_be_saved:
            systems.mapping_save(system=system, by=by_of(request), mapping={**document, "sample": sample})
            messages.success(request, _("The mapping is saved and in force for the next document."))
            return redirect("admin:linkage_linkedsystem_mapping", system.pk)
        messages.error(request, _("Not saved: the mapping does not understand the whole sample. See the result."))
    page = {
        "title": _("Mapping"),
        "fields": mapping_form.form_of(document if isinstance(document, dict) else {}),
        "raw": raw,
        "as_raw": _is_raw(request),
        "sample": sample if may_change else masked_body(sample),
        "codes": model_admin.code_choices,
        "result": result,
        "may_change": may_change,
        "sample_length": SAMPLE_LENGTH,
    }
    return act_page(request, model_admin, system, page, PAGE)


def mapping_preview(request: HttpRequest, system_id: int, *, model_admin: ModelAdmin) -> HttpResponse:
    """The result of the posted form alone, as a piece of the page. Changes nothing."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    system = _mapped_system(request, model_admin, system_id)
    if not model_admin.has_change_permission(request, system):
        raise PermissionDenied
    document, sample, _raw = _given(request, system)
    return render(request, RESULT, {"result": _tried(request, document, sample, model_admin), "may_change": True})


def _mapped_system(request: HttpRequest, model_admin: ModelAdmin, system_id: int) -> LinkedSystem:
    system = model_admin.get_queryset(request).filter(pk=system_id).first()
    if system is None or not model_admin.has_view_permission(request, system) or not maps(system):
        raise Http404(_("There is no such entry here."))
    return system


def _given(request: HttpRequest, system: LinkedSystem) -> tuple[Any, str, str]:
    """The mapping, the sample and the raw text: as posted, or as saved."""
    if request.method != "POST":
        saved = {name: value for name, value in (system.mapping or mapping_form.DEFAULTS).items() if name != "sample"}
        return saved, str(system.mapping.get("sample", "")), mapping_form.raw_text(saved)
    sample = request.POST.get("sample", "")
    if not _is_raw(request):
        document: Any = mapping_form.document_of(request.POST)
        return document, sample, mapping_form.raw_text(document)
    raw = request.POST.get("raw", "")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return error, sample, raw
    if isinstance(document, dict):
        document.pop("sample", None)
    return document, sample, raw


def _is_raw(request: HttpRequest) -> bool:
    return (request.POST if request.method == "POST" else request.GET).get("view") == "raw"


def _tried(request: HttpRequest, document: Any, sample: str, model_admin: ModelAdmin) -> Result:
    if isinstance(document, Exception):
        return Result(has_sample=bool(sample.strip()), problems=[Problem("", _("No JSON: %s") % document)])
    codes = [code for code, _name in model_admin.code_choices] or None
    return result_of(document, sample, codes=codes, event_errors=model_admin.event_errors)
