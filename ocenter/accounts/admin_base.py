"""What every page of the admin site stands on: the municipality's border, the roles, and the audit.

An administrator sees, chooses, searches and changes what is of their own municipality (invariant I7); for
the rest the answer is 404, as if it did not exist. Permissions follow the role, not Django's tables.
Each change writes its audit entry in the same transaction, as the last thing before the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from typing import Any, ClassVar, Final

from django import forms
from django.contrib.admin.exceptions import NotRegistered
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from ocenter.accounts import audit
from ocenter.accounts.models import Municipality, User
from ocenter.accounts.roles import actions_of
from ocenter.accounts.session import client_address

VIEW: Final = frozenset({"view"})
EVERYTHING: Final = frozenset({"view", "add", "change", "delete"})
NOTHING: Final[frozenset[str]] = frozenset()
ROWS_PER_PAGE: Final = 50


class ScopedAdmin(ModelAdmin):
    """A model's admin pages within one municipality.

    `municipality_path` leads from the model to its municipality in lookup form ("relay__municipality").
    The `…_may` sets say which of view, add, change, delete each kind of person may do.
    """

    municipality_path: ClassVar[str] = "municipality"
    superusers_may: ClassVar[frozenset[str]] = EVERYTHING
    administrators_may: ClassVar[frozenset[str]] = EVERYTHING
    auditors_may: ClassVar[frozenset[str]] = NOTHING
    list_per_page = ROWS_PER_PAGE
    # Counting a whole large table for "of 1,000,000" costs seconds and tells nothing.
    show_full_result_count = False
    list_filter_submit = False

    # --- the border ---

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """What the person may see; every list, search, choice, action and object page starts here."""
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows if self.municipality_path == "pk" else rows.select_related(self.municipality_path)
        return (
            rows.filter(**{self.municipality_path: request.user.municipality_id})
            if self._scope(request)
            else rows.none()
        )

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """The columns; whose row it is matters only to those who see several municipalities."""
        shown = list(super().get_list_display(request))
        return [*shown, "town"] if request.user.is_superuser and self.municipality_path != "pk" else shown

    @display(description=_("municipality"))
    def town(self, obj: models.Model) -> str:
        """Whose row it is."""
        return str(reduce(getattr, self.municipality_path.split("__"), obj) or "–")

    def municipality_of(self, obj: models.Model) -> int | None:
        """The id of the municipality `obj` belongs to."""
        found = reduce(getattr, self.municipality_path.split("__"), obj)
        return found.pk if isinstance(found, Municipality) else found

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        """Choices within the person's scope; the municipality itself is fixed for all but superusers."""
        kwargs.setdefault("queryset", self._choices(db_field, request))
        kwargs.setdefault("label", capfirst(db_field.related_model._meta.verbose_name))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field and db_field.related_model is Municipality and not request.user.is_superuser:
            # Disabled: whatever is posted, the initial value counts.
            field.disabled, field.initial = True, request.user.municipality_id
        return field

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField | None:
        """Choices within the person's scope."""
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Without the little add, change and delete links beside choices: they leave the form."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        for name in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            if field and hasattr(field.widget, name):
                setattr(field.widget, name, False)
        return field

    def _choices(self, db_field: models.Field, request: HttpRequest) -> models.QuerySet:
        try:
            related = self.admin_site.get_model_admin(db_field.related_model)
        except NotRegistered:
            return db_field.related_model._default_manager.none()
        return related.get_queryset(request)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: models.options.Options, object_id: str
    ) -> HttpResponseRedirect:
        # Django's redirect to the index would say that the object exists somewhere or was deleted.
        raise Http404(gettext("There is no such entry here."))

    # --- the roles ---

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether the person's role may look, here and at `obj`."""
        return self._may(request, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person's role may add."""
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether the person's role may change, here and at `obj`."""
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether the person's role may delete, here and at `obj`."""
        return self._may(request, "delete", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the person sees the model at all."""
        return self._may(request, "view")

    def _may(self, request: HttpRequest, verb: str, obj: models.Model | None = None) -> bool:
        user = request.user
        if not isinstance(user, User) or not user.is_current():
            return False
        if user.is_superuser:
            return verb in self.superusers_may
        return verb in self._allowed(user) and (obj is None or self._within(request, obj))

    def _allowed(self, user: User) -> frozenset[str]:
        actions = actions_of(user.role) if user.municipality_id else NOTHING
        allowed = self.administrators_may if "administrate" in actions else NOTHING
        return allowed | (self.auditors_may if "audit" in actions else NOTHING)

    def _within(self, request: HttpRequest, obj: models.Model) -> bool:
        return self.municipality_of(obj) == self._scope(request)

    def _scope(self, request: HttpRequest) -> int | None:
        return request.user.municipality_id

    # --- the audit ---

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The add and change pages, audited."""
        with audited(request):
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The delete page, audited."""
        with audited(request):
            return super().delete_view(request, object_id, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; deleting several is one audited transaction, other actions keep their own."""
        if request.POST.get("action") != "delete_selected":
            return super().changelist_view(request, extra_context)
        with audited(request):
            return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool) -> None:
        """Saves, and remembers what differs for the audit."""
        request.audit_changes = differences(form)
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Django's own log line, and the audit entry."""
        self.note(request, "admin.added", obj, changes=getattr(request, "audit_changes", {}))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Django's own log line, and the audit entry; saving without a change leaves neither."""
        changes = getattr(request, "audit_changes", {})
        if not message and not changes:
            return None
        self.note(request, "admin.changed", obj, changes=changes)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: models.QuerySet) -> Any:
        """Django's own log lines, and an audit entry with what each row held."""
        for obj in queryset:
            self.note(request, "admin.deleted", obj, fields=_contents(obj))
        return super().log_deletions(request, queryset)

    def subject_of(self, obj: models.Model) -> str:
        """What the audit chain calls `obj`."""
        return f"{obj._meta.model_name}:{obj.pk}"

    def note(self, request: HttpRequest, action: str, obj: models.Model, **detail: Any) -> None:
        """Puts an audit entry on the request, to be written when `audited` ends."""
        request.audit_entries.append(
            audit.Entry(
                actor=request.user.get_username(),
                action=action,
                subject=self.subject_of(obj),
                detail={"object": str(obj), **detail},
                municipality_id=self.municipality_of(obj) or request.user.municipality_id,
                address=client_address(request),
            )
        )


class ReadOnlyAdmin(ScopedAdmin):
    """Pages that only show: what they show is written elsewhere, by operations."""

    superusers_may = VIEW
    administrators_may = VIEW
    actions = None


class ReadOnlyInline(TabularInline):
    """Rows below their parent, to look at: whoever may see the parent may see them."""

    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """The parent's page has already asked."""
        return True


@contextmanager
def audited(request: HttpRequest) -> Iterator[None]:
    """One transaction for a POST; the entries noted on the request are written last, when other locks are held."""
    request.audit_entries, request.audit_changes = [], {}
    if request.method != "POST":
        yield
        return
    with transaction.atomic():
        yield
        audit.record_many(request.audit_entries)


def differences(form: forms.ModelForm) -> dict[str, list[Any]]:
    """Of each changed field its value before and after; of a secret only that it changed."""
    return {
        name: ["***", "***"] if _is_secret(name) else [_plain(_before(form, name)), _plain(form.cleaned_data.get(name))]
        for name in form.changed_data
    }


def _before(form: forms.ModelForm, name: str) -> Any:
    if form.instance._state.adding or name not in form.initial:
        return None
    field, value = form.fields[name], form.initial[name]
    if isinstance(field, forms.ModelChoiceField) and not isinstance(field, forms.ModelMultipleChoiceField):
        return field.queryset.filter(pk=value).first()
    return value


def _is_secret(name: str) -> bool:
    return any(word in name for word in ("password", "secret", "digest"))


def _contents(obj: models.Model) -> Mapping[str, Any]:
    """The row's stored columns, secrets masked."""
    fields = [field for field in obj._meta.concrete_fields if not isinstance(field, models.JSONField)]
    return {field.name: "***" if _is_secret(field.name) else _plain(field.value_from_object(obj)) for field in fields}


def _plain(value: Any) -> Any:
    """A form's value as JSON can carry it."""
    if isinstance(value, models.Model):
        return str(value)
    if isinstance(value, models.QuerySet | list | tuple | set):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
