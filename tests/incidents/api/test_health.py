"""GET /api/v1/health and its page: everything of one's own municipality, in numbers that are right, for those who work there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from linkage import figures
from linkage.models import Attempt, Delivery, Heartbeat, LinkedSystem, MaintenanceWindow, Quarantined
from tests.incidents.api.conftest import problem_of
from tests.incidents.cast import ago, event, make_central, open_incident, receive
from tests.linkage.wires import open_relay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setattr(figures, "REMEMBER_SECONDS", 0.0)


def links_of(caller):
    return {one["slug"]: one for one in caller.get("/api/v1/health").json()["links"]}


def delivered(agency, took_ms, http_ms, *, minutes_ago=1, error=""):
    """A message that took this long from commit to receipt, in one exchange."""
    relay = open_relay(agency)
    settled = ago(minutes=minutes_ago)
    Delivery.objects.filter(relay=relay).update(
        state="delivered", created_at=settled - timedelta(milliseconds=took_ms), settled_at=settled
    )
    Attempt.objects.create(delivery=relay.deliveries.get(), number=1, started_at=settled, duration_ms=http_ms, error=error)


class TestWho:
    @pytest.mark.parametrize("role", ["kim", "park", "admin", "auditor"])
    def test_everybody_who_works_here_sees_it(self, calls, town, other, role):
        caller = calls(getattr(town, role))
        assert set(links_of(caller)) == {"bells", "sensors", "police112", "fire119", "disaster"}
        assert {one["municipality"] for one in links_of(caller).values()} == {"30000"}
        assert caller.get("/health/").status_code == 200

    def test_a_central_agency_sees_what_it_covers(self, calls, town, other):
        seen = calls(make_central(town, other)).get("/api/v1/health").json()["links"]
        assert {one["municipality"] for one in seen} == {"30000", "36110"}

    @pytest.mark.parametrize("who", ["bells", "police"])
    def test_a_feed_or_an_agency_does_not(self, calls, town, who):
        problem_of(calls(getattr(town, who)).get("/api/v1/health"), 403)

    def test_nobody_is_sent_to_sign_in(self, client):
        assert client.get("/health/")["Location"].startswith("/login/")

    @pytest.mark.parametrize(("role", "leads"), [("admin", True), ("kim", False), ("auditor", False)])
    def test_only_administrators_are_led_to_the_links(self, calls, town, role, leads):
        page = calls(getattr(town, role)).get("/health/").content.decode()
        assert ("/admin/linkage/linkedsystem/0/change/" in page) is leads


class TestFeeds:
    def test_their_numbers_and_limits(self, calls, town):
        LinkedSystem.objects.filter(pk=town.bells.pk).update(
            last_contact_at=timezone.now(), last_event_at=timezone.now(), last_delay_s=3.25, noisy_limit_per_min=1, events_total=7
        )
        receive(town, event(), event())
        Quarantined.objects.create(system=town.sensors, format="its", is_document=True, raw=b"x", size=1, digest="d")
        seen = links_of(calls(town.kim))
        assert seen["bells"]["state"] == "noisy" and "limit is 1" in seen["bells"]["reason"]["en"]
        bells = seen["bells"]["feed"]
        assert (bells["events_last_min"], bells["events_total"], bells["delay_s"], bells["quiet_limit_s"]) == (2, 7, 3.25, 60)
        assert seen["sensors"]["quarantined"] == 1 and seen["sensors"]["agency"] is None

    def test_a_switched_off_one_is_listed_as_such(self, calls, town):
        LinkedSystem.objects.filter(pk=town.bells.pk).update(enabled=False)
        assert links_of(calls(town.kim))["bells"]["state"] == "off"


class TestAgencies:
    def test_quantiles_of_both_windows_from_commit_to_receipt(self, calls, town):
        for n in range(1, 101):
            delivered(town.police, 10 * n, n)
        delivered(town.police, 60_000, 9_000, minutes_ago=60, error="HTTP 503")
        recent, day = (links_of(calls(town.kim))["police112"]["agency"][name] for name in ("last_15_min", "last_24_h"))
        assert recent["delivered"] == {"count": 100, "p50_ms": 505.0, "p95_ms": 950.5, "p99_ms": 990.1}
        assert recent["http"] == {"count": 100, "p50_ms": 50.5, "p95_ms": 95.0, "p99_ms": 99.0}
        assert (recent["failures"], day["failures"], day["delivered"]["count"]) == (0, 1, 101)
        assert links_of(calls(town.kim))["fire119"]["agency"]["last_24_h"]["delivered"]["p50_ms"] is None

    def test_queue_wire_breaker_and_maintenance(self, calls, town):
        open_relay(town.police)
        Delivery.objects.update(created_at=ago(seconds=42), lease_until=ago(seconds=-20))
        LinkedSystem.objects.filter(pk=town.police.pk).update(breaker_failures=5, breaker_until=ago(seconds=-30), last_error="HTTP 503")
        MaintenanceWindow.objects.create(system=town.fire, starts_at=ago(hours=1), ends_at=ago(hours=-1), reason="new servers")
        seen = links_of(calls(town.kim))
        police, fire = seen["police112"]["agency"], seen["fire119"]["agency"]
        assert (police["queue"], police["under_way"], police["at_once"]) == (1, 1, 8)
        assert (police["breaker"]["state"], police["breaker"]["failures"]) == ("open", 5)
        assert seen["police112"]["state"] == "failing" and "HTTP 503" in seen["police112"]["reason"]["ko"]
        assert fire["maintenance"]["reason"] == "new servers" and seen["fire119"]["state"] == "maintenance"
        LinkedSystem.objects.filter(pk=town.police.pk).update(breaker_until=ago(seconds=1))
        assert links_of(calls(town.kim))["police112"]["agency"]["breaker"]["state"] == "half_open"


class TestParts:
    def parts(self, calls, town):
        return {one["name"]: one for one in calls(town.kim).get("/api/v1/health").json()["parts"]}

    def test_database_bell_and_processes(self, calls, town):
        Heartbeat.objects.create(name="sweeper", at=timezone.now())
        Heartbeat.objects.create(name="collector", at=ago(seconds=60))
        parts = self.parts(calls, town)
        assert {name: one["ok"] for name, one in parts.items()} == {"database": True, "bell": True, "sweeper": True, "collector": False}
        assert "60 s ago" in parts["collector"]["reason"] and parts["database"]["took_ms"] > 0

    def test_a_dead_bell_and_a_sweeper_never_seen(self, calls, town, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        parts = self.parts(calls, town)
        assert not parts["bell"]["ok"] and "refused" in parts["bell"]["reason"]
        assert not parts["sweeper"]["ok"] and parts["sweeper"]["reason"] == "never seen"


def test_it_costs_few_queries_however_many_links(calls, town, django_assert_max_num_queries):
    open_incident(town)
    caller = calls(town.kim)
    with django_assert_max_num_queries(13):
        assert caller.get("/api/v1/health").status_code == 200
