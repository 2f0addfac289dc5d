"""MQTT against a real broker: nothing acknowledged before it is stored, nothing lost while we are away."""

import asyncio
import json
from datetime import datetime

import aiomqtt
import pytest

from linkage.feeds import FEEDS
from linkage.feeds.base import Feed, Link, NotADocument, NotUsable
from linkage.feeds.events_json import EventsJson
from linkage.feeds.mqtt import Mqtt, connection
from linkage.network import AddressNotAllowed
from tests.linkage.brokers import Broker, make_certificate, needs_mosquitto

NOW = datetime.fromisoformat("2026-11-23T12:00:00+09:00")
PATIENCE = 10


def event(name, **more):
    return {"id": name, "code": "BEL-01", "occurred_at": "2026-11-23T11:59:00+09:00", "lat": 36.35, "lon": 127.38, **more}


def link_to(endpoint="mqtt://127.0.0.1:1", secret="", **options):
    settings = {"topics": ["city/#"], "client_id": "centre", "payload_format": "events_json", **options}
    return Link(endpoint, NOW, secret, options=settings, allowed_network="127.0.0.0/8")


class Fragile(Feed):
    """A format with a fault of its own."""

    name = "fragile"

    def records(self, document):
        raise ZeroDivisionError(document)


MQTT = Mqtt({"events_json": EventsJson(), "fragile": Fragile()})


def envelope(*messages):
    return json.dumps({"messages": list(messages)}).encode()


def message(payload, topic="city/bells/1", **more):
    return {"topic": topic, "payload": payload if isinstance(payload, str) else json.dumps(payload), **more}


def read(*messages, **options):
    """Each record's event, or why it is none."""
    link, found = link_to(**options), []
    for record in MQTT.split(envelope(*messages), link):
        try:
            found.append(MQTT.normalise(record.raw, link))
        except NotUsable as error:
            found.append(str(error))
    return found


class TestEnvelopes:
    def test_a_payload_becomes_an_event_with_its_topic(self):
        (one,) = read(message(event("e-1", attributes={"battery": 80}), retained=True))
        assert one["id"] == "e-1"
        assert one["attributes"] == {"battery": 80, "mqtt_topic": "city/bells/1", "mqtt_retained": True}

    def test_poison_spoils_only_itself(self):
        good, broken, binary, empty, long, more = read(
            message(event("e-1")), message('{"id": '), {"topic": "t", "payload_base64": "/wD+"}, message(""),
            message("x" * 10, size=900_000), message(event("e-2")),
        )  # fmt: skip
        assert (good["id"], more["id"]) == ("e-1", "e-2")
        assert "no JSON" in broken and "an empty payload" in empty and "900000 bytes" in long and isinstance(binary, str)

    def test_a_payload_of_several_records_gives_each_and_too_many_give_none(self):
        payload = [event("e-1"), {"id": "no"}, event("e-3")]
        first, second, third = read(message(payload))
        assert (first["id"], third["id"]) == ("e-1", "e-3") and "an event needs" in second
        assert read(message([event(f"e-{n}") for n in range(301)])) == ["more than 300 records in one message"]

    def test_a_record_from_quarantine_reads_as_it_did(self):
        link = link_to()
        for record in MQTT.split(envelope(message([event("e-1"), event("e-2")]), message(event("e-3"))), link):
            stored = json.loads(json.dumps(record.raw))
            assert MQTT.normalise(stored, link) == MQTT.normalise(record.raw, link)

    def test_payloads_may_be_in_the_format_of_the_bells(self):
        link = link_to(payload_format="emergency_bell")
        press = message({"bell_no": "B-1", "at": "20261123115900250"}, topic="city/bells/B-1")
        (record,) = FEEDS["mqtt"].split(envelope(press), link)
        found = FEEDS["mqtt"].normalise(record.raw, link)
        assert (found["code"], found["device_id"], found["occurred_at"]) == ("BEL-01", "B-1", "2026-11-23T11:59:00.250000+09:00")
        assert found["attributes"] == {"kind": "press", "mqtt_topic": "city/bells/B-1"}

    def test_a_format_that_fails_is_no_reason_to_stop(self):
        (why,) = read(message(event("e-1")), payload_format="fragile")
        assert "the format fragile failed" in why

    def test_what_is_no_envelope_is_no_document(self):
        with pytest.raises(NotADocument):
            list(MQTT.split(b'{"id": 1}', link_to()))
        assert list(MQTT.split(envelope(), link_to())) == []

    @pytest.mark.parametrize(
        ("endpoint", "options", "why"),
        [
            ("http://127.0.0.1", {}, "mqtt://host:port"),
            ("mqtt://127.0.0.1:99999", {}, "mqtt://host:port"),
            ("mqtt://127.0.0.1", {"topics": []}, "name the topics"),
            ("mqtt://127.0.0.1", {"protocol": "4"}, "protocol is one of 5, 3.1.1"),
            ("mqtt://127.0.0.1", {"payload_format": "none"}, "none of events_json"),
        ],
    )
    async def test_settings_that_cannot_work_say_what_to_write(self, endpoint, options, why):
        with pytest.raises(ValueError, match=why):
            await MQTT.listen(link_to(endpoint, **options), None)


class Intake:
    """A `take` that keeps what it is given. `answer(messages)` may wait or raise before it is kept."""

    def __init__(self, answer=None):
        self.messages, self.envelopes, self._answer = [], 0, answer
        self._news = asyncio.Event()

    async def __call__(self, document, content_type):
        found = json.loads(document)["messages"]
        self.envelopes += 1
        self._news.set()
        if self._answer is not None and found:
            await self._answer(found)
        self.messages += found
        self._news.set()
        return {"accepted": len(found), "duplicates": 0, "rejected": 0, "results": []}

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition(self):
                self._news.clear()
                await self._news.wait()

    def has(self, *payloads):
        return self.until(lambda one: set(payloads) <= {said.get("payload") for said in one.messages})

    @property
    def payloads(self):
        return [one.get("payload") for one in self.messages]


@pytest.fixture
def broker(tmp_path):
    one = Broker(tmp_path).start()
    try:
        yield one
    finally:
        one.stop()


class Listening:
    """A listener that ends with the block; `error` is why it ended by itself."""

    def __init__(self, broker, answer=None, **options):
        self.intake, self.error = Intake(answer), None
        self._link = link_to(broker.endpoint, **options)

    async def __aenter__(self):
        self._task = asyncio.create_task(MQTT.listen(self._link, self.intake))
        connected = asyncio.create_task(self.intake.until(lambda one: one.envelopes))
        await asyncio.wait({self._task, connected}, return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.wait({self._task})

    async def ends(self):
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self._task})
        return self._task.exception()


both_protocols = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


@needs_mosquitto
class TestBroker:
    @both_protocols
    async def test_what_was_not_stored_comes_again_and_what_was_does_not(self, broker, protocol):
        async def never(messages):
            if any(one["payload"] == "second" for one in messages):
                await asyncio.Event().wait()

        with broker.publisher() as publish:
            async with Listening(broker, never, protocol=protocol) as first:
                await asyncio.to_thread(publish, "city/a", "first")
                await first.intake.has("first")
                await asyncio.to_thread(publish, "city/a", "second")
            await asyncio.to_thread(publish, "city/b", "while away")
            async with Listening(broker, protocol=protocol) as again:
                await again.intake.has("second", "while away")
        assert again.intake.payloads == ["second", "while away"]
        assert again.intake.messages[1]["topic"] == "city/b"

    async def test_a_failed_store_ends_the_connection_and_is_not_acknowledged(self, broker):
        async def refuse(messages):
            raise RuntimeError("the database is away")

        with broker.publisher() as publish:
            async with Listening(broker, refuse) as first:
                await asyncio.to_thread(publish, "city/a", "x")
                assert "the database is away" in str(await first.ends())
            async with Listening(broker) as again:
                await again.intake.has("x")

    async def test_a_broken_envelope_holds_up_nothing(self, broker):
        async def poison(messages):
            if messages[0]["payload"] == "poison":
                raise NotADocument("kept in quarantine")

        with broker.publisher() as publish:
            async with Listening(broker, poison) as first:
                await asyncio.to_thread(publish, "city/a", "poison")
                await first.intake.until(lambda one: one.envelopes == 2)
                await asyncio.to_thread(publish, "city/a", "good")
                await first.intake.has("good")
            async with Listening(broker) as again:
                await asyncio.to_thread(publish, "city/a", "after")
                await again.intake.has("after")
        assert again.intake.payloads == ["after"]

    async def test_a_long_payload_is_cut_and_one_beyond_all_bounds_never_sent(self, broker):
        with broker.publisher() as publish:
            async with Listening(broker) as first:
                await asyncio.to_thread(publish, "city/a", b"L" * (connection.PAYLOAD_LIMIT + 1))
                await asyncio.to_thread(publish, "city/a", b"H" * (connection.PACKET_LIMIT + 1))
                await asyncio.to_thread(publish, "city/a", b"\xff\x00")
                await first.intake.until(lambda one: len(one.messages) == 2)
        long, binary = first.intake.messages
        assert (long["size"], len(long["payload"])) == (connection.PAYLOAD_LIMIT + 1, connection.BEGINNING)
        assert binary["payload_base64"] == "/wA="

    async def test_a_retained_message_comes_once_and_says_that_it_is_old(self, broker):
        with broker.publisher() as publish:
            await asyncio.to_thread(publish, "city/a", "state", True)
            async with Listening(broker) as first:
                await first.intake.has("state")
            async with Listening(broker) as again:
                await asyncio.to_thread(publish, "city/a", "live")
                await again.intake.has("live")
        assert first.intake.messages[0]["retained"] is True
        assert again.intake.payloads == ["live"] and "retained" not in again.intake.messages[0]

    async def test_a_hundred_messages_are_taken_together_and_in_order(self, broker):
        async with Listening(broker):
            pass
        with broker.publisher() as publish:
            for number in range(100):
                await asyncio.to_thread(publish, "city/a", str(number))
        async with Listening(broker) as again:
            await again.intake.until(lambda one: len(one.messages) == 100)
        assert again.intake.payloads == [str(number) for number in range(100)]
        assert again.intake.envelopes <= 12

    async def test_a_broker_that_sends_without_waiting_does_not_fill_our_memory(self, broker, monkeypatch):
        waiting = []
        arrive = connection.Connection._on_message

        def counted(client, *args):
            arrive(client, *args)
            waiting.append(len(client.messages))

        async def slow(messages):
            await asyncio.sleep(0.005)

        monkeypatch.setattr(connection.Connection, "_on_message", counted)
        async with Listening(broker):
            pass
        with broker.publisher() as publish:
            for number in range(1_500):
                await asyncio.to_thread(publish, "city/a", str(number))
        async with Listening(broker, slow) as again:
            await again.intake.until(lambda one: len(one.messages) == 1_500)
        assert again.intake.payloads == [str(number) for number in range(1_500)]
        assert max(waiting) <= connection.WAITING_AT_MOST + 1

    async def test_a_backlog_sent_before_the_subscription_is_answered_holds_up_nothing(self, broker, monkeypatch):
        monkeypatch.setattr(connection, "WAITING_AT_MOST", 5)
        async with Listening(broker):
            pass
        with broker.publisher() as publish:
            for number in range(200):
                await asyncio.to_thread(publish, "city/a", str(number))
            async with Listening(broker) as again:
                await again.intake.until(lambda one: len(one.messages) == 200)
                await asyncio.to_thread(publish, "city/b", "live")
                await again.intake.has("live")

    async def test_a_broker_that_dies_ends_it_and_what_it_kept_comes_when_it_is_back(self, broker):
        async with Listening(broker) as first:
            broker.stop()
            assert isinstance(await first.ends(), aiomqtt.MqttError)
        async with Listening(broker) as refused:
            assert "refused" in str(await refused.ends())
        broker.start()
        with broker.publisher() as publish:
            await asyncio.to_thread(publish, "city/a", "kept")
        broker.stop()
        broker.start()
        async with Listening(broker) as again:
            await again.intake.has("kept")

    async def test_an_account_is_used_and_a_wrong_one_told(self, tmp_path):
        one = Broker(tmp_path, user="centre", password="right").start()
        try:
            with pytest.raises(aiomqtt.MqttError, match="(?i)not authori"):
                await MQTT.listen(link_to(one.endpoint, "wrong", username="centre"), Intake())
            intake = Intake()
            task = asyncio.create_task(MQTT.listen(link_to(one.endpoint, "right", username="centre"), intake))
            await intake.until(lambda it: it.envelopes)
            task.cancel()
            await asyncio.wait({task})
        finally:
            one.stop()

    async def test_tls_holds_the_broker_to_its_name_though_the_address_is_pinned(self, tmp_path):
        mine, other = make_certificate(tmp_path / "mine.pem", "localhost"), make_certificate(tmp_path / "other.pem", "elsewhere")
        one = Broker(tmp_path, certificate=mine).start()
        try:
            async with Listening(one, ca_file=str(mine)) as trusted:
                assert trusted.intake.envelopes == 1
            for authority in ("", str(other)):
                async with Listening(one, ca_file=authority) as refused:
                    assert "certificate verify failed" in str(await refused.ends()).lower()
            one.stop()
            one = Broker(tmp_path, certificate=other).start()
            async with Listening(one, ca_file=str(other)) as misnamed:
                assert "mismatch" in str(await misnamed.ends()).lower()
        finally:
            one.stop()

    async def test_a_broker_outside_the_allowed_networks_is_never_connected_to(self, broker):
        link = link_to(broker.endpoint)
        with pytest.raises(AddressNotAllowed):
            await MQTT.listen(Link(link.endpoint, NOW, options=link.options, allowed_network="10.0.0.0/8"), Intake())
