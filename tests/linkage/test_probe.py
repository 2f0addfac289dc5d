"""The test-connection call against real servers on this machine."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from django.utils import translation

from linkage.probe import probe

LOOPBACK = "127.0.0.0/8"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@asynccontextmanager
async def serving(handler):
    """A real HTTP server; gives its address and the list of requests it saw."""
    seen = []

    async def answer(request):
        seen.append((request.method, request.path))
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/incidents", seen
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speaking(talk):
    """A raw TCP server that does what `talk(reader, writer)` does."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answering(status, **more):
    async def handler(request):
        return web.Response(status=status, **more)

    return handler


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 405, 429])
async def test_any_answer_of_a_living_server_is_reachable(status):
    async with serving(answering(status)) as (url, seen):
        result = await probe(url, LOOPBACK)
    assert result.ok and result.status == status and str(status) in result.text
    assert result.addresses == ("127.0.0.1",) and result.latency_ms >= 0
    assert seen == [("GET", "/incidents")], "a probe never posts: it must not raise a case"


@pytest.mark.parametrize("status", [404, 410, 500, 503])
async def test_a_wrong_path_or_an_ill_server_is_not_well(status):
    async with serving(answering(status)) as (url, _seen):
        result = await probe(url, LOOPBACK)
    assert not result.ok and result.status == status and str(status) in result.text


async def test_a_redirect_is_named_and_not_followed():
    async with serving(answering(302, headers={"Location": "/elsewhere"})) as (url, seen):
        result = await probe(url, LOOPBACK)
    assert not result.ok and "/elsewhere" in result.text
    assert seen == [("GET", "/incidents")]


async def test_a_name_is_resolved_and_its_address_named():
    async with serving(answering(200)) as (url, _seen):
        result = await probe(url.replace("127.0.0.1", "localhost"), LOOPBACK)
    assert result.ok and result.addresses == ("127.0.0.1",)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_outside_the_allowed_network_is_never_called(host):
    async with serving(answering(200)) as (url, seen):
        result = await probe(url.replace("127.0.0.1", host), "10.0.0.0/8")
    assert not result.ok and "allowed network" in result.text and seen == []


async def test_an_ipv6_literal_is_checked_too():
    result = await probe("http://[::1]:9/", LOOPBACK)
    assert not result.ok and "allowed network" in result.text


async def test_a_closed_port_is_refused():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        result = await probe(f"http://127.0.0.1:{held.getsockname()[1]}/", LOOPBACK)
    assert not result.ok and "refuses the connection" in result.text


async def test_a_silent_server_is_given_up_at_the_deadline():
    released = asyncio.Event()

    async def handler(request):
        await released.wait()
        return web.Response()

    async with serving(handler) as (url, _seen):
        started = time.monotonic()
        result = await probe(url, LOOPBACK, deadline_s=0.5)
        released.set()
    assert not result.ok and "0.5 seconds" in result.text and time.monotonic() - started < 3


async def test_a_dripping_server_is_given_up_at_the_same_deadline():
    async def drip(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n")
        try:
            while True:
                writer.write(b"X-Drip: 1\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            writer.close()

    async with speaking(drip) as port:
        started = time.monotonic()
        result = await probe(f"http://127.0.0.1:{port}/", LOOPBACK, deadline_s=0.6)
    assert not result.ok and time.monotonic() - started < 3


async def test_an_endless_body_is_read_no_further_than_the_limit():
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(2000):
                await response.write(b"x" * 65536)
        except ConnectionError:
            pass
        return response

    async with serving(handler) as (url, _seen):
        result = await probe(url, LOOPBACK, deadline_s=3)
    assert result.ok and result.status == 200


async def test_something_that_is_not_http_is_said_to_be_so():
    async def greet(reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    async with speaking(greet) as port:
        result = await probe(f"http://127.0.0.1:{port}/", LOOPBACK)
    assert not result.ok and "not in HTTP" in result.text


async def test_https_to_a_plain_server_is_said_to_have_no_tls():
    async with serving(answering(200)) as (url, _seen):
        result = await probe(url.replace("http:", "https:"), LOOPBACK)
    assert not result.ok and "TLS" in result.text


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "http://", "http://[", "nonsense", "http://127.1:80/"])
async def test_what_is_no_address_is_said_to_be_none(url):
    result = await probe(url, LOOPBACK)
    assert not result.ok and "not an http" in result.text


async def test_an_unknown_name_is_said_to_be_unknown():
    result = await probe("http://no-such-host.invalid/", "0.0.0.0/0")
    assert not result.ok and "name server" in result.text
