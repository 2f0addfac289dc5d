"""A town that follows the procedures that come with the product, and another beside it."""

import pytest

from tests.incidents.cast import make_town


@pytest.fixture
def town(db):
    return make_town(procedures=True)


@pytest.fixture
def other(db):
    return make_town("36110", "세종특별자치시", "Sejong", prefix="other-", procedures=True)
