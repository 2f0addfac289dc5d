"""People in the admin site: made, changed and switched off within the municipality, and nobody raised above it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry, User
from tests.accounts.cast import PASSWORD, make_superuser, make_user

ADD = "admin:accounts_user_add"
CHANGE = "admin:accounts_user_change"
NEW = {
    "username": "newcomer", "display_name": "새 사람", "role": "operator", "usable_password": "true",
    "password1": "Quiet-river-77", "password2": "Quiet-river-77", "employer": "",
    "expires_at_0": "", "expires_at_1": "",
}  # fmt: skip


def form_of(user, **changes):
    data = {
        "username": user.username, "display_name": user.display_name, "email": user.email, "role": user.role,
        "employer": user.employer, "expires_at_0": "", "expires_at_1": "", "is_active": "on",
    }  # fmt: skip
    return {name: value for name, value in {**data, **changes}.items() if value is not None}


def test_an_administrator_adds_an_operator_of_their_own_municipality(as_administrator, city):
    assert as_administrator.post(reverse(ADD), NEW).status_code == 302
    user = User.objects.get(username="newcomer")
    assert (user.municipality, user.role, user.is_superuser, user.is_staff) == (
        city.municipality,
        "operator",
        False,
        False,
    )
    assert user.check_password("Quiet-river-77")


@pytest.mark.parametrize("password", ["short", "password123", "1234567890"])
def test_a_weak_password_is_refused(as_administrator, password):
    as_administrator.post(reverse(ADD), {**NEW, "password1": password, "password2": password})
    assert not User.objects.filter(username="newcomer").exists()


def test_posted_powers_are_ignored(as_administrator, city, other):
    powers = {"is_superuser": "on", "is_staff": "on", "municipality": other.municipality.pk, "user_permissions": "1"}
    as_administrator.post(reverse(ADD), {**NEW, **powers})
    user = User.objects.get(username="newcomer")
    assert not user.is_superuser and not user.is_staff and user.municipality == city.municipality
    as_administrator.post(reverse(CHANGE, args=[user.pk]), form_of(user, **powers))
    user.refresh_from_db()
    assert not user.is_superuser and user.municipality == city.municipality
    assert not user.user_permissions.exists()


def test_a_contractor_without_an_expiry_is_refused_in_words(as_administrator):
    answer = as_administrator.post(reverse(ADD), {**NEW, "employer": "Firm"})
    assert answer.status_code == 200 and answer.context["adminform"].form.errors
    assert not User.objects.filter(username="newcomer").exists()


def test_a_contractor_with_an_expiry_is_added(as_administrator):
    at = timezone.localtime() + timedelta(days=3)
    expiry = {"expires_at_0": at.strftime("%Y-%m-%d"), "expires_at_1": at.strftime("%H:%M:%S")}
    assert as_administrator.post(reverse(ADD), {**NEW, "employer": "Firm", **expiry}).status_code == 302
    assert User.objects.get(username="newcomer").is_current()


def test_a_superuser_of_the_municipality_is_out_of_an_administrators_reach(as_administrator, city):
    root = make_superuser()
    User.objects.filter(pk=root.pk).update(municipality=city.municipality)
    assert as_administrator.get(reverse(CHANGE, args=[root.pk])).status_code == 404
    assert as_administrator.post(reverse("admin:auth_user_password_change", args=[root.pk]), {}).status_code == 404


def test_nobody_changes_their_own_role_or_locks_themselves_out(as_administrator, city):
    me = city.administrator
    data = form_of(me, role="supervisor", is_active=None, display_name="새 이름")
    as_administrator.post(reverse(CHANGE, args=[me.pk]), data)
    me.refresh_from_db()
    assert (me.role, me.is_active, me.display_name) == ("administrator", True, "새 이름")


def test_accounts_are_switched_off_not_deleted(as_administrator, city):
    assert as_administrator.post(reverse("admin:accounts_user_delete", args=[city.operator.pk])).status_code == 403
    as_administrator.post(reverse(CHANGE, args=[city.operator.pk]), form_of(city.operator, is_active=None))
    city.operator.refresh_from_db()
    assert not city.operator.is_active


def test_a_password_is_reset_and_the_old_sessions_end(as_administrator, city, client):
    data = {"password1": "Quiet-river-77", "password2": "Quiet-river-77", "usable_password": "true"}
    answer = as_administrator.post(reverse("admin:auth_user_password_change", args=[city.operator.pk]), data)
    assert answer.status_code == 302
    city.operator.refresh_from_db()
    assert city.operator.check_password("Quiet-river-77")


def test_anothers_password_cannot_be_reset(as_administrator, city, other):
    data = {"password1": "Quiet-river-77", "password2": "Quiet-river-77", "usable_password": "true"}
    answer = as_administrator.post(reverse("admin:auth_user_password_change", args=[other.operator.pk]), data)
    other.operator.refresh_from_db()
    assert answer.status_code == 404 and other.operator.check_password(PASSWORD)


def test_each_change_is_audited_with_before_and_after_and_without_a_password(as_administrator, city):
    as_administrator.post(reverse(ADD), NEW)
    added = AuditEntry.objects.first()
    assert (added.action, added.actor, added.municipality) == ("admin.added", "administrator", city.municipality)
    user = User.objects.get(username="newcomer")
    assert added.subject == "user:newcomer"
    as_administrator.post(reverse(CHANGE, args=[user.pk]), form_of(user, role="supervisor"))
    changed = AuditEntry.objects.first()
    assert changed.action == "admin.changed" and changed.detail["changes"] == {"role": ["operator", "supervisor"]}
    data = {"password1": "Calm-ocean-88", "password2": "Calm-ocean-88", "usable_password": "true"}
    as_administrator.post(reverse("admin:auth_user_password_change", args=[user.pk]), data)
    assert AuditEntry.objects.first().detail["changes"] == {"password": ["***", "***"]}
    everything = str(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert "Quiet-river" not in everything and "Calm-ocean" not in everything
    assert audit.verify().whole


def test_changing_ones_own_password_is_audited(as_administrator):
    data = {"old_password": PASSWORD, "new_password1": "Quiet-river-77", "new_password2": "Quiet-river-77"}
    assert as_administrator.post(reverse("admin:password_change"), {**data, "old_password": "x"}).status_code == 200
    assert not AuditEntry.objects.filter(action="password.changed").exists()
    assert as_administrator.post(reverse("admin:password_change"), data).status_code == 302
    assert AuditEntry.objects.first().action == "password.changed"


def test_a_refused_form_leaves_no_entry(as_administrator):
    before = AuditEntry.objects.count()
    as_administrator.post(reverse(ADD), {**NEW, "username": ""})
    assert AuditEntry.objects.count() == before


def test_an_administrator_only_looks_at_the_municipality(as_administrator, city):
    page = reverse("admin:accounts_municipality_change", args=[city.municipality.pk])
    assert as_administrator.get(page).status_code == 200
    assert as_administrator.post(page, {"name_ko": "x"}).status_code == 403


def test_a_superuser_changes_the_municipality(client, superuser, city):
    client.force_login(superuser)
    data = {"code": "30000", "name_ko": "대전", "name_en": "Daejeon", "lat": 36.35, "lon": 127.38, "boundary": "null"}
    page = reverse("admin:accounts_municipality_change", args=[city.municipality.pk])
    assert client.post(page, data).status_code == 302
    city.municipality.refresh_from_db()
    assert city.municipality.name_ko == "대전"
    assert AuditEntry.objects.first().detail["changes"]["name_ko"] == ["대전광역시", "대전"]


def test_a_user_list_tells_who_expires(as_administrator, city):
    soon = timezone.now() + timedelta(days=1)
    make_user("guest", city.municipality, employer="Firm", expires_at=soon)
    as_administrator.cookies["django_language"] = "en"
    assert "expires soon" in as_administrator.get(reverse("admin:accounts_user_changelist")).content.decode()
