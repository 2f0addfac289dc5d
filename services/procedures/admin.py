"""Procedures in the admin site: written as JSON, read as they will be followed, one version after another."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from django import forms
from django.db import models
from django.db.models import Count
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from incidents.codes import CODES, Family
from ocenter.accounts.admin_base import ScopedAdmin
from services.procedures.builtin import builtins
from services.procedures.definition import Definition, faults_of, step_faults
from services.procedures.models import Procedure
from services.procedures.operations import procedure_activate, procedure_save
from services.procedures.payloads import local


class StepsWidget(UnfoldAdminTextareaWidget):
    """The JSON of the steps, and below it how they will read or what is wrong with them."""

    def format_value(self, value: Any) -> str:
        """Indented, Hangul as it is; what is no JSON as it was typed."""
        try:
            return json.dumps(json.loads(value), ensure_ascii=False, indent=1)
        except (TypeError, ValueError):
            return value or "[]"

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """The field and the preview of what stands in it."""
        field = super().render(name, value, {**(attrs or {}), "rows": 24, "class": "oc-code vLargeTextField"}, renderer)
        return format_html('{}<div class="oc-steps">{}</div>', field, preview(self.format_value(value)))


def preview(text: str) -> SafeString:
    """The steps as a list in the reader's language, or their faults."""
    try:
        steps = json.loads(text)
    except ValueError as error:
        return format_html("<p>{}</p>", str(error))
    if faults := step_faults(steps):
        return format_html("<ul>{}</ul>", format_html_join("", "<li><b>{}</b> {}</li>", faults))
    return format_html("<ol>{}</ol>", format_html_join("", "<li>{}{}</li>", ((local(one["text"]), _about(one)) for one in steps)))


def _about(step: dict[str, Any]) -> SafeString:
    said = [str(_("required"))] if step.get("required") else []
    said += [str(_("supervisor"))] if step.get("owner") == "supervisor" else []
    said += [" / ".join(local(one["text"]) for one in step.get("options", []))]
    said += [str(_("%d min") % step["minutes"])] if "minutes" in step else []
    said += [str(_("within %d s") % step["due_s"])] if "due_s" in step else []
    said += [step.get("action", "")]
    if when := step.get("when"):
        said.append(str(_("only if %(step)s is %(options)s") % {"step": when["step"], "options": ", ".join(when["is"])}))
    said += [str(_("settled by: %s") % ", ".join(step["auto"]))] if step.get("auto") else []
    return format_html(" <small>{}</small>", " · ".join(one for one in said if one))


class ProcedureForm(forms.ModelForm):
    """One version; the whole definition is checked as it will be stored."""

    preview_only = forms.BooleanField(
        label=_("only show"), required=False, help_text=_("Show below how the steps read, and save nothing.")
    )

    class Meta:
        model = Procedure
        fields = ("municipality", "applies_to", "title_ko", "title_en", "active", "steps")
        widgets: ClassVar[dict[str, Any]] = {"steps": StepsWidget}

    def definition(self) -> Definition:
        """What the form holds."""
        data = self.cleaned_data
        return {
            "applies_to": data.get("applies_to") or self.instance.applies_to, "version": 0,
            "title": {"ko": data.get("title_ko") or "", "en": data.get("title_en") or ""}, "steps": data.get("steps") or [],
        }  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Names every fault at its field; a preview is never saved."""
        data = super().clean()
        if self.errors:
            return data
        for where, message in faults_of(self.definition()):
            field = where.split("[")[0]
            self.add_error(field if field in self.fields else None, f"{where}: {message}")
        if data.get("preview_only"):
            self.add_error("preview_only", _("Nothing was saved: this is how the steps read."))
        return data


class ProcedureAdmin(ScopedAdmin):
    """A centre's own procedures. Saving writes the next version; running checklists keep theirs."""

    form = ProcedureForm
    administrators_may = frozenset({"view", "add", "change"})
    superusers_may = frozenset({"view", "add", "change"})
    list_display = ("target", "title", "version", "active", "used", "created_by", "created_at")
    list_filter = ("active",)
    search_fields = ("applies_to", "title_ko", "title_en")
    fields = ("municipality", "applies_to", ("title_ko", "title_en"), "active", "steps", "preview_only")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """With how many checklists follow each version."""
        return super().get_queryset(request).annotate(followed=Count("checklists"))

    def get_readonly_fields(self, request: HttpRequest, obj: Procedure | None = None) -> tuple[str, ...]:
        """Whose it is and what for stays; what a version is used by is only shown."""
        return ("municipality", "applies_to", "version", "created_by", "created_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Procedure | None = None) -> tuple[Any, ...]:
        """An existing version also says which it is."""
        return (*self.fields[:4], ("version", "created_by", "created_at"), *self.fields[4:]) if obj else self.fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?applies_to=BEL` begins with the procedure that comes with the product."""
        initial = super().get_changeform_initial_data(request)
        target = initial.get("applies_to", Family.CRM)
        known = builtins().get(target) or builtins().get(str(target).partition("-")[0])
        if known:
            initial |= {"applies_to": target, "title_ko": known["title"]["ko"], "title_en": known["title"]["en"], "steps": known["steps"]}
        return initial

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """The codes and families by name."""
        if db_field.name == "applies_to":
            return forms.ChoiceField(
                label=db_field.verbose_name, choices=_targets, widget=UnfoldAdminSelectWidget,
                help_text=_("Begin with the one that comes with the product: add ?applies_to=BEL to the address."),
            )  # fmt: skip
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Procedure, form: ProcedureForm, change: bool) -> None:
        """Writes the next version, or only makes this one active or not where nothing else was changed."""
        changed = set(form.changed_data) - {"preview_only"}
        before = Procedure.objects.filter(pk=obj.pk).first() if change else None
        if before and before.definition == obj.definition:
            procedure_activate(procedure=obj, active=obj.active)
        else:
            saved = procedure_save(
                municipality=obj.municipality, definition=form.definition(), active=obj.active, by=request.user.get_username()
            )
            obj.pk, obj.version, obj.created_by, obj.created_at = saved.pk, saved.version, saved.created_by, saved.created_at
        request.audit_changes = {name: ["", str(form.cleaned_data[name])[:2000]] for name in changed}

    @display(description=_("event code or family"), ordering="applies_to")
    def target(self, procedure: Procedure) -> str:
        """The code or family by name."""
        return dict(_targets()).get(procedure.applies_to, procedure.applies_to)

    @display(description=_("title"))
    def title(self, procedure: Procedure) -> str:
        """In the reader's language."""
        return local(procedure.definition["title"])

    @display(description=_("checklists"), ordering="followed")
    def used(self, procedure: Procedure) -> int:
        """How many checklists began with this version."""
        return procedure.followed


def _targets() -> list[tuple[str, str]]:
    language = "en" if (get_language() or "").startswith("en") else "ko"
    families = [(family.value, f"{family.value} {family.label}") for family in Family]
    return families + [(code, f"{code} {row.name[language]}") for code, row in CODES.items()]


PAGES: Final = ((Procedure, ProcedureAdmin),)
