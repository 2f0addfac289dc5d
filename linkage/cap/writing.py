"""A message put down as CAP 1.2. What is written fits the standard's schema: times with an offset, never Z."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree

from linkage.cap.model import NAMESPACE, Alert, Area, Circle, Info, Named, Position, Reference

KOREAN_TIME: Final = ZoneInfo("Asia/Seoul")
CONTENT_TYPE: Final = "application/cap+xml"
# What XML 1.0 cannot hold, not even escaped.
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(alert: Alert) -> bytes:
    """The document, in UTF-8. The same message always gives the same bytes."""
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    _texts(root, ("identifier", alert.identifier), ("sender", alert.sender), ("sent", moment(alert.sent)))
    _texts(root, ("status", alert.status), ("msgType", alert.message_type), ("source", alert.source))
    _texts(root, ("scope", alert.scope), ("restriction", alert.restriction), ("addresses", alert.addresses))
    _texts(root, *(("code", one) for one in alert.codes), ("note", alert.note))
    _texts(root, ("references", " ".join(map(reference, alert.references))), ("incidents", alert.incidents))
    for info in alert.infos:
        _info(root, info)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)  # type: ignore[no-any-return]


def moment(at: datetime) -> str:
    """A time as CAP wants it, in Korean time."""
    return at.astimezone(KOREAN_TIME).isoformat(timespec="seconds")


def reference(to: Reference) -> str:
    """A message's identity as another one quotes it."""
    return f"{to.sender},{to.identifier},{moment(to.sent)}"


def _texts(parent: etree._Element, *pairs: tuple[str, str]) -> None:
    """Children with text; those without any are left out."""
    for name, text in pairs:
        if text:
            etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = _UNWRITABLE.sub("", text)


def _info(root: etree._Element, info: Info) -> None:
    node = etree.SubElement(root, f"{{{NAMESPACE}}}info")
    _texts(node, ("language", info.language), *(("category", one) for one in info.categories), ("event", info.event))
    _texts(node, *(("responseType", one) for one in info.responses), ("urgency", info.urgency))
    _texts(node, ("severity", info.severity), ("certainty", info.certainty), ("audience", info.audience))
    _named(node, "eventCode", info.event_codes)
    times = (("effective", info.effective), ("onset", info.onset), ("expires", info.expires))
    _texts(node, *((name, moment(at)) for name, at in times if at))
    _texts(node, ("senderName", info.sender_name), ("headline", info.headline), ("description", info.description))
    _texts(node, ("instruction", info.instruction), ("web", info.web), ("contact", info.contact))
    _named(node, "parameter", info.parameters)
    for area in info.areas:
        _area(node, area)


def _named(parent: etree._Element, name: str, pairs: Iterable[Named]) -> None:
    for one in pairs:
        node = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        for tag, text in (("valueName", one.name), ("value", one.value)):
            etree.SubElement(node, f"{{{NAMESPACE}}}{tag}").text = _UNWRITABLE.sub("", text)


def _area(parent: etree._Element, area: Area) -> None:
    node = etree.SubElement(parent, f"{{{NAMESPACE}}}area")
    _texts(node, ("areaDesc", area.description))
    _texts(node, *(("polygon", " ".join(map(_position, one))) for one in area.polygons))
    _texts(node, *(("circle", _circle(one)) for one in area.circles))
    _named(node, "geocode", area.geocodes)


def _circle(circle: Circle) -> str:
    return f"{_position(circle.centre)} {circle.radius_km:g}"


def _position(position: Position) -> str:
    return f"{position.lat:.6f},{position.lon:.6f}"
