"""A town for the relay tests, and the outbox thread's database connection let go when they are over."""

import asyncio

import pytest
from django.db import connection

from linkage import dispatch
from ocenter.accounts.models import Municipality


@pytest.fixture
def daejeon(db):
    return Municipality.objects.create(code="30000", name_ko="대전광역시", name_en="Daejeon", lat=36.35, lon=127.38)


@pytest.fixture
def lanes(transactional_db):
    """For tests that send: deliveries are claimed and settled on the outbox's own connection, after commit."""
    yield
    asyncio.run(dispatch._database.run(lambda: connection.close()))
