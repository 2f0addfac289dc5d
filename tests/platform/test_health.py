"""/healthz and /readyz, and the ids requests carry."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from ocenter import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweeper_at_work(monkeypatch):
    monkeypatch.setattr(health, "sweeper_seen_at", timezone.now)


def test_healthz_answers_without_touching_anything(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "alive"}


def test_readyz_is_200_when_everything_works(client, sweeper_at_work):
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.content
    assert answer.json()["checks"] == {"database": {"ok": True}, "bell": {"ok": True}, "sweeper": {"ok": True}}


def test_readyz_names_a_dead_bell(client, sweeper_at_work, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["bell"]["ok"] is False
    assert "Redis does not answer" in answer.json()["checks"]["bell"]["reason"]
    assert answer.json()["checks"]["database"] == {"ok": True}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [(lambda: None, "never run"), (lambda: timezone.now() - timedelta(seconds=60), "60 s ago")],
)
def test_readyz_names_a_silent_sweeper(client, monkeypatch, seen, reason):
    monkeypatch.setattr(health, "sweeper_seen_at", seen)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert reason in answer.json()["checks"]["sweeper"]["reason"]


def test_readyz_names_a_dead_database(client, monkeypatch):
    def refuse():
        raise DatabaseError("connection refused\nIs the server running?")

    class Broken:
        cursor = staticmethod(refuse)

    monkeypatch.setattr(health, "connection", Broken)
    monkeypatch.setattr(health, "sweeper_seen_at", refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"]["reason"] == "PostgreSQL does not answer: connection refused"
    assert "unknown" in answer.json()["checks"]["sweeper"]["reason"]


def test_a_request_id_is_echoed(client):
    assert client.get("/healthz", headers={"X-Request-ID": "abc-12345"})["X-Request-ID"] == "abc-12345"


def test_a_forged_request_id_is_replaced(client):
    given = client.get("/healthz", headers={"X-Request-ID": "a b\nlevel=critical"})["X-Request-ID"]
    assert len(given) == 32


async def test_a_request_id_is_echoed_under_asgi(async_client):
    answer = await async_client.get("/healthz", headers={"X-Request-ID": "abc-12345"})
    assert answer["X-Request-ID"] == "abc-12345"


def test_pages_carry_a_strict_policy_and_only_the_admin_may_evaluate(client):
    policy = client.get("/healthz")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-eval'" in client.get("/admin/")["Content-Security-Policy"]
