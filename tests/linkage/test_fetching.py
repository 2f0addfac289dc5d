"""The bounded GET of the feeds: only where allowed, only so much, only so long, and never with a key in its words."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from linkage.feeds import fetching
from linkage.feeds.fetching import Fetcher, NotFetched
from tests.linkage.wires import peer


def says(text, **more):
    return lambda request, body: web.Response(text=text, **more)


@asynccontextmanager
async def getter(allowed_network="127.0.0.0/8", deadline_s=2.0):
    get = Fetcher(allowed_network, deadline_s)
    get.begin()
    try:
        yield get
    finally:
        await get.close()


async def test_the_body_and_its_type_come_back_with_the_query_asked_for():
    with peer(says("[]")) as source:
        async with getter() as get:
            assert await get(source.url + "?a=1", params={"b": "둘"}, headers={"X-Key": "k"}) == (
                b"[]",
                "text/plain; charset=utf-8",
            )
    assert source.arrivals[0]["headers"]["X-Key"] == "k"
    assert source.arrivals[0]["headers"]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says("", status=500), "HTTP 500 Internal Server Error"),
        (
            says("", status=302, headers={"Location": "/elsewhere"}),
            "HTTP 302 Found; redirects are not followed, name the final address",
        ),
        (says("[]", headers={"Content-Encoding": "gzip"}), "the answer is compressed though it was asked for plain"),
        (says("x" * 2000), "the answer is longer than 10 MiB"),
    ],
)
async def test_what_is_no_plain_answer_is_refused_with_the_reason(answer, why, monkeypatch):
    monkeypatch.setattr(fetching, "BODY_LIMIT", 1000)
    with peer(answer) as source:
        async with getter() as get:
            with pytest.raises(NotFetched) as refused:
                await get(source.url)
    assert refused.value.reason == why and len(source.arrivals) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_outside_the_allowed_network_is_never_called(host):
    with peer(says("[]")) as source:
        async with getter("10.0.0.0/8") as get:
            with pytest.raises(NotFetched, match="allowed network"):
                await get(source.url.replace("127.0.0.1", host))
    assert not source.arrivals


@pytest.mark.parametrize("address", ["", "file:///etc/passwd", "http://", "ftp://127.0.0.1/x", "http://[::1"])
async def test_what_is_no_http_address_is_refused(address):
    async with getter() as get:
        with pytest.raises(NotFetched):
            await get(address)


async def test_a_key_in_the_query_never_stands_in_the_error():
    async with getter() as get:
        with pytest.raises(NotFetched) as refused:
            await get("http://127.0.0.1:9/data?key=very-secret", params={"serviceKey": "very-secret"})
    assert "very-secret" not in refused.value.reason


async def test_retry_after_is_read_as_seconds():
    with peer(says("", status=503, headers={"Retry-After": "7"})) as source:
        async with getter() as get:
            with pytest.raises(NotFetched) as refused:
                await get(source.url)
    assert (refused.value.status, refused.value.retry_after_s) == (503, 7.0)


async def test_an_unchanged_document_is_asked_for_conditionally_and_comes_out_of_memory():
    def marked(request, body):
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(text="[1]", headers={"ETag": '"1"'})

    with peer(marked) as source:
        async with getter() as get:
            bodies = [(await get(source.url, params={"page": page}))[0] for page in ("1", "1", "2", "1")]
    assert bodies == [b"[1]"] * 4
    assert [one["headers"].get("If-None-Match") for one in source.arrivals] == [None, '"1"', None, '"1"']


async def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(fetching, "REMEMBERED_BYTES", 10)
    with peer(says("123456", headers={"ETag": '"1"'})) as source:
        async with getter() as get:
            for page in ("1", "2", "1"):
                await get(source.url, params={"page": page})
            assert len(get._remembered) == 1
    assert "If-None-Match" not in source.arrivals[2]["headers"]


async def test_a_source_with_always_one_more_page_is_left(monkeypatch):
    monkeypatch.setattr(fetching, "EXCHANGES_A_POLL", 3)
    with peer(says("[]")) as source:
        async with getter() as get:
            get.begin()
            for _ in range(3):
                await get(source.url)
            with pytest.raises(NotFetched, match="more than 3 requests"):
                await get(source.url)
            get.begin()
            await get(source.url)
