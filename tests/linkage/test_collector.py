"""The collector polls every feed by itself: on time, one unharmed by another, and without a gap after any outage."""

import asyncio
import json
import threading
import time
from collections import defaultdict
from contextlib import contextmanager

import pytest
from aiohttp import web
from django.db import connection, transaction
from django.utils import timezone

from linkage.feeds import FEEDS, collector, polling
from linkage.feeds.base import Feed, Fetched
from linkage.models import Heartbeat, LinkedSystem
from tests.accounts.cast import make_system
from tests.linkage.wires import eventually, peer

pytestmark = pytest.mark.django_db(transaction=True)


class Intake:
    """Stands in for the intake: keeps what it was handed, with the time."""

    def __init__(self):
        self.taken = defaultdict(list)
        self.at = defaultdict(list)
        self.away = False

    def take_for(self, system):
        async def take(document, content_type):
            if self.away:
                raise RuntimeError("the database is away")
            self.taken[system.slug].append(document)
            self.at[system.slug].append(time.monotonic())
            return {"accepted": 1, "duplicates": 0, "rejected": 0, "results": []}

        return take


class Counting(Feed):
    """A source that numbers its documents; the state is the last number taken."""

    name = "counting"

    async def fetch(self, get, link):
        body, _ = await get(link.endpoint, params={"after": str(link.state.get("last", 0))})
        for number in json.loads(body):
            yield Fetched(str(number).encode(), "text/plain", {"last": number})


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.setitem(FEEDS, "counting", Counting())


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch):
    monkeypatch.setattr(collector, "_jobs", {})


@contextmanager
def collecting(intake):
    """A collector in this process, on a thread."""
    stop, loop = asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(collector.collect(stop, intake.take_for)), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive(), "it did not stop"
        loop.close()


def make_feed(town, slug, endpoint, feed_format="events_json", poll_interval_s=1, **more):
    return make_system(
        town, slug, kind="feed", endpoint=endpoint, feed_format=feed_format, poll_interval_s=poll_interval_s, **more
    )


def fresh(system):
    return LinkedSystem.objects.get(pk=system.pk)


def says(text, **more):
    return lambda request, body: web.Response(text=text, **more)


class Numbers:
    """The source of `Counting`: `grow` adds to what there is, `up` is whether it answers."""

    def __init__(self):
        self.last, self.up = 0, True

    def __call__(self, request, body):
        if not self.up:
            return web.Response(status=503)
        after = int(request.query["after"])
        return web.json_response(list(range(after + 1, self.last + 1)))


class TestPolling:
    def test_a_feed_is_polled_at_its_interval_and_its_contact_noted(self, daejeon):
        intake = Intake()
        with peer(says("[]")) as source, collecting(intake):
            feed = make_feed(daejeon, "one", source.url)
            eventually(lambda: len(intake.taken["one"]) >= 4)
            eventually(lambda: fresh(feed).last_contact_at)
        times = intake.at["one"]
        assert all(0.6 < later - earlier < 1.6 for earlier, later in zip(times, times[1:], strict=False)), times
        assert fresh(feed).last_error == ""
        assert source.arrivals[0]["headers"]["Accept-Encoding"] == "identity"

    def test_a_black_hole_a_flood_and_a_drip_beside_it_do_not_slow_a_good_source(self, daejeon):
        intake = Intake()

        async def hole(request, body):
            await asyncio.sleep(60)

        async def flood(request, body):
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(50 * 16):
                await response.write(b"[" * 65536)
            return response

        async def drip(request, body):
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            for _ in range(60):
                await response.write(b"[")
                await asyncio.sleep(0.5)
            return response

        with peer(hole) as black, peer(flood) as huge, peer(drip) as slow, peer(says("[]")) as good, collecting(intake):
            bad = [make_feed(daejeon, f"hole{n}", black.url, deadline_s=2) for n in range(3)]
            bad.append(make_feed(daejeon, "flood", huge.url))
            bad.append(make_feed(daejeon, "drip", slow.url, deadline_s=2))
            make_feed(daejeon, "good", good.url)
            eventually(lambda: len(intake.taken["good"]) >= 7, 20)
            eventually(lambda: all(fresh(one).last_error for one in bad))
        gaps = [later - earlier for earlier, later in zip(intake.at["good"], intake.at["good"][1:], strict=False)]
        assert max(gaps) < 2, gaps
        assert set(intake.taken) == {"good"}
        errors = {one.slug: fresh(one).last_error for one in bad}
        assert errors["flood"] == "the answer is longer than 10 MiB"
        assert errors["hole0"] == errors["drip"] == "no whole answer within 2 s"

    def test_a_poll_that_overruns_skips_beats_and_never_overlaps_itself(self, daejeon):
        running, most = [], []

        async def slow(request, body):
            running.append(1)
            most.append(len(running))
            await asyncio.sleep(1.5)
            running.pop()
            return web.Response(text="[]")

        intake = Intake()
        with peer(slow) as source, collecting(intake):
            make_feed(daejeon, "slow", source.url)
            eventually(lambda: len(intake.taken["slow"]) >= 3, 20)
        assert max(most) == 1
        starts = [one["at"] for one in source.arrivals]
        assert all(1.8 < later - earlier < 2.6 for earlier, later in zip(starts, starts[1:], strict=False)), starts

    def test_a_refusal_is_written_on_the_system_and_the_next_good_answer_clears_it(self, daejeon):
        with peer(says("no", status=403)) as source, collecting(Intake()):
            feed = make_feed(daejeon, "one", source.url)
            assert eventually(lambda: fresh(feed).last_error) == "HTTP 403 Forbidden"
            assert fresh(feed).last_error_at and not fresh(feed).last_contact_at
            source.answer = says("[]")
            eventually(lambda: fresh(feed).last_error == "" and fresh(feed).last_contact_at)

    def test_retry_after_is_honoured(self, daejeon):
        with peer(says("", status=429, headers={"Retry-After": "3"})) as source, collecting(Intake()):
            make_feed(daejeon, "one", source.url)
            eventually(lambda: len(source.arrivals) >= 2)
        first, second = (one["at"] for one in source.arrivals[:2])
        assert 2.9 < second - first < 5


class TestSettings:
    def test_changes_take_effect_within_five_seconds(self, daejeon):
        intake = Intake()
        with peer(says("[1]")) as first, peer(says("[2]")) as second, collecting(intake):
            feed = make_feed(daejeon, "one", first.url, enabled=False)
            time.sleep(1.5)
            assert not first.arrivals

            def change(seen, **more):
                LinkedSystem.objects.filter(pk=feed.pk).update(**more)
                eventually(seen, 5)

            change(lambda: first.arrivals, enabled=True)
            change(lambda: second.arrivals, endpoint=second.url)
            calls = len(first.arrivals)
            change(lambda: self._rests(second), paused_at=timezone.now())
            assert len(first.arrivals) == calls
            before = len(second.arrivals)
            change(lambda: len(second.arrivals) > before, paused_at=None)
            change(lambda: self._rests(second), poll_interval_s=3600)

    @staticmethod
    def _rests(source):
        before = len(source.arrivals)
        time.sleep(1.4)
        return len(source.arrivals) == before

    def test_a_feed_that_pushes_is_left_alone(self, daejeon):
        with peer(says("[]")) as source, collecting(Intake()):
            make_feed(daejeon, "pushes", source.url, poll_interval_s=None)
            make_feed(daejeon, "polled", source.url + "/polled")
            eventually(lambda: len(source.arrivals) >= 2)
        assert "pushes" not in {one.slug for one in LinkedSystem.objects.exclude(last_contact_at=None)}


class TestNothingIsLost:
    def test_what_a_silent_source_had_meanwhile_is_fetched_when_it_is_back(self, daejeon, counting):
        intake, numbers = Intake(), Numbers()
        with peer(numbers) as source, collecting(intake):
            feed = make_feed(daejeon, "one", source.url, "counting")
            numbers.last = 3
            eventually(lambda: len(intake.taken["one"]) >= 3)
            numbers.up = False
            eventually(lambda: fresh(feed).last_error == "HTTP 503 Service Unavailable")
            numbers.last = 9
            numbers.up = True
            eventually(lambda: len(intake.taken["one"]) >= 9)
            eventually(lambda: fresh(feed).state == {"last": 9})
        assert intake.taken["one"] == [str(n).encode() for n in range(1, 10)]

    def test_the_state_is_kept_only_once_the_document_is_taken(self, daejeon, counting):
        intake, numbers = Intake(), Numbers()
        intake.away, numbers.last = True, 2
        with peer(numbers) as source, collecting(intake):
            feed = make_feed(daejeon, "one", source.url, "counting")
            eventually(lambda: len(source.arrivals) >= 2)
            assert fresh(feed).state == {} and fresh(feed).last_error == "", "our own trouble is not the source's"
            intake.away = False
            eventually(lambda: fresh(feed).state == {"last": 2})
        assert intake.taken["one"] == [b"1", b"2"]

    def test_a_state_that_cannot_be_kept_means_fetching_again_not_a_gap(self, daejeon, counting, monkeypatch):
        monkeypatch.setattr(polling, "LOCK_TIMEOUT", "100ms")
        intake, numbers = Intake(), Numbers()
        numbers.last = 1
        feed = make_feed(daejeon, "held", "", "counting")
        with peer(numbers) as source, peer(says("[]")) as good, collecting(intake):
            make_feed(daejeon, "good", good.url)
            LinkedSystem.objects.filter(pk=feed.pk).update(endpoint=source.url)
            eventually(lambda: fresh(feed).state == {"last": 1})
            with transaction.atomic():
                LinkedSystem.objects.select_for_update().get(pk=feed.pk)
                numbers.last = 2
                eventually(lambda: intake.taken["held"].count(b"2") >= 2)
                seen = len(intake.taken["good"])
                eventually(lambda: len(intake.taken["good"]) >= seen + 2)
            eventually(lambda: fresh(feed).state == {"last": 2})

    def test_another_format_does_not_inherit_the_state(self, daejeon):
        feed = make_feed(daejeon, "one", "", "counting")
        LinkedSystem.objects.filter(pk=feed.pk).update(feed_format="its")

        async def late():
            notes = polling.Notes(polling.DatabaseThread("test"))
            await notes.keep_state(feed, {"last": 7})
            await notes.database.close()

        asyncio.run(late())
        assert fresh(feed).state == {}


class TestListening:
    def test_a_lost_connection_is_opened_again_after_growing_pauses(self, daejeon, monkeypatch):
        monkeypatch.setattr(polling, "LISTEN_PAUSES", (0.1, 0.3, 0.9))
        opened = []

        class Radio(Feed):
            name, listens = "radio", True

            async def listen(self, link, take):
                opened.append(time.monotonic())
                await take(b"heard", "text/plain")
                raise ConnectionError("the broker went away")

        monkeypatch.setitem(FEEDS, "radio", Radio())
        intake = Intake()
        with collecting(intake):
            feed = make_feed(daejeon, "radio", "", "radio", poll_interval_s=None)
            eventually(lambda: len(opened) >= 4)
            eventually(lambda: fresh(feed).last_error == "the broker went away")
        assert fresh(feed).last_contact_at and set(intake.taken["radio"]) == {b"heard"}
        pauses = [later - earlier for earlier, later in zip(opened, opened[1:], strict=False)]
        assert pauses[0] < pauses[1] and pauses[2] > 0.7


class TestLeading:
    def test_of_two_collectors_one_polls_and_the_other_takes_over(self, daejeon):
        first, second = Intake(), Intake()
        with peer(says("[]")) as source:
            make_feed(daejeon, "one", source.url)
            with collecting(second):
                eventually(lambda: second.taken["one"])
                with collecting(first):
                    seen = len(second.taken["one"])
                    eventually(lambda: len(second.taken["one"]) >= seen + 2)
                    assert not first.taken["one"]
            with collecting(first):
                eventually(lambda: first.taken["one"])

    def test_the_heartbeat_says_it_is_at_work(self, daejeon, monkeypatch):
        monkeypatch.setattr(collector, "HEARTBEAT_SECONDS", 0.5)
        with collecting(Intake()):
            at = eventually(lambda: Heartbeat.objects.filter(name="collector").values_list("at", flat=True).first())
            eventually(lambda: Heartbeat.objects.get(name="collector").at > at)

    def test_a_cut_connection_to_the_database_ends_nothing(self, daejeon):
        intake = Intake()
        with peer(says("[]")) as source, collecting(intake):
            make_feed(daejeon, "one", source.url)
            eventually(lambda: intake.taken["one"])
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            seen = len(intake.taken["one"])
            eventually(lambda: len(intake.taken["one"]) >= seen + 2)


class TestJobs:
    def test_a_job_is_done_at_its_interval_whatever_becomes_of_another(self, daejeon):
        done = []

        async def good():
            done.append(time.monotonic())

        async def broken():
            raise KeyError("a bug")

        async def hanging():
            await asyncio.sleep(60)

        for name, job in (("good", good), ("broken", broken), ("hanging", hanging)):
            collector.register_job(name, 0.5, job)
        with collecting(Intake()):
            eventually(lambda: len(done) >= 4)
        assert all(0.2 < later - earlier < 1.2 for earlier, later in zip(done, done[1:], strict=False)), done
