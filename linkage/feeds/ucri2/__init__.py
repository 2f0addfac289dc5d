"""A partner's incident, handed over in UCRI2's app incident_transfer (docs/transports/ucri2.md).

A document is an envelope as it lay in our mailbox, or a list of them. The envelope's `messageId` is the event's id,
its `sharedIncidentId` the subject. Listening reads the whole mailbox: answers to our own relays come there, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from linkage.feeds.base import EventDocument, Feed, Link, NotADocument, NotUsable, Record, Reporter, Take
from linkage.feeds.ucri2.kinds import code_of
from linkage.transports.ucri2 import mailbox
from linkage.transports.ucri2.envelope import NotUnderstood, Received, opened
from linkage.transports.ucri2.messages import TRANSFER, moment_in, shared_id, text_in

SUMMARY_AT_MOST: Final = 500
ADDRESS_AT_MOST: Final = 300
REMARKS_AT_MOST: Final = 20
_STREET: Final = ("street", "houseNumber")
_TOWN: Final = ("postalCode", "city", "cityDistrict")


class Ucri2(Feed):
    """Reads `incident` messages; the other messages of the mailbox are no events."""

    name = "ucri2"
    title = {"ko": "UCRI2 상황실 연계", "en": "UCRI2 control-room relay"}
    unit = "message"
    reporter = Reporter("ucri2", "UCRI2 상황실", "UCRI2 control room")
    listens = True

    def recognises(self, document: bytes) -> bool:
        """JSON with an envelope's names near its start."""
        start = document.lstrip()[:4000]
        return start[:1] in (b"{", b"[") and b'"messageId"' in start and b'"sequenceId"' in start

    def records(self, document: bytes) -> Iterator[Record]:
        """The envelopes in order. Raises NotADocument."""
        try:
            found = orjson.loads(document)
        except orjson.JSONDecodeError as error:
            raise NotADocument(f"not JSON in UTF-8: {error}") from error
        for position, raw in enumerate(found if isinstance(found, list) else [found], 1):
            yield Record(position, raw)

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """The incident in an envelope as an event. Raises NotUsable."""
        if not isinstance(raw, dict):
            raise NotUsable("an envelope is an object")
        try:
            return _event(opened(raw), link)
        except NotUnderstood as error:
            raise NotUsable(str(error)) from error

    async def listen(self, link: Link, take: Take) -> None:
        """Reads the mailbox until cancelled; see `linkage.transports.ucri2.mailbox.attend`."""
        await mailbox.attend(link, take)


def _event(received: Received, link: Link | None) -> EventDocument:
    app, schema, data = received.message
    if (app, schema) != (TRANSFER, "incident"):
        raise NotUsable(f"the message {schema:.60} of the app {app:.60} is no incident")
    place = _part(data, "missionLocation")
    point = _part(place, "coordinate")
    marks = [one for one in _list(data, "classifications") if isinstance(one, str)]
    words = [text_in(data, "issue"), text_in(data, "additionalInformation")]
    started = "startTimestamp" if data.get("startTimestamp") else "sentByDispatcherAt"
    return {
        "id": str(received.message_id),
        "subject": str(shared_id(data)),
        "code": code_of(marks, words, link.options if link else {}),
        "occurred_at": moment_in(data, started).isoformat(),
        "lat": point.get("lat"),
        "lon": point.get("lon"),
        "summary": " · ".join(one for one in [*words, *_inside(place)] if one)[:SUMMARY_AT_MOST],
        "address": _address(_part(place, "address"))[:ADDRESS_AT_MOST],
        # Where the case's own statuses go: to the module, as acknowledgement and completion.
        "attributes": {**_attributes(received, data, marks), "callback_url": link.endpoint if link else ""},
    }


def _attributes(received: Received, data: Mapping[str, Any], marks: list[str]) -> dict[str, Any]:
    """What an event has no field for. Of whoever reported it only a masked telephone number stays: the partner
    knows the rest."""
    callers = [_masked(text_in(one, "phone")) for one in _list(data, "informers") if isinstance(one, dict)]
    remarks = [text_in(one, "message") for one in _list(data, "protocolRemarks") if isinstance(one, dict)]
    found = {
        "internal_id": text_in(data, "internalId")[:200],
        "source_oid": received.source,
        "classifications": [one[:60] for one in marks[:REMARKS_AT_MOST]],
        "flashing_lights": data.get("flashingLights") if isinstance(data.get("flashingLights"), bool) else None,
        "caller_tel_masked": next((one for one in callers if one), ""),
        "remarks": [one[:SUMMARY_AT_MOST] for one in remarks[:REMARKS_AT_MOST]],
    }
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def _masked(phone: str) -> str:
    """A telephone number without its middle digits."""
    digits = "".join(one for one in phone if one.isdigit())
    return f"{digits[:3]}-****-{digits[-4:]}" if len(digits) >= 9 else ""


def _address(address: Mapping[str, Any]) -> str:
    parts = [" ".join(text_in(address, name) for name in names if text_in(address, name)) for names in (_STREET, _TOWN)]
    return ", ".join(one for one in parts if one)


def _inside(place: Mapping[str, Any]) -> Iterator[str]:
    """Where exactly: the building, its floor and room, and what else the sender says of the place."""
    for name in ("superiorObject", "object"):
        yield text_in(_part(place, name), "name")
    yield from (text_in(place, name) for name in ("floor", "room", "additionalInformation"))


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    found = data.get(name)
    return found if isinstance(found, list) else []
