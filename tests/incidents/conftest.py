"""Two towns with the same things in each, to try every border between them."""

import pytest

from tests.incidents.cast import make_town


@pytest.fixture
def town(db):
    return make_town()


@pytest.fixture
def other(db):
    return make_town("36110", "세종특별자치시", "Sejong", prefix="other-")
