"""MQTT: events published to a broker, read by whichever JSON format their payloads are in.

`connection` holds the link to the broker and hands over envelopes, `{"messages": [{"topic", "payload"}]}`: what was
waiting, together, so that one transaction takes it in. Here the envelope is opened and each payload given to the
format that `options["payload_format"]` names (`mapped_json` by default). A payload that format cannot read spoils no
other: it is kept in quarantine with its topic, and acknowledged.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from linkage.feeds.base import EventDocument, Feed, Link, NotADocument, NotUsable, Record, Reporter, Take
from linkage.feeds.mqtt import connection

DEFAULT_FORMAT: Final = "mapped_json"
# Of one payload: an envelope of the most messages stays below what the intake takes of one document.
RECORDS_AT_MOST: Final = 300


class Mqtt(Feed):
    """Listens to a broker. `formats` are those a payload may be in."""

    name = "mqtt"
    title = {"ko": "MQTT 수신", "en": "MQTT"}
    unit = "message"
    reporter = Reporter("mqtt", "MQTT 연계", "MQTT feed")
    listens = True
    is_mapped = True

    def __init__(self, formats: Mapping[str, Feed]) -> None:
        self._formats = formats

    def records(self, document: bytes) -> Iterator[Record]:
        """Nothing: what format the payloads are in, the link's settings say (`split`). Raises NotADocument."""
        raise NotADocument("this format needs the settings of its linked system")

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The payloads' records; a payload that gives none is a record that cannot be used. Raises NotADocument."""
        for position, message in enumerate(_messages(document), 1):
            try:
                found = self._inside(message, link)
            except NotUsable:
                yield Record(position, message)
                continue
            for place, raw in enumerate(found):
                yield Record(position, _Opened(message if len(found) == 1 else {**message, "record": place}, raw))

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """One record of a payload as an event, its topic among the attributes. Raises NotUsable."""
        if link is None or not isinstance(raw, dict):
            raise NotUsable("no message, or no settings to read it by")
        inner = raw.raw if isinstance(raw, _Opened) else self._pick(raw, link)
        event = self._read(inner, link)
        marks = {"mqtt_topic": str(raw.get("topic", "")), **({"mqtt_retained": True} if raw.get("retained") else {})}
        return {**event, "attributes": {**event.get("attributes", {}), **marks}}

    async def listen(self, link: Link, take: Take) -> None:
        """Takes from the broker until cancelled or cut off; see `connection.listen`."""
        self._format(link)
        await connection.listen(link, take)

    def _format(self, link: Link) -> Feed:
        name = link.options.get("payload_format", DEFAULT_FORMAT)
        if name not in self._formats:
            raise NotUsable(f"payload_format is {name!r}, none of {', '.join(self._formats)}")
        return self._formats[name]

    def _inside(self, message: Any, link: Link) -> list[Any]:
        """The payload's raw records. Raises NotUsable."""
        feed, payload = self._format(link), _payload(message)
        try:
            found = [one.raw for one in itertools.islice(feed.split(payload, link), RECORDS_AT_MOST + 1)]
        except NotADocument as error:
            raise NotUsable(str(error)) from error
        except Exception as error:
            # Whatever a payload does to its format, it must not stop those behind it in the broker's queue.
            raise NotUsable(f"the format {feed.name} failed: {error!r}") from error
        if len(found) > RECORDS_AT_MOST:
            raise NotUsable(f"more than {RECORDS_AT_MOST} records in one message")
        return found

    def _pick(self, message: dict[str, Any], link: Link) -> Any:
        """The record of a message that comes back from quarantine."""
        found, place = self._inside(message, link), message.get("record", 0)
        if not isinstance(place, int) or not 0 <= place < len(found):
            raise NotUsable("the payload holds no such record")
        return found[place]

    def _read(self, raw: Any, link: Link) -> EventDocument:
        feed = self._format(link)
        try:
            return feed.normalise(raw, link)
        except NotUsable:
            raise
        except Exception as error:
            raise NotUsable(f"the format {feed.name} failed: {error!r}") from error  # as above


class _Opened(dict[str, Any]):
    """A message with one record of its payload, so that reading it does not open the payload again."""

    def __init__(self, message: Mapping[str, Any], raw: Any) -> None:
        super().__init__(message)
        self.raw = raw


def _messages(document: bytes) -> list[Any]:
    try:
        found = json.loads(document)["messages"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotADocument(f"No envelope of messages: {error!r}") from error
    if not isinstance(found, list):
        raise NotADocument('"messages" is no list')
    return found


def _payload(message: Any) -> bytes:
    """What was published. Raises NotUsable where it was empty, or too long to be kept whole."""
    if not isinstance(message, dict):
        raise NotUsable("a message is an object")
    if message.get("size"):
        raise NotUsable(f"a payload of {message['size']} bytes; at most {connection.PAYLOAD_LIMIT} are read")
    try:
        text = message.get("payload")
        found = text.encode() if isinstance(text, str) else base64.b64decode(message["payload_base64"], validate=True)
    except (KeyError, TypeError, UnicodeEncodeError, binascii.Error) as error:
        raise NotUsable(f"no payload: {error!r}") from error
    if not found:
        raise NotUsable("an empty payload")
    return found
