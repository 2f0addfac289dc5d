"""Polling CAP from an Atom index over real HTTP: everything once, the oldest first, nothing in anything's way."""

import asyncio
from datetime import datetime

import pytest
from aiohttp import web

from linkage.feeds import FEEDS
from linkage.feeds.base import Link, NotADocument
from linkage.feeds.cap import atom
from linkage.feeds.fetching import Fetcher, NotFetched
from tests.linkage.caps import alert, info, sample
from tests.linkage.wires import peer

CAP = FEEDS["cap"]


class Publisher:
    """An index with its messages; `broken` entries answer 500, `marked` counts the answers 304."""

    def __init__(self):
        self.entries = {}
        self.broken = set()
        self.asked = []
        self.marked = 0

    def publish(self, name, updated="2026-11-23T10:00:00+09:00", href=None):
        self.entries[name] = (updated, href or f"message/{name}")

    def __call__(self, request, body):
        name = request.path.rpartition("/")[2]
        if name == "incidents":  # the peer's own address stands for the index
            return web.Response(body=self.index().encode(), content_type="application/atom+xml")
        self.asked.append(name)
        if name in self.broken:
            return web.Response(status=500)
        if request.headers.get("If-None-Match") == f'"{name}"':
            self.marked += 1
            return web.Response(status=304)
        document = alert(info(), identifier=name)
        return web.Response(body=document, content_type="application/cap+xml", headers={"ETag": f'"{name}"'})

    def index(self):
        listed = "".join(
            f'<entry><id>urn:{name}</id><updated>{updated}</updated><link rel="self" href="/wrong"/>'
            f'<link type="text/html" href="page/{name}"/><link type="application/cap+xml" href="{href}"/></entry>'
            for name, (updated, href) in self.entries.items()
        )
        return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><id>x</id>{listed}<entry><id>no link</id></entry></feed>'


def poll(url, state, *, stop_after=None, get=None):
    """One poll as the collector does it: documents in order, and the state after the last one taken; its failure, too."""

    async def once():
        fetcher = get or Fetcher("127.0.0.0/8", 2.0)
        fetcher.begin()
        link = Link(url, datetime.fromisoformat("2026-11-23T10:00:00+09:00"), state=state)
        taken, kept, failure = [], dict(state), None
        try:
            async for one in CAP.fetch(fetcher, link):
                taken.append(CAP.normalise(one.document)["attributes"]["identifier"])
                kept = dict(one.state or kept)
                if len(taken) == stop_after:
                    break
        except NotFetched as error:
            failure = error
        await fetcher.close()
        return taken, kept, failure

    return asyncio.run(once())


def test_every_message_is_fetched_once_and_the_oldest_first():
    source = Publisher()
    source.publish("new", "2026-11-23T10:02:00+09:00")
    source.publish("old", "2026-11-22T23:00:00-02:00")
    with peer(source) as there:
        taken, state, _ = poll(there.url, {})
        assert taken == ["old", "new"]
        assert poll(there.url, state)[0] == []
        source.publish("newest", "2026-11-23T10:03:00+09:00")
        taken, state, _ = poll(there.url, state)
        assert taken == ["newest"] and source.asked == ["old", "new", "newest"]


def test_an_entry_updated_again_is_read_again_and_what_the_index_dropped_is_forgotten():
    source = Publisher()
    for name in ("a", "b", "c"):
        source.publish(name)
    with peer(source) as there:
        _, state, _ = poll(there.url, {})
        assert len(state["taken"]) == 3
        del source.entries["b"], source.entries["c"]
        source.publish("a", "2026-11-23T10:05:00+09:00")
        taken, state, _ = poll(there.url, state)
    assert taken == ["a"] and len(state["taken"]) == 1


def test_a_broken_entry_stops_no_other_and_is_tried_again():
    source = Publisher()
    for minute, name in enumerate(("a", "b", "c")):
        source.publish(name, f"2026-11-23T10:0{minute}:00+09:00")
    source.broken = {"a"}
    with peer(source) as there:
        taken, state, failure = poll(there.url, {})
        assert taken == ["b", "c"] and failure.status == 500
        source.broken = set()
        assert poll(there.url, state)[0] == ["a"]


def test_a_poll_that_ends_in_the_middle_goes_on_where_it_was():
    source = Publisher()
    for minute, name in enumerate("abcde"):
        source.publish(name, f"2026-11-23T10:0{minute}:00+09:00")
    with peer(source) as there:
        taken, state, _ = poll(there.url, {}, stop_after=2)
        assert taken == ["a", "b"]
        assert poll(there.url, state)[0] == ["c", "d", "e"]


def test_more_messages_than_one_poll_takes_come_with_the_next():
    source = Publisher()
    for number in range(atom.MESSAGES_A_POLL + 5):
        source.publish(f"m{number:03}", f"2026-11-23T10:{number // 60:02}:{number % 60:02}+09:00")
    with peer(source) as there:
        first, state, _ = poll(there.url, {})
        rest, state, _ = poll(there.url, state)
    assert len(first) == atom.MESSAGES_A_POLL and len(rest) == 5
    assert first + rest == sorted(source.entries)


def test_an_unchanged_message_is_not_sent_again():
    source = Publisher()
    source.publish("a")
    fetcher = Fetcher("127.0.0.0/8", 2.0)
    with peer(source) as there:
        poll(there.url, {}, get=fetcher)
        assert poll(there.url, {}, get=fetcher)[0] == ["a"]  # the state was lost: asked for again, conditionally
    assert source.marked == 1


def test_an_entry_that_leads_out_of_the_network_is_not_followed():
    source = Publisher()
    source.publish("a", "2026-11-23T10:00:00+09:00", href="http://192.0.2.1/message/a")
    source.publish("b", "2026-11-23T10:01:00+09:00")
    with peer(source) as there:
        taken, _, failure = poll(there.url, {})
    assert taken == ["b"] and "outside the allowed network" in failure.reason


def test_a_publisher_that_falls_silent_costs_a_few_deadlines_at_most(monkeypatch):
    monkeypatch.setattr(atom, "SILENCES_AT_MOST", 2)
    source = Publisher()
    for number in range(30):
        source.publish(f"m{number}", href="http://127.0.0.1:9/message")  # nothing listens there
    with peer(source) as there:
        taken, _, failure = poll(there.url, {})
    assert taken == [] and failure.status is None


def test_an_endpoint_that_answers_a_message_is_taken_at_its_word():
    with peer(lambda request, body: web.Response(body=alert(info(), identifier="alone"))) as there:
        assert poll(there.url, {})[0] == ["alone"]


def test_the_real_index_of_a_weather_service_is_read():
    found = atom.entries(sample("weather_index.atom"), "http://127.0.0.1/index")
    assert [one.id for one in found] == [one.address for one in found]
    assert [one.updated for one in found] == ["2010-08-30T16:33:00-04:00", "2010-08-30T23:04:00-04:00"]


@pytest.mark.parametrize(
    "document",
    [b'<feed xmlns="http://www.w3.org/2005/Atom">', b'<!DOCTYPE feed><feed xmlns="http://www.w3.org/2005/Atom"/>',
     b'<rss xmlns:a="http://www.w3.org/2005/Atom"/>', b"<a>" * 50_000],
)  # fmt: skip
def test_what_is_no_index_says_so(document):
    with pytest.raises(NotADocument):
        atom.entries(document, "http://127.0.0.1/")
