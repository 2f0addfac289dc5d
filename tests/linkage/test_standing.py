"""How a link stands: every state within the link's own limit, gone when it recovers, and cheap."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from linkage import health, standing
from linkage.models import Delivery, LinkedSystem, MaintenanceWindow, Quarantined
from linkage.standing import STANDING_COLOURS, STATES, WORDS, Signs, judge, standings, standings_note
from tests.incidents.cast import ago, event, make_town, receive
from tests.linkage.wires import open_relay

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def feed(**more):
    return LinkedSystem(kind="feed", slug="bells", **{"last_contact_at": NOW, "quiet_limit_s": 60, **more})


def agency(**more):
    return LinkedSystem(kind="agency", slug="police112", **{"last_contact_at": NOW, **more})


def before(seconds):
    return NOW - timedelta(seconds=seconds)


def late(delay_s, seconds=0.0):
    return {"last_delay_s": delay_s, "last_event_at": before(seconds), "late_limit_s": 600}


WINDOW = Signs(window_until=before(-60), window_since=before(60), window_reason="new servers")


@pytest.mark.parametrize(
    ("system", "signs", "state", "since"),
    [
        (feed(), Signs(), "ok", None),
        (feed(last_contact_at=before(59)), Signs(), "ok", None),
        (feed(last_contact_at=before(61)), Signs(), "stopped", before(61)),
        # A poll every five minutes cannot be heard every minute.
        (feed(last_contact_at=before(301), poll_interval_s=300), Signs(), "ok", None),
        (feed(last_contact_at=before(316), poll_interval_s=300), Signs(), "stopped", before(316)),
        (feed(last_contact_at=before(20), last_error="HTTP 500", last_error_at=before(5)), Signs(), "stopped", before(20)),
        (feed(last_error="HTTP 500", last_error_at=before(5)), Signs(), "ok", None),
        (feed(last_contact_at=None), Signs(), "never", None),
        (feed(last_contact_at=None, last_error="refused", last_error_at=before(5)), Signs(), "stopped", before(5)),
        (feed(**late(601)), Signs(), "late", before(0)),
        (feed(**late(600)), Signs(), "ok", None),
        (feed(**late(601, 3601)), Signs(), "ok", None),
        (feed(**late(601) | {"late_limit_s": 0}), Signs(), "ok", None),
        (feed(noisy_limit_per_min=10), Signs(events_last_min=11), "noisy", NOW),
        (feed(noisy_limit_per_min=10), Signs(events_last_min=10), "ok", None),
        (feed(), Signs(events_last_min=100_000), "ok", None),
        (feed(), Signs(bad=3, bad_since=before(30)), "bad_data", before(30)),
        (feed(last_contact_at=before(99)), Signs(bad=3, bad_since=before(30)), "stopped", before(99)),
        (feed(paused_at=before(9), last_contact_at=None), Signs(bad=1), "paused", before(9)),
        (feed(enabled=False, paused_at=before(9)), Signs(), "off", None),
        (agency(last_contact_at=before(86_400)), Signs(), "ok", None),
        (agency(last_contact_at=None), Signs(), "never", None),
        (agency(last_contact_at=before(9), last_error="HTTP 503", last_error_at=before(1)), Signs(), "failing", before(9)),
        (agency(last_contact_at=before(9), breaker_until=before(-20), breaker_failures=5), Signs(), "failing", before(9)),
        (agency(last_contact_at=before(9), breaker_until=before(1), breaker_failures=5), Signs(), "failing", before(9)),
        (agency(), Signs(queue=2, queue_since=before(11)), "slow", before(11)),
        (agency(), Signs(queue=2, queue_since=before(9)), "ok", None),
        (agency(last_error="HTTP 503", last_error_at=before(-1)), WINDOW, "maintenance", before(60)),
        (agency(paused_at=before(9)), WINDOW, "paused", before(9)),
        (agency(enabled=False), WINDOW, "off", None),
        (LinkedSystem(kind="central", last_contact_at=None), Signs(), "ok", None),
    ],
)  # fmt: skip
def test_each_state_within_its_own_limit(system, signs, state, since):
    found = judge(system, signs, NOW)
    assert (found.state, found.since) == (state, since)
    assert set(found.reason) == (set() if state == "ok" else {"ko", "en"})


def test_every_state_has_a_word_a_colour_and_an_order():
    assert set(STATES) == set(WORDS) == set(STANDING_COLOURS)


def test_the_reason_says_it_in_both_languages():
    reason = judge(feed(last_contact_at=before(61)), Signs(), NOW).reason
    assert reason == {"en": "Silent for longer than 60 s.", "ko": "60초 넘게 수신이 없습니다."}
    with translation.override("ko"):
        assert str(judge(feed(last_contact_at=before(61)), Signs(), NOW).word) == "중단"


@pytest.fixture
def town(db):
    return make_town()


def state_of(system):
    system.refresh_from_db()
    return standings([system])[system.pk].state


def change(system, **fields):
    LinkedSystem.objects.filter(pk=system.pk).update(**fields)


class TestOfRealRows:
    def test_a_feed_falls_silent_and_comes_back(self, town):
        assert state_of(town.bells) == "never"
        health.feed_contact([town.bells.pk])
        assert state_of(town.bells) == "ok"
        change(town.bells, last_contact_at=ago(seconds=61))
        assert state_of(town.bells) == "stopped"
        health._noted.clear()
        health.feed_contact([town.bells.pk])
        assert state_of(town.bells) == "ok"

    def test_a_feed_is_late_and_in_time_again_without_waiting_for_the_next_writing(self, town):
        heard = lambda delay: health.feed_contact([town.bells.pk], {town.bells.pk: health.Heard(1, delay)})  # noqa: E731
        heard(2.0)
        assert state_of(town.bells) == "ok"
        heard(1_000.0)
        assert state_of(town.bells) == "late"
        heard(3.0)
        assert state_of(town.bells) == "ok"
        assert town.bells.last_delay_s == 3.0

    def test_what_another_process_wrote_of_a_delay_is_mended_at_once(self, town):
        heard = lambda: health.feed_contact([town.bells.pk], {town.bells.pk: health.Heard(1, 2.0)})  # noqa: E731
        heard()
        change(town.bells, last_delay_s=1_000.0, last_event_at=timezone.now())  # by a process beside this one
        assert state_of(town.bells) == "late"
        heard()
        assert state_of(town.bells) == "ok"

    def test_a_mere_contact_brings_no_older_delay_back(self, town):
        for _ in range(2):
            health.feed_contact([town.bells.pk], {town.bells.pk: health.Heard(1, 2.0)})
        change(town.bells, last_delay_s=1_000.0, last_event_at=timezone.now())  # by a process beside this one
        health.feed_contact([town.bells.pk])
        assert state_of(town.bells) == "late"

    def test_contacts_are_written_once_in_five_seconds_and_no_event_goes_uncounted(self, town):
        with CaptureQueriesContext(connection) as queries:
            for _ in range(50):
                health.feed_contact([town.bells.pk], {town.bells.pk: health.Heard(2, 1.0)})
        assert sum("events_total" in query["sql"] for query in queries) == 1
        health._noted[town.bells.pk].at -= health.CONTACT_EVERY_SECONDS
        health.feed_contact([town.bells.pk])
        town.bells.refresh_from_db()
        assert town.bells.events_total == 100

    def test_a_feed_is_noisy_while_it_is(self, town):
        change(town.bells, noisy_limit_per_min=3, last_contact_at=timezone.now())
        receive(town, *(event() for _ in range(3)))
        assert state_of(town.bells) == "ok"
        receive(town, event())
        assert state_of(town.bells) == "noisy"
        town.bells.events.update(received_at=ago(seconds=61))
        assert state_of(town.bells) == "ok"

    def test_records_not_understood_are_bad_data_for_ten_minutes_or_until_settled(self, town):
        change(town.bells, last_contact_at=timezone.now())
        Quarantined.objects.create(system=town.bells, format="its", is_document=False, raw=b"x", size=1, digest="d")
        assert state_of(town.bells) == "bad_data"
        assert standings([town.bells])[town.bells.pk].signs.bad == 1
        Quarantined.objects.update(state="understood")
        assert state_of(town.bells) == "ok"
        Quarantined.objects.update(state="waiting", last_at=ago(minutes=11))
        assert state_of(town.bells) == "ok"

    def test_an_agency_whose_messages_wait_is_slow_until_they_are_taken(self, town):
        change(town.police, last_contact_at=timezone.now())
        open_relay(town.police)
        assert state_of(town.police) == "ok"
        Delivery.objects.update(created_at=ago(seconds=12))
        assert state_of(town.police) == "slow"
        Delivery.objects.update(state="delivered")
        assert state_of(town.police) == "ok"

    def test_maintenance_is_a_window_that_has_begun_and_not_ended(self, town):
        change(town.police, last_contact_at=timezone.now())
        window = MaintenanceWindow.objects.create(
            system=town.police, starts_at=ago(seconds=5), ends_at=ago(seconds=-5), reason="new servers"
        )
        assert state_of(town.police) == "maintenance"
        MaintenanceWindow.objects.filter(pk=window.pk).update(ends_at=ago(seconds=1))
        assert state_of(town.police) == "ok"

    def test_many_systems_cost_two_queries(self, town, django_assert_num_queries):
        systems = list(LinkedSystem.objects.all())
        assert len(systems) == 5
        with django_assert_num_queries(2):
            found = standings(systems)
        assert {found[one.pk].state for one in systems} == {"never"}


class TestSince:
    def test_the_sweeper_keeps_since_when_and_only_writes_what_changed(self, town):
        assert standings_note() == 5
        assert standings_note() == 0
        change(town.bells, noisy_limit_per_min=1, last_contact_at=timezone.now())
        receive(town, event(), event())
        assert standings_note() == 1
        town.bells.refresh_from_db()
        since = town.bells.standing_since
        assert (town.bells.standing, abs((timezone.now() - since).total_seconds()) < 5) == ("noisy", True)
        receive(town, event())
        assert standings([town.bells])[town.bells.pk].since == since

    def test_it_is_one_of_the_sweepers_duties(self):
        from linkage import sweeper

        assert standing.standings_note in sweeper._duties


class TestTheList:
    def test_the_room_sees_feeds_and_agencies_in_use_of_its_own_municipality(self, town, other_town):
        change(town.police, last_error="HTTP 500", last_error_at=timezone.now())
        change(town.sensors, enabled=False)
        seen = {one["slug"]: one for one in health.link_states([town.municipality.pk])}
        assert set(seen) == {"bells", "police112", "fire119", "disaster"}
        assert seen["police112"]["state"] == "failing" and seen["police112"]["kind"] == "agency"
        assert "HTTP 500" in seen["police112"]["reason"]["en"]
        assert seen["bells"]["name"] == town.bells.name and seen["bells"]["last_contact_at"] is None

    def test_machines_learn_of_feeds_and_not_what_is_wrong(self, town):
        change(town.bells, last_error="refused by 10.0.0.1", last_error_at=timezone.now())
        told = health.for_machines(health.link_states([town.municipality.pk]))
        assert {(one["slug"], one["state"], one["reason"]) for one in told} == {
            ("bells", "stopped", None), ("sensors", "never", None),
        }  # fmt: skip


@pytest.fixture
def other_town(db):
    return make_town("36110", "세종특별자치시", "Sejong", prefix="other-")
