"""Invariant I7 in the admin site: another municipality's rows do not exist."""

import pytest
from django.urls import reverse

from incidents.models import Camera, CorrelationRule
from linkage.models import LinkedSystem
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry, Municipality, User
from ocenter.admin_site import admin_site

MODELS = sorted(admin_site._registry, key=lambda model: model._meta.label)
CAMERA = {"source": "demo", "site_number": "N-1", "index": 1, "name": "new camera", "lat": 36.3, "lon": 127.3}


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def row_of(city, model):
    if model is AuditEntry:
        audit.record(actor="a", action="b", subject="c", detail={}, municipality_id=city.municipality.pk)
        return AuditEntry.objects.first()
    return {type(row): row for row in city.rows()}[model]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_lists_hold_ones_own_rows_alone(as_administrator, city, other, model):
    ours, theirs = row_of(city, model), row_of(other, model)
    page = as_administrator.get(url(model, "changelist"))
    shown = {row.pk for row in page.context["cl"].queryset}
    assert ours.pk in shown and theirs.pk not in shown


@pytest.mark.parametrize("page", ["change", "history", "delete"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_anothers_page_is_404_as_if_it_did_not_exist(as_administrator, city, other, model, page):
    theirs = row_of(other, model)
    answer = as_administrator.get(url(model, page, theirs.pk))
    absent = as_administrator.get(
        url(model, page, "00000000-0000-4000-8000-000000000000" if "-" in str(theirs.pk) else 99999999)
    )
    assert answer.status_code == absent.status_code
    assert answer.status_code in (404, 403) and (page != "change" or answer.status_code == 404)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_posting_to_anothers_page_changes_nothing(as_administrator, city, other, model):
    theirs = row_of(other, model)
    assert as_administrator.post(url(model, "change", theirs.pk), {"name": "x"}).status_code in (403, 404)
    assert as_administrator.post(url(model, "delete", theirs.pk), {"post": "yes"}).status_code in (403, 404)
    assert type(theirs).objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("search", ["other-", "36110", "C-1", "BELL-1", "police112"])
@pytest.mark.parametrize("model", [Camera, LinkedSystem, User, Municipality], ids=lambda model: model._meta.model_name)
def test_search_finds_nothing_of_another(as_administrator, city, other, model, search):
    page = as_administrator.get(url(model, "changelist"), {"q": search})
    assert row_of(other, model).pk not in {row.pk for row in page.context["cl"].queryset}


def test_filters_offer_no_system_of_another(as_administrator, city, other):
    for model in (type(city.relay), type(city.delivery), type(city.incident), type(city.event), type(city.attempt)):
        page = as_administrator.get(url(model, "changelist")).content.decode()
        assert "other-" not in page, model


def test_municipality_choices_are_ones_own_alone(as_administrator, city, other):
    for model in (Camera, LinkedSystem, User, CorrelationRule):
        form = as_administrator.get(url(model, "add")).context["adminform"].form
        assert list(form.fields["municipality"].queryset) == [city.municipality], model


def test_a_row_added_for_another_municipality_becomes_ones_own(as_administrator, city, other):
    data = {**CAMERA, "municipality": other.municipality.pk}
    assert as_administrator.post(url(Camera, "add"), data).status_code == 302
    assert Camera.objects.get(site_number="N-1").municipality == city.municipality


def test_a_row_added_by_a_link_naming_another_municipality_becomes_ones_own(as_administrator, city, other):
    address = f"{url(Camera, 'add')}?municipality={other.municipality.pk}"
    assert as_administrator.post(address, CAMERA).status_code == 302
    assert Camera.objects.get(site_number="N-1").municipality == city.municipality


def test_a_row_cannot_be_moved_to_another_municipality(as_administrator, city, other):
    data = {**CAMERA, "site_number": city.camera.site_number, "municipality": other.municipality.pk}
    assert as_administrator.post(url(Camera, "change", city.camera.pk), data).status_code == 302
    city.camera.refresh_from_db()
    assert city.camera.municipality == city.municipality and city.camera.name == "new camera"


def test_a_twin_within_the_municipality_is_refused_in_words(as_administrator, city):
    data = {**CAMERA, "site_number": city.camera.site_number}
    answer = as_administrator.post(url(Camera, "add"), data)
    assert answer.status_code == 200 and answer.context["adminform"].form.errors


def test_actions_reach_ones_own_rows_alone(as_administrator, city, other):
    city.view.delete()
    chosen = {"action": "delete_selected", "_selected_action": [city.camera.pk, other.camera.pk], "post": "yes"}
    as_administrator.post(url(Camera, "changelist"), chosen)
    assert list(Camera.objects.all()) == [other.camera]


def test_a_camera_that_somebody_has_watched_stays(as_administrator, city):
    chosen = {"action": "delete_selected", "_selected_action": [city.camera.pk], "post": "yes"}
    assert as_administrator.post(url(Camera, "changelist"), chosen).status_code == 200
    assert Camera.objects.filter(pk=city.camera.pk).exists()


def test_actions_on_everything_reach_ones_own_rows_alone(as_administrator, city, other):
    city.view.delete()
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": [city.camera.pk], "post": "yes"}
    as_administrator.post(url(Camera, "changelist"), chosen)
    assert list(Camera.objects.all()) == [other.camera]


def test_the_overview_is_within_the_municipality(as_administrator, city, other):
    assert "other-" not in as_administrator.get(reverse("admin:index")).content.decode()


def test_a_superuser_sees_all(client, superuser, city, other):
    client.force_login(superuser)
    for model in MODELS:
        row_of(city, model)
        theirs = row_of(other, model)
        assert client.get(url(model, "change", theirs.pk)).status_code == 200, model


def test_lookups_across_the_border_are_refused(as_administrator, city, other):
    for lookup in ("municipality__users__password__startswith", "system__sealed_secret__startswith"):
        answer = as_administrator.get(url(type(city.relay), "changelist"), {lookup: "p"})
        assert answer.status_code == 400
