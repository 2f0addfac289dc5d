"""/metrics: for whom, with what, and that the official parser and linter understand it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from linkage import figures
from linkage.models import Heartbeat, LinkedSystem
from linkage.standing import STATES
from ocenter import metrics
from tests.accounts.cast import make_superuser
from tests.incidents.cast import ago, key_of, make_central, make_town, open_incident
from tests.linkage.wires import open_relay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setattr(figures, "REMEMBER_SECONDS", 0.0)
    monkeypatch.setattr(metrics, "REMEMBER_SECONDS", 0.0)
    monkeypatch.setattr(metrics, "_remembered", {})


@pytest.fixture
def town(db):
    return make_town()


@pytest.fixture
def other(db):
    return make_town("36110", "세종특별자치시", "Sejong", prefix="other-")


def scrape(who):
    client = Client()
    if hasattr(who, "username"):
        client.force_login(who)
        return client.get("/metrics")
    return client.get("/metrics", headers={"authorization": f"Bearer {key_of(who)}"})


def families(response):
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {one.name: one for one in text_string_to_metric_families(response.content.decode())}


def value(found, name, **labels):
    samples = [one for one in found[name].samples if labels.items() <= one.labels.items()]
    assert len(samples) == 1, samples
    return samples[0].value


class TestWho:
    @pytest.mark.parametrize(("who", "status"), [("admin", 200), ("auditor", 200), ("kim", 403), ("park", 403), ("bells", 403), ("police", 403)])
    def test_administrators_and_auditors_and_nobody_else_of_the_town(self, town, who, status):
        assert scrape(getattr(town, who)).status_code == status

    def test_a_stranger_or_a_wrong_key_is_401(self, client, town):
        for headers in ({}, {"authorization": "Bearer oc_000000000000_" + "x" * 43}):
            answer = client.get("/metrics", headers=headers)
            assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
            assert b"ocenter_" not in answer.content

    def test_each_sees_its_own_municipalities(self, town, other):
        def seen(who):
            return {one.labels["municipality"] for one in families(scrape(who))["ocenter_link_state"].samples}

        assert seen(town.admin) == {"30000"} and seen(other.auditor) == {"36110"}
        assert seen(make_central(town, other)) == seen(make_superuser()) == {"30000", "36110"}


class TestWhat:
    def test_a_link_is_in_one_state(self, town):
        LinkedSystem.objects.filter(pk=town.police.pk).update(last_error="HTTP 500", last_error_at=timezone.now(), last_contact_at=ago(seconds=30))
        found = families(scrape(town.admin))
        states = {one.labels["state"]: one.value for one in found["ocenter_link_state"].samples if one.labels["system"] == "police112"}
        assert set(states) == set(STATES) and [name for name, on in states.items() if on] == ["failing"]
        assert 29 < value(found, "ocenter_link_last_contact_age_seconds", system="police112") < 60
        assert not [one for one in found["ocenter_link_last_contact_age_seconds"].samples if one.labels["system"] == "fire119"]

    def test_queue_breaker_ledger_and_heartbeats(self, town):
        open_incident(town)
        open_relay(town.police)
        town.police.deliveries.update(created_at=ago(seconds=20))
        Heartbeat.objects.create(name="sweeper", at=ago(seconds=2))
        found = families(scrape(town.admin))
        assert value(found, "ocenter_delivery_queue_length", system="police112") == 1
        assert 19 < value(found, "ocenter_delivery_queue_age_seconds", system="police112") < 60
        assert value(found, "ocenter_breaker_state", system="police112", state="closed") == 1
        assert value(found, "ocenter_ledger_rows", municipality="30000") >= 1
        assert 1 < value(found, "ocenter_heartbeat_age_seconds", process="sweeper") < 30
        assert value(found, "ocenter_part_up", part="bell") == 1
        assert found["ocenter_feed_events"].type == found["ocenter_ledger_rows"].type == "counter"
        assert found["process_resident_memory_bytes"].samples[0].value > 1e6

    def test_the_linter_has_nothing_to_say(self, town, tmp_path):
        promtool = shutil.which("promtool")
        if promtool is None:
            pytest.skip("no promtool on PATH: apt-get install prometheus")
        open_relay(town.police)
        text = scrape(town.admin).content
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
        assert (done.returncode, done.stderr.decode()) == (0, "")


class TestHarmless:
    def test_a_second_scrape_right_after_reads_nothing(self, town, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(metrics, "REMEMBER_SECONDS", 60.0)
        scope = frozenset({town.municipality.pk})
        first = metrics._text(scope)
        with django_assert_num_queries(0):
            assert metrics._text(scope) == first

    def test_a_database_that_takes_too_long_is_503_and_the_next_scrape_works(self, town, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr("linkage.figures._COUNTS", "SELECT 1, 2, count(*) FROM pg_sleep(5), unnest(%(systems)s::bigint[])")
            patch.setattr(metrics, "STATEMENT_TIMEOUT_MS", 100)
            answer = scrape(town.admin)
            assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert scrape(town.admin).status_code == 200

    def test_no_database_at_all_is_503(self, town, monkeypatch):
        def gone(scope):
            raise OperationalError("connection refused at 10.0.0.1")

        monkeypatch.setattr(metrics, "_text", gone)
        answer = scrape(town.admin)
        assert answer.status_code == 503 and b"10.0.0.1" not in answer.content


def test_the_operations_page_names_every_metric(town):
    page = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    open_relay(town.police)
    names = {one.name for family in families(scrape(town.admin)).values() for one in family.samples}
    assert {name for name in names if name.startswith("ocenter_") and f"`{name}`" not in page} == set()
