"""One POST over real HTTP to peers that behave and peers that do not."""

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from linkage.signing import make_secret
from linkage.transports import wire
from linkage.transports.base import NotSent, Outgoing, Target
from linkage.transports.http_json import HttpJson
from tests.linkage.wires import in_turn, peer, receipt, status

SECRET = make_secret()


def target_of(secret=SECRET, allowed="127.0.0.0/8", deadline_s=10.0):
    return Target(1, "police112", "http_json", (secret,) if secret else (), allowed, deadline_s)


def post(endpoint, *, key="key-1", payload=None, **how):
    async def once():
        target = target_of(**how)
        outgoing = Outgoing(key, "create", payload or {"incident": {"summary": "비상벨"}}, endpoint)
        async with wire.open_session(target) as session:
            return await HttpJson().send(session, target, outgoing)

    return asyncio.run(once())


def refused(*arguments, **more):
    with pytest.raises(NotSent) as caught:
        post(*arguments, **more)
    return caught.value


def raw_answer(body, *, content_type="application/json", code=202, headers=None):
    return lambda request, _: web.Response(status=code, body=body, content_type=content_type, headers=headers)


def test_the_message_goes_out_signed_under_its_key_and_the_receipt_comes_back():
    with peer() as agency:
        answer = post(agency.url, payload={"incident": {"summary": "비상벨"}})
    assert answer.receipt == "R-key-1"
    assert answer.status == 202
    sent = agency.arrivals[0]
    assert sent["headers"]["Idempotency-Key"] == sent["headers"]["webhook-id"] == "key-1"
    assert Webhook(SECRET).verify(sent["body"], sent["headers"]) == {"incident": {"summary": "비상벨"}}


def test_without_a_secret_it_goes_unsigned():
    with peer() as agency:
        post(agency.url, secret="")
    assert "webhook-signature" not in agency.arrivals[0]["headers"]


def test_a_compressed_answer_is_not_asked_for():
    with peer() as agency:
        post(agency.url)
    assert agency.arrivals[0]["headers"]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 410, 413, 422, 451])
def test_a_client_error_is_permanent(code):
    with peer(status(code, text="because")) as agency:
        error = refused(agency.url)
    assert (error.permanent, error.status, error.response) == (True, code, "because")
    assert str(code) in error.reason


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(code):
    with peer(status(code)) as agency:
        error = refused(agency.url)
    assert (error.permanent, error.status) == (False, code)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0", 0), ("soon", None), ("", None), ("-5", None), ("²", None), ("9" * 400, float("inf"))],
)
def test_the_agencys_wish_to_wait_is_read_as_seconds(value, seconds):
    assert wire._retry_after(value) == seconds


def test_the_agencys_wish_to_wait_may_be_a_date():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with peer(status(503, headers={"Retry-After": date})) as agency:
        assert refused(agency.url).retry_after_s == pytest.approx(30, abs=2)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code):
    with peer() as elsewhere, peer(status(code, headers={"Location": elsewhere.url})) as agency:
        error = refused(agency.url)
    assert error.permanent
    assert not elsewhere.arrivals


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"receipt": ', b'{"receipt": 42}', b'{"receipt": ""}', b'{"receipt": null}', b"\xff\xfe",
     b"<html>", b'{"receipt": "a\\u0000b"}'],
)  # fmt: skip
def test_an_answer_without_a_receipt_is_tried_again(body):
    with peer(raw_answer(body)) as agency:
        error = refused(agency.url)
    assert (error.permanent, error.status) == (False, 202)
    assert "receipt" in error.reason


def test_a_success_with_another_number_counts():
    with peer(raw_answer(b'{"receipt": "R"}', code=200)) as agency:
        assert post(agency.url).receipt == "R"


def test_of_a_long_answer_no_more_than_64_kib_is_read():
    said = []

    async def flood(request, _):
        response = web.StreamResponse(status=202)
        await response.prepare(request)
        try:
            while len(said) < 10_000:
                await response.write(b"x" * 65_536)
                said.append(1)
        except ConnectionError:
            pass
        return response

    with peer(flood) as agency:
        error = refused(agency.url)
    assert (error.permanent, error.reason) == (False, "the answer is longer than 64 KiB")
    assert len(error.response) <= wire.RESPONSE_LIMIT + 1
    assert len(said) < 200


def test_a_long_refusal_is_still_a_refusal():
    with peer(status(422, text="x" * 100_000)) as agency:
        assert refused(agency.url).permanent


def test_just_64_kib_is_not_too_long():
    body = json.dumps({"receipt": "R", "padding": ""})
    body = body[:-2] + "x" * (wire.RESPONSE_LIMIT - len(body)) + '"}'
    with peer(raw_answer(body.encode())) as agency:
        assert post(agency.url).receipt == "R"


async def _drip(request, body):
    response = web.StreamResponse(status=202, headers={"Content-Length": "20"})
    await response.prepare(request)
    for byte in b'{"receipt": "R-slow"}':
        await response.write(bytes([byte]))
        await asyncio.sleep(0.2)
    return response


async def _silence(request, body):
    await asyncio.sleep(5)
    return receipt(request, body)


@pytest.mark.parametrize("behaviour", [_drip, _silence])
def test_one_deadline_bounds_the_whole_exchange(behaviour):
    with peer(behaviour) as agency:
        started = time.monotonic()
        error = refused(agency.url, deadline_s=0.6)
        took = time.monotonic() - started
    assert (error.permanent, error.reason) == (False, "no answer within 0.6 s")
    assert 0.5 < took < 2.5


@contextmanager
def black_hole():
    """A port whose connections are never accepted."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = []
        for _ in range(4):  # until the backlog is full
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        yield f"http://127.0.0.1:{address[1]}/incidents"
        for filler in fillers:
            filler.close()


def test_the_deadline_holds_while_connecting():
    with black_hole() as endpoint:
        assert refused(endpoint, deadline_s=0.6).reason == "no answer within 0.6 s"


def _abort(request, body):
    request.transport.abort()
    return web.Response()


def test_a_reset_connection_is_tried_again():
    with peer(_abort) as agency:
        assert refused(agency.url).permanent is False


def test_nobody_listening_is_tried_again():
    assert refused("http://127.0.0.1:9/incidents").permanent is False


def test_what_is_no_http_is_tried_again():
    ready, port = threading.Event(), []

    def speak():
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            port.append(listener.getsockname()[1])
            ready.set()
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-\x00OpenSSH\r\n\r\n")
            connection.close()

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    ready.wait(5)
    error = refused(f"http://127.0.0.1:{port[0]}/incidents")
    thread.join(5)
    assert error.permanent is False
    assert "\x00" not in error.reason


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_outside_the_allowed_network_is_never_called(host):
    with peer() as agency:
        error = refused(agency.url.replace("127.0.0.1", host), allowed="10.20.0.0/16")
        assert not agency.arrivals
    assert error.permanent
    assert "allowed network" in error.reason


@pytest.mark.parametrize("endpoint", ["", "ftp://127.0.0.1/", "http://", "http://[::1", "/incidents"])
def test_an_endpoint_that_is_none_goes_to_the_operator_at_once(endpoint):
    assert refused(endpoint).permanent


def test_a_network_that_cannot_be_read_allows_nothing():
    with peer() as agency:
        assert refused(agency.url, allowed="everywhere").permanent
        assert not agency.arrivals


def test_a_secret_that_cannot_be_used_goes_to_the_operator_at_once():
    with peer() as agency:
        error = refused(agency.url, secret="whsec_")
        assert not agency.arrivals
    assert error.permanent and "secret" in error.reason


def test_the_same_session_goes_on_after_a_failure():
    async def twice(agency):
        target, outgoing = target_of(), Outgoing("k", "create", {}, agency.url)
        async with wire.open_session(target) as session:
            with pytest.raises(NotSent):
                await HttpJson().send(session, target, outgoing)
            return await HttpJson().send(session, target, outgoing)

    with peer(in_turn(_abort, receipt)) as agency:
        assert asyncio.run(twice(agency)).receipt == "R-k"
        assert agency.keys == ["k", "k"]
