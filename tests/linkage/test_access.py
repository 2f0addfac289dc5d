"""Whose key it is: unknown, revoked, expired and disabled are refused, within five seconds everywhere."""

from datetime import timedelta

import pytest
from django.utils import timezone

from linkage import access
from linkage.models import LinkedSystem, SystemKey
from ocenter.accounts.keys import make_key
from ocenter.accounts.models import Municipality
from tests.accounts.cast import make_system

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock the test moves, and a process that remembers nobody."""
    now = [1000.0]
    monkeypatch.setattr(access.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(access, "_remembered", {})
    return now


@pytest.fixture
def bells(daejeon):
    return make_system(daejeon, "bells", kind="feed", reads=["BEL"])


def key_of(system, **more):
    new = make_key()
    SystemKey.objects.create(system=system, prefix=new.prefix, digest=new.digest, **more)
    return new.secret


def test_a_key_names_its_system(bells):
    found = access.access_of_key(key_of(bells))
    assert found.system == bells
    assert found.principal.actor == {"kind": "feed", "name": "bells"}
    assert found.principal.municipalities == {bells.municipality_id}
    assert found.principal.families == {"BEL"}
    assert found.principal.may("report")


def test_an_agency_may_not_report_events(daejeon):
    principal = access.access_of_key(key_of(make_system(daejeon, "police112", reads=["CRM"]))).principal
    assert principal.actor == {"kind": "agency", "name": "police112"}
    assert not principal.may("report")


def test_a_central_reader_sees_what_it_covers(daejeon, bells):
    sejong = Municipality.objects.create(code="36110", name_ko="세종", name_en="Sejong", lat=36.48, lon=127.29)
    central = make_system(daejeon, "central", kind="central", reads=["FIR"])
    central.covers.add(sejong)
    assert access.access_of_key(key_of(central)).principal.municipalities == {daejeon.pk, sejong.pk}


@pytest.mark.parametrize("secret", ["", "oc_", "oc_short_x", "oc_0123456789ab_wrong", "Bearer", "oc_0123456789ab_\x00", "열쇠"])
def test_what_is_no_key_is_nobody(bells, secret):
    assert access.access_of_key(secret) is None


def test_the_right_prefix_is_not_enough(bells):
    secret = key_of(bells)
    assert access.access_of_key(secret[:-1] + ("A" if secret[-1] != "A" else "B")) is None


def test_an_expired_key_is_refused(bells):
    assert access.access_of_key(key_of(bells, expires_at=timezone.now() - timedelta(seconds=1))) is None
    assert access.access_of_key(key_of(bells, expires_at=timezone.now() + timedelta(hours=1)))


@pytest.mark.parametrize(
    "withdraw",
    [
        lambda: SystemKey.objects.update(revoked_at=timezone.now()),
        lambda: SystemKey.objects.update(expires_at=timezone.now()),
        lambda: LinkedSystem.objects.update(enabled=False),
        lambda: SystemKey.objects.all().delete(),
    ],
    ids=["revoked", "expired", "disabled", "deleted"],
)
def test_what_is_withdrawn_is_refused_after_five_seconds_at_the_latest(bells, clock, withdraw):
    secret = key_of(bells)
    assert access.access_of_key(secret)
    withdraw()
    clock[0] += 4.9
    access.access_of_key(secret)  # may or may not be remembered still; asking must not prolong it
    clock[0] += 0.2
    assert access.access_of_key(secret) is None
    assert access.remembered_access(secret) is None


def test_a_refused_key_works_as_soon_as_it_is_issued(bells):
    new = make_key()
    assert access.access_of_key(new.secret) is None
    SystemKey.objects.create(system=bells, prefix=new.prefix, digest=new.digest)
    assert access.access_of_key(new.secret)


def test_remembering_costs_no_query(bells, django_assert_num_queries):
    secret = key_of(bells)
    assert access.remembered_access(secret) is None
    access.access_of_key(secret)
    with django_assert_num_queries(0):
        assert access.access_of_key(secret).system == access.remembered_access(secret).system


def test_what_is_remembered_is_bounded(bells, monkeypatch):
    monkeypatch.setattr(access, "REMEMBER_AT_MOST", 3)
    secrets = [key_of(bells) for _ in range(7)]
    assert all(access.access_of_key(secret) for secret in secrets)
    assert len(access._remembered) <= 3


def test_no_secret_is_kept_in_memory_as_it_came(bells):
    secret = key_of(bells)
    access.access_of_key(secret)
    assert secret not in repr(access._remembered)
