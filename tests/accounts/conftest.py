"""The cast of the account and admin tests."""

import pytest

from tests.accounts.cast import make_city, make_superuser


@pytest.fixture
def city(db):
    return make_city()


@pytest.fixture
def other(db):
    return make_city(code="36110", name_ko="세종특별자치시", name_en="Sejong", prefix="other-")


@pytest.fixture
def superuser(db):
    return make_superuser()


@pytest.fixture
def as_administrator(client, city):
    client.force_login(city.administrator)
    return client
