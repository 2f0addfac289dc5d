"""The link to a broker: a persistent session, and nothing acknowledged before it is in PostgreSQL.

The broker keeps for our client id what is published while we are away, and sends again whatever we have not
acknowledged (MQTT 5 §4.4): at least once. Events have identities, so a repeat changes nothing. A connection that is
lost ends `listen` with an exception; the collector opens it again after growing pauses.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiomqtt
import orjson
import structlog
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from linkage.feeds.base import Link, NotADocument, Take
from linkage.network import PinnedResolver, parse_networks

log = structlog.get_logger(__name__)

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
PROTOCOLS: Final = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
QOS: Final = 1
FAILURE: Final = 128  # SUBACK reason codes from here on are refusals
SESSION_SECONDS: Final = 7 * 86_400  # how long the broker keeps our messages while we are away
TOGETHER: Final = 50  # unacknowledged messages, and so what one transaction takes in
PAYLOAD_LIMIT: Final = 256 * 1024
BEGINNING: Final = 4 * 1024  # what is kept of a longer one
# Beyond this a broker sends nothing (MQTT 5 §3.1.2.11.4): what cannot be held in memory is not taken in.
PACKET_LIMIT: Final = 1024 * 1024
# Some brokers (mosquitto 2.0.11) send far more than they may before the acknowledgements: then we stop reading.
WAITING_AT_MOST: Final = 4 * TOGETHER
KEEPALIVE_SECONDS: Final = 15
DEADLINE_SECONDS: Final = 10.0  # connecting
SUBSCRIBE_SECONDS: Final = 600.0  # the answer stands behind whatever the session has kept
IDLE_SECONDS: Final = 15.0  # so often a silent connection is said to stand
ENVELOPE_TYPE: Final = "application/json"


class BadSettings(ValueError):
    """The system's settings name no broker or no topics; the message says what to write."""


@dataclass(frozen=True)
class Broker:
    """Where and how to connect."""

    host: str
    port: int
    secure: bool
    topics: tuple[str, ...]
    client_id: str
    username: str | None
    password: str | None
    protocol: aiomqtt.ProtocolVersion
    ca_file: str | None

    @classmethod
    def of(cls, link: Link) -> Broker:
        """The broker of a link. Raises BadSettings."""
        scheme, host, port = _endpoint(link.endpoint)
        topics = link.options.get("topics")
        if not isinstance(topics, list) or not topics or not all(isinstance(one, str) and one for one in topics):
            raise BadSettings('name the topics in the settings: {"topics": ["city/bells/#"]}')
        protocol = PROTOCOLS.get(str(link.options.get("protocol", "5")))
        if protocol is None:
            raise BadSettings(f"protocol is one of {', '.join(PROTOCOLS)}")
        digest = hashlib.sha256("\x1f".join([link.endpoint, *topics]).encode()).hexdigest()[:16]
        username = _text(link, "username")
        return cls(
            host, port, scheme == "mqtts", tuple(topics), _text(link, "client_id") or f"ocenter-{digest}", username,
            link.secret or None if username else None, protocol, _text(link, "ca_file"),
        )  # fmt: skip


class Connection(aiomqtt.Client):
    """A client that acknowledges only what it is told to, and connects to one checked address.

    aiomqtt offers neither. paho, under it, does: acknowledging by hand is its public interface, and where a socket
    goes is one method of it. The name stays in place for the certificate's sake.
    """

    def __init__(self, broker: Broker, address: str) -> None:
        latest = broker.protocol is aiomqtt.ProtocolVersion.V5
        super().__init__(
            broker.host, broker.port, username=broker.username, password=broker.password, identifier=broker.client_id,
            protocol=broker.protocol, clean_session=None if latest else False,
            clean_start=False if latest else MQTT_CLEAN_START_FIRST_ONLY,  # paho refuses any other for 3.1.1
            timeout=DEADLINE_SECONDS, keepalive=KEEPALIVE_SECONDS, properties=_properties() if latest else None,
            tls_context=ssl.create_default_context(cafile=broker.ca_file) if broker.secure else None,
        )  # fmt: skip
        self._client.manual_ack_set(True)
        self._client._create_socket_connection = lambda: socket.create_connection(  # type: ignore[method-assign]
            (address, broker.port), timeout=DEADLINE_SECONDS
        )
        self._coming: asyncio.Task[aiomqtt.Message] | None = None
        self._is_held = False

    async def gather(self, idle_s: float, until: asyncio.Task[Any] | None = None) -> list[aiomqtt.Message]:
        """What is waiting, at most `TOGETHER`; none after `idle_s` seconds of silence, or once `until` is done.
        Raises aiomqtt.MqttError."""
        # The task outlives a silence: cancelling it could drop a message between the queue and us.
        self._coming = self._coming or asyncio.create_task(self.messages.__anext__())
        watched = {self._coming, until} if until else {self._coming}
        await asyncio.wait(watched, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        if not self._coming.done():
            return []
        coming, self._coming = self._coming, None
        found = [coming.result()]
        while len(found) < TOGETHER and len(self.messages):
            found.append(await anext(self.messages))
        if self._is_held and len(self.messages) <= TOGETHER:
            self._read_on()
        return found

    def acknowledge(self, messages: Sequence[aiomqtt.Message]) -> None:
        """Tells the broker that it may forget them. Raises aiomqtt.MqttError where it cannot be told."""
        for one in messages:
            if code := self._client.ack(one.mid, one.qos):
                raise aiomqtt.MqttCodeError(code, "Could not acknowledge")

    def end(self) -> None:
        """Stops waiting for a message."""
        if self._coming is not None:
            self._coming.cancel()

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        super()._on_message(client, userdata, message)
        if len(self.messages) >= WAITING_AT_MOST and not self._is_held:
            # Unread, the rest waits in the network and then at the broker, and not in our memory.
            self._is_held = True
            self._loop.remove_reader(client.socket().fileno())

    def _read_on(self) -> None:
        self._is_held = False
        if (link := self._client.socket()) is not None:
            self._loop.add_reader(link.fileno(), self._read)
            self._loop.call_soon(self._read)  # TLS may have decoded bytes that the socket no longer announces

    def _read(self) -> None:
        try:
            self._client.loop_read()
        except Exception as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)


async def listen(link: Link, take: Take) -> None:
    """Takes messages in until cancelled. Raises BadSettings, OSError (address not allowed) or aiomqtt.MqttError."""
    broker = Broker.of(link)
    found = await PinnedResolver(parse_networks(link.allowed_network)).resolve(broker.host, broker.port)
    async with Connection(broker, found[0]["host"]) as client:
        # Meanwhile what the session has kept arrives already, and stands before the answer.
        subscribing = asyncio.create_task(_subscribe(client, broker))
        try:
            while not subscribing.done():
                await _take_in(client, take, await client.gather(IDLE_SECONDS, subscribing))
            await subscribing
            log.info("mqtt.connected", host=broker.host, topics=broker.topics)
            while True:
                # Also when there are none: an empty envelope says that the connection stands.
                await _hand_over([], take)
                while messages := await client.gather(IDLE_SECONDS):
                    await _take_in(client, take, messages)
        finally:
            subscribing.cancel()
            client.end()


async def _take_in(client: Connection, take: Take, messages: Sequence[aiomqtt.Message]) -> None:
    if messages:
        await _hand_over(messages, take)
        client.acknowledge(messages)


async def _hand_over(messages: Sequence[aiomqtt.Message], take: Take) -> None:
    """Raises where nothing may have been stored: then nothing is acknowledged either."""
    try:
        await take(orjson.dumps({"messages": [_enveloped(one) for one in messages]}), ENVELOPE_TYPE)
    except NotADocument:
        # It is in quarantine, whole; sent again, it would be no more readable and hold up those behind it.
        log.warning("mqtt.envelope_quarantined", messages=len(messages))


async def _subscribe(client: Connection, broker: Broker) -> None:
    if broker.protocol is aiomqtt.ProtocolVersion.V5:
        # Retained messages once, with a new subscription, and not at every reconnection.
        options = SubscribeOptions(qos=QOS, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB, retainAsPublished=False)
        answers = await client.subscribe([(one, options) for one in broker.topics], timeout=SUBSCRIBE_SECONDS)
    else:
        answers = await client.subscribe([(one, QOS) for one in broker.topics], timeout=SUBSCRIBE_SECONDS)
    refused = [one for one, said in zip(broker.topics, answers, strict=True) if _code(said) >= FAILURE]
    if refused:
        raise aiomqtt.MqttError(f"the broker refuses the topics {', '.join(refused)}")


def _code(said: Any) -> int:
    return int(getattr(said, "value", said))


def _properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_SECONDS
    properties.ReceiveMaximum = TOGETHER
    properties.MaximumPacketSize = PACKET_LIMIT
    return properties


def _enveloped(message: aiomqtt.Message) -> dict[str, Any]:
    payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
    found: dict[str, Any] = {"topic": str(message.topic)}
    if message.retain:
        found["retained"] = True
    if len(payload) > PAYLOAD_LIMIT:
        found["size"], payload = len(payload), payload[:BEGINNING]
    try:
        found["payload"] = payload.decode()
    except UnicodeDecodeError:
        found["payload_base64"] = base64.b64encode(payload).decode()
    return found


def _endpoint(text: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in PORTS or not host:
        raise BadSettings("the endpoint is mqtt://host:port, or mqtts://host:port for TLS")
    return scheme, host, port or PORTS[scheme]


def _text(link: Link, name: str) -> str | None:
    value = link.options.get(name)
    return value if isinstance(value, str) and value else None
