"""The formats feeds speak, one folder each. A new one is a folder and a line here."""

from __future__ import annotations

from typing import Final

from linkage.feeds.agency_request import AgencyRequest
from linkage.feeds.base import Feed, NotADocument
from linkage.feeds.cap import Cap
from linkage.feeds.disaster_message import DisasterMessage
from linkage.feeds.emergency_bell import EmergencyBell
from linkage.feeds.events_json import EventsJson
from linkage.feeds.gtfs_rt import GtfsRt
from linkage.feeds.its import Its
from linkage.feeds.kisa_vms import KisaVms
from linkage.feeds.mapped_json import MappedJson
from linkage.feeds.montgomery_911 import Montgomery911
from linkage.feeds.mqtt import Mqtt
from linkage.feeds.ucri2 import Ucri2
from linkage.feeds.utic import Utic
from linkage.feeds.weather import Weather

FEEDS: Final[dict[str, Feed]] = {
    feed.name: feed
    for feed in (
        AgencyRequest(),
        Cap(),
        EmergencyBell(),
        KisaVms(),
        DisasterMessage(),
        GtfsRt(),
        Utic(),
        Weather(),
        Its(),
        Montgomery911(),
        EventsJson(),
        MappedJson(),
        Ucri2(),
    )
}
FEEDS[Mqtt.name] = Mqtt(dict(FEEDS))  # last: its payloads may be in any of those before it


def recognise(document: bytes) -> Feed:
    """The format of a document. Raises NotADocument naming those there are."""
    for feed in FEEDS.values():
        if feed.recognises(document):
            return feed
    raise NotADocument(f"No known format; there are: {', '.join(FEEDS)}.")
