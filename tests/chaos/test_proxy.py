"""The fault proxy does what its table says: to the caller, and to the other side."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from linkage.simulators.proxy import NO_FAULT, Fault, FaultProxy, http_reply

RECEIPT = b'{"receipt": "R-1"}'


@asynccontextmanager
async def behind_proxy(fault=NO_FAULT):
    """A proxy before a small agency: (proxy, arrivals, call). `call` gives status and body, or how it failed."""
    arrivals = []

    async def receive(request):
        arrivals.append(await request.read())
        return web.Response(status=202, body=RECEIPT)

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy = FaultProxy(("127.0.0.1", site._server.sockets[0].getsockname()[1]))
    await proxy.start()
    await proxy.set(fault)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:

        async def call(body=b"x" * 500):
            try:
                async with session.post(f"http://127.0.0.1:{proxy.port}/", data=body) as answer:
                    return answer.status, await answer.read()
            except (TimeoutError, aiohttp.ClientError) as error:
                return type(error).__name__

        yield proxy, arrivals, call
    await proxy.stop()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("fault", "seen", "arrived"),
    [
        (NO_FAULT, (202, RECEIPT), 1),
        (Fault("refuse"), "ClientConnectorError", 0),
        (Fault("blackhole"), "TimeoutError", 0),
        (Fault("ackloss"), "ServerDisconnectedError|ClientOSError", 1),
        (Fault("slow", delay_s=0.1), (202, RECEIPT), 1),
        (Fault("slow", delay_s=2), "TimeoutError", 0),
        (Fault("drip", delay_s=0.2), "TimeoutError", 1),
        (Fault("cut_request", keep=30), "ServerDisconnectedError|ClientOSError", 0),
        (Fault("cut_reply", keep=30), "ServerDisconnectedError|ClientOSError|ClientPayloadError", 1),
        (Fault("answer", reply=http_reply(429, b"later", Retry_After="3")), (429, b"later"), 0),
        (Fault("hold_request"), "TimeoutError", 0),
        (Fault("hold_reply"), "TimeoutError", 1),
    ],
    ids=lambda value: getattr(value, "mode", None),
)
async def test_both_sides_see_what_the_table_says(fault, seen, arrived):
    async with behind_proxy(fault) as (_, arrivals, call):
        found = await call()
        assert found in seen.split("|") if isinstance(seen, str) else found == seen
        assert len(arrivals) == arrived


async def test_what_is_held_goes_on_when_released_and_never_when_reset():
    async with behind_proxy(Fault("hold_request")) as (proxy, arrivals, call):
        for let_go, expected in ((proxy.release, (202, RECEIPT)), (proxy.reset, None)):
            calling = asyncio.create_task(call())
            while not proxy.holding:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            assert len(arrivals) == (expected is None)
            if done := let_go():
                await done
            found = await calling
            assert found == expected if expected else isinstance(found, str)
        assert len(arrivals) == 1


async def test_a_share_is_struck_the_same_for_the_same_seed_even_on_one_connection():
    async def struck():
        async with behind_proxy(Fault("answer", rate=0.3, seed=7, reply=http_reply(503))) as (proxy, _, call):
            found = [(await call())[0] == 503 for _ in range(40)]
            assert proxy.struck == sum(found)
            return found

    first = await struck()
    assert 5 < sum(first) < 20
    assert await struck() == first


async def test_it_listens_again_on_the_same_port_after_a_refusal():
    async with behind_proxy(Fault("refuse")) as (proxy, _, call):
        port = proxy.port
        await proxy.set(NO_FAULT)
        assert (proxy.port, await call()) == (port, (202, RECEIPT))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode must be one of"):
        Fault("explode")
