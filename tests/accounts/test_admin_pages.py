"""Every page of the admin site opens, in both languages, for those who may, and for nobody else."""

import pytest
from django.urls import reverse
from django.utils import translation

from linkage.models import LinkedSystem, Quarantined
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from ocenter.admin_site import admin_site
from services.video.models import VideoView

MODELS = sorted(admin_site._registry, key=lambda model: model._meta.label)


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_every_page_of_every_model_opens_for_an_administrator(as_administrator, city, model, language):
    as_administrator.cookies["django_language"] = language
    with translation.override(language):
        audit.record(actor="a", action="b", subject="c", detail={}, municipality_id=city.municipality.pk)
        rows = {type(row): row for row in city.rows()} | {AuditEntry: AuditEntry.objects.first()}
        listed = as_administrator.get(url(model, "changelist"))
        assert listed.status_code == 200
        assert f'lang="{language}"' in listed.content.decode()
        assert as_administrator.get(url(model, "change", rows[model].pk)).status_code == 200
        assert as_administrator.get(url(model, "history", rows[model].pk)).status_code == 200
        may_add = admin_site.get_model_admin(model).administrators_may >= {"add"}
        assert as_administrator.get(url(model, "add")).status_code == (200 if may_add else 403)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_lists_search_and_filter_without_error_for_a_superuser(client, superuser, city, other, model):
    client.force_login(superuser)
    page = admin_site.get_model_admin(model)
    assert client.get(url(model, "changelist"), {"q": "x"}).status_code == 200
    if page.date_hierarchy:
        assert client.get(url(model, "changelist"), {f"{page.date_hierarchy}__year": "2026"}).status_code == 200


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_overview_names_what_needs_attention(as_administrator, city, language):
    as_administrator.cookies["django_language"] = language
    page = as_administrator.get(reverse("admin:index")).content.decode()
    assert "no answer" in page and city.relay.subject in page


def test_the_site_asks_a_stranger_to_sign_in(client, db):
    answer = client.get(reverse("admin:index"))
    assert answer.status_code == 302 and reverse("admin:login") in answer.headers["Location"]


@pytest.mark.parametrize("role", ["operator", "supervisor"])
def test_operators_and_supervisors_are_refused(client, city, role):
    client.force_login(getattr(city, role))
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_an_administrator_without_a_municipality_is_refused(client, city):
    city.administrator.municipality = None
    city.administrator.save()
    client.force_login(city.administrator)
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_a_user_flagged_staff_gets_nothing_by_the_flag(client, city):
    city.operator.is_staff = True
    city.operator.save()
    client.force_login(city.operator)
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_an_auditor_reads_the_audit_entries_the_viewings_and_the_links_and_nothing_else(client, city):
    client.force_login(city.auditor)
    assert client.get(reverse("admin:index")).headers["Location"] == url(AuditEntry, "changelist")
    for model in MODELS:
        expected = 200 if model in (AuditEntry, LinkedSystem, Quarantined, VideoView) else 403
        assert client.get(url(model, "changelist")).status_code == expected, model


def test_the_site_allows_its_theme_to_evaluate_but_the_other_pages_do_not(as_administrator):
    assert "unsafe-eval" in as_administrator.get(reverse("admin:index")).headers["Content-Security-Policy"]
    assert "unsafe-eval" not in as_administrator.get("/healthz").headers["Content-Security-Policy"]
