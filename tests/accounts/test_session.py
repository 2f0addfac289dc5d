"""Signing in and out, accounts that end, and what of it the audit chain keeps."""

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate, get_user
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.test import override_settings
from django.utils import timezone

from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry, User
from ocenter.accounts.session import session_user
from tests.accounts.cast import PASSWORD, make_user


def signed_in(client, user):
    """The user the next request of `client` would have."""
    request = HttpRequest()
    request.session = client.session
    return get_user(request) == user


def test_a_signed_in_users_session_is_current(client, city):
    client.force_login(city.operator)
    assert session_user(client.session.session_key) == city.operator
    assert signed_in(client, city.operator)


def test_no_session_has_no_user(db):
    assert session_user(None) is None and session_user("gone" * 8) is None


def test_a_contractors_session_ends_when_the_account_expires(client, city):
    contractor = make_user("guest", city.municipality, employer="Firm", expires_at=timezone.now() + timedelta(days=1))
    client.force_login(contractor)
    key = client.session.session_key
    assert session_user(key) is not None
    User.objects.filter(pk=contractor.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert session_user(key) is None
    assert not signed_in(client, contractor)


def test_a_session_ends_when_the_account_is_switched_off(client, city):
    client.force_login(city.operator)
    User.objects.filter(pk=city.operator.pk).update(is_active=False)
    assert session_user(client.session.session_key) is None
    assert not signed_in(client, city.operator)


def test_a_session_ends_with_the_password_it_began_with(client, city):
    client.force_login(city.operator)
    city.operator.set_password("Another-horse-43")
    city.operator.save()
    assert session_user(client.session.session_key) is None


def test_a_session_ends_at_logout(client, city):
    client.force_login(city.operator)
    key = client.session.session_key
    client.logout()
    assert session_user(key) is None


def test_the_role_is_read_anew_each_time(client, city):
    client.force_login(city.operator)
    User.objects.filter(pk=city.operator.pk).update(role="supervisor")
    assert session_user(client.session.session_key).role == "supervisor"


def test_an_expired_account_cannot_sign_in(client, city):
    make_user("late", city.municipality, employer="Firm", expires_at=timezone.now() - timedelta(seconds=1))
    assert not client.login(request=HttpRequest(), username="late", password=PASSWORD)


def test_a_contractor_without_an_expiry_is_refused(city):
    user = User(username="c", municipality=city.municipality, employer="Firm", password="x")
    with pytest.raises(ValidationError):
        user.full_clean()


def request_from(address):
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address
    return request


def last():
    return AuditEntry.objects.first()


def test_login_and_logout_are_audited(client, city):
    client.login(request=request_from("10.0.0.7"), username="operator", password=PASSWORD)
    assert (last().action, last().actor, last().municipality_id) == ("login", "operator", city.municipality.pk)
    client.logout()
    assert (last().action, last().subject) == ("logout", "user:operator")
    assert audit.verify().whole


@pytest.mark.parametrize(("name", "reason"), [("operator", "password"), ("nobody", "unknown"), ("late", "not current")])
def test_a_failed_login_is_audited_with_its_address_and_reason(client, city, name, reason):
    make_user("late", city.municipality, employer="Firm", expires_at=timezone.now() - timedelta(seconds=1))
    assert not client.login(request=request_from("10.0.0.7"), username=name, password="wrong")
    entry = last()
    assert (entry.action, entry.actor, entry.address) == ("login.failed", name, "10.0.0.7")
    assert entry.detail == {"reason": reason}
    assert "wrong" not in str(AuditEntry.objects.values_list())


@override_settings(AXES_ENABLED=True, AXES_FAILURE_LIMIT=3)
def test_brute_force_is_locked_out_and_the_lockout_audited(city):
    for _ in range(3):
        assert authenticate(request_from("10.0.0.7"), username="operator", password="wrong") is None
    assert authenticate(request_from("10.0.0.7"), username="operator", password=PASSWORD) is None
    assert last().detail == {"reason": "locked out"}
    assert authenticate(request_from("10.0.0.8"), username="operator", password=PASSWORD) == city.operator
