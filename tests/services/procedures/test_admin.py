"""Procedures in the admin site: versions, faults at their field, preview, and nobody else's."""

import json

import pytest
from django.urls import reverse

from ocenter.accounts.models import AuditEntry
from services.procedures.models import Procedure
from tests.accounts.cast import make_city

ADD = reverse("admin:services_procedure_add")
STEPS = [{"id": "look", "kind": "check", "text": {"ko": "카메라 확인", "en": "Look"}, "required": True}]


@pytest.fixture
def city(db):
    return make_city()


@pytest.fixture
def admin(client, city):
    client.force_login(city.administrator)
    client.cookies["django_language"] = "en"
    return client


def change(procedure):
    return reverse("admin:services_procedure_change", args=[procedure.pk])


def posted(**more):
    return {"applies_to": "CRM", "title_ko": "범죄", "title_en": "Crime", "active": "on", "steps": json.dumps(STEPS), **more}


def test_a_new_one_is_version_1_of_ones_own_town(admin, city):
    assert admin.post(ADD, posted()).status_code == 302
    one = Procedure.objects.get(applies_to="CRM")
    assert (one.municipality, one.version, one.active, one.steps, one.created_by) == (city.municipality, 1, True, STEPS, "administrator")
    assert AuditEntry.objects.get(action="admin.added").subject == f"procedure:{one.pk}"


def test_editing_writes_the_next_version_and_leaves_the_old_one(admin, city):
    steps = [*STEPS, {**STEPS[0], "id": "again"}]
    assert admin.post(change(city.procedure), posted(steps=json.dumps(steps))).status_code == 302
    old, new = Procedure.objects.filter(applies_to="BEL").order_by("version")
    assert (old.pk, old.active, len(old.steps)) == (city.procedure.pk, False, 1)
    assert (new.version, new.active, new.steps, new.municipality) == (2, True, steps, city.municipality)


def test_switching_off_and_on_writes_no_version(admin, city):
    as_it_is = {"title_ko": city.procedure.title_ko, "title_en": city.procedure.title_en, "steps": json.dumps(city.procedure.steps)}
    for active in ({}, {"active": "on"}):
        assert admin.post(change(city.procedure), {**as_it_is, **active}).status_code == 302
        city.procedure.refresh_from_db()
        assert city.procedure.active is bool(active)
    assert Procedure.objects.count() == 1


@pytest.mark.parametrize(
    "steps, said",
    [
        ("{", "Enter a valid JSON"), ("5", "A list of steps"), (json.dumps([{**STEPS[0], "kind": "dance"}]), "steps[0].kind"),
        (json.dumps([{**STEPS[0], "text": {"ko": "확인"}}]), "steps[0].text"), (json.dumps([{**STEPS[0], "when": {"step": "look", "is": ["x"]}}]), "steps[0].when"),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_the_steps_and_nothing_is_saved(admin, city, steps, said):
    page = admin.post(ADD, posted(steps=steps))
    assert page.status_code == 200 and said in str(page.context["adminform"].form.errors["steps"])
    assert Procedure.objects.count() == 1


def test_a_preview_shows_and_saves_nothing(admin, city):
    page = admin.post(ADD, posted(preview_only="on"))
    assert page.status_code == 200 and "<ol><li>Look <small>required</small></li></ol>" in page.content.decode()
    assert Procedure.objects.count() == 1


def test_adding_begins_with_what_comes_with_the_product(admin, city):
    page = admin.get(ADD, {"applies_to": "BEL"})
    assert page.context["adminform"].form.initial["steps"][0]["id"] == "voice" and "비상벨 호출 대응" in page.content.decode()


def test_markup_in_a_step_stays_text(admin, city):
    steps = [{**STEPS[0], "text": {"ko": "<b>x</b>", "en": "<script>x</script>"}}]
    page = admin.post(ADD, posted(steps=json.dumps(steps), preview_only="on")).content.decode()
    assert "<script>x" not in page


def test_versions_are_not_deleted(admin, city):
    assert admin.post(reverse("admin:services_procedure_delete", args=[city.procedure.pk]), {"post": "yes"}).status_code == 403
