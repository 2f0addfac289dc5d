"""The incident tests' towns; a room whose clock stands still; the callers of the REST."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from tests.incidents.api.conftest import calls  # noqa: F401 (a fixture)
from tests.incidents.cast import make_town


@pytest.fixture
def town(transactional_db):
    """Writing a handover reads from a view of its own, so the tests commit."""
    return make_town()


@pytest.fixture
def other(transactional_db):
    return make_town("36110", "세종특별자치시", "Sejong", prefix="other-")


@pytest.fixture
def clock(monkeypatch):
    """Time as the test says: `clock("2026-11-27T05:59:59+09:00")`."""

    def at(text):
        moment = datetime.fromisoformat(text).astimezone(UTC)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return moment

    return at
