"""A CAP document understood: what the schema asks for, then what the standard says in words.

Strict on purpose. What the standard forbids is refused with every finding named, and whoever keeps the refused
(the quarantine) puts it before people; guessing what a malformed warning meant would put it before nobody.
Signatures are passed over: who a message is from is settled by the feed's key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from linkage.cap import schema
from linkage.cap.model import NAMESPACE, NAMESPACE_1_1, Alert, Area, Circle, Info, Named, Position, Reference
from linkage.cap.xml import Node, NotXml, parse

VERSIONS: Final = {NAMESPACE: "1.2", NAMESPACE_1_1: "1.1"}
CORNERS_AT_LEAST: Final = 4
Shape = TypeVar("Shape")

REFERRING: Final = ("Update", "Cancel", "Ack", "Error")


class NotCap(ValueError):
    """The document is no valid CAP message; `problems` names the elements and what is wrong with each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read(document: bytes) -> Alert:
    """The message. Raises NotCap with everything that is wrong with it."""
    try:
        root = parse(document)
    except NotXml as error:
        raise NotCap([str(error)]) from error
    if root.name != "alert" or root.namespace not in VERSIONS:
        name = f"{{{root.namespace}}}{root.name}"[:200]
        raise NotCap([f"the root is {name}, not alert of {NAMESPACE}"])
    if found := schema.problems(root):
        raise NotCap(found)
    return _Reader(root).alert()


class _Reader:
    """Takes a document that fits the schema apart, and collects what the standard forbids in words."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._problems: list[str] = []

    def alert(self) -> Alert:
        """The message. Raises NotCap."""
        root = self._root
        found = Alert(
            identifier=self._name("identifier"), sender=self._name("sender"), sent=self._moment(root, "sent"),  # type: ignore[arg-type]
            status=_text(root, "status"), message_type=_text(root, "msgType"), scope=_text(root, "scope"),
            source=_text(root, "source"), restriction=_text(root, "restriction"), addresses=_text(root, "addresses"),
            codes=_texts(root, "code"), note=_text(root, "note"), references=self._references(),
            incidents=_text(root, "incidents"), infos=tuple(self._info(node, path) for node, path in _numbered(root, "info")),
            version=VERSIONS[root.namespace],
        )  # fmt: skip
        self._conditions(found)
        if self._problems:
            raise NotCap(self._problems[: schema.PROBLEMS_AT_MOST])
        return found

    def _conditions(self, alert: Alert) -> None:
        if alert.message_type in REFERRING and not alert.references:
            self._wrong("alert/references", f"an {alert.message_type} names the messages it is about")
        if alert.scope == "Restricted" and not alert.restriction:
            self._wrong("alert/restriction", "a Restricted message says what restricts it")
        if alert.scope == "Private" and not alert.addresses:
            self._wrong("alert/addresses", "a Private message names its recipients")

    def _wrong(self, path: str, problem: str) -> None:
        self._problems.append(f"{path}: {problem}")

    def _name(self, name: str) -> str:
        """An identifier or sender: what references could not quote is none (CAP 1.2 §3.2.1)."""
        text = _text(self._root, name)
        if not text:
            self._wrong(f"alert/{name}", "it is empty")
        elif any(one.isspace() or one in ",<&" for one in text):
            self._wrong(f"alert/{name}", "it may hold no space, comma, < or &")
        return text

    def _moment(self, node: Node, name: str) -> datetime | None:
        text = _text(node, name)
        return schema.moment(text, node.namespace) if text else None

    def _references(self) -> tuple[Reference, ...]:
        found = []
        for one in _text(self._root, "references").split():
            sender, _, rest = one.partition(",")
            identifier, _, sent = rest.partition(",")
            try:
                if not sender or not identifier:
                    raise ValueError("write it as sender,identifier,sent")
                found.append(Reference(sender, identifier, schema.moment(sent, self._root.namespace)))
            except ValueError as error:
                self._wrong("alert/references", f"{one[:120]!r} is no reference: {error}")
        return tuple(found)

    def _info(self, node: Node, path: str) -> Info:
        return Info(
            event=_text(node, "event"), categories=_texts(node, "category"), urgency=_text(node, "urgency"),
            severity=_text(node, "severity"), certainty=_text(node, "certainty"),
            language=_text(node, "language") or "en-US", responses=_texts(node, "responseType"),
            audience=_text(node, "audience"), event_codes=_named(node, "eventCode"),
            effective=self._moment(node, "effective"), onset=self._moment(node, "onset"),
            expires=self._moment(node, "expires"), sender_name=_text(node, "senderName"),
            headline=_text(node, "headline"), description=_text(node, "description"),
            instruction=_text(node, "instruction"), web=_text(node, "web"), contact=_text(node, "contact"),
            parameters=_named(node, "parameter"),
            resources=tuple(Named(_text(one, "resourceDesc"), _text(one, "uri")) for one in node.all("resource")),
            areas=tuple(self._area(one, f"{path}/{below}") for one, below in _numbered(node, "area", prefix="")),
        )  # fmt: skip

    def _area(self, node: Node, path: str) -> Area:
        return Area(
            description=_text(node, "areaDesc"),
            polygons=self._shapes(node, "polygon", path, _polygon),
            circles=self._shapes(node, "circle", path, _circle),
            geocodes=_named(node, "geocode"),
        )

    def _shapes(self, node: Node, name: str, path: str, understand: Callable[[str], Shape]) -> tuple[Shape, ...]:
        found = []
        for one in node.all(name):
            try:
                found.append(understand(one.text))
            except ValueError as error:
                self._wrong(f"{path}/{name}", str(error))
        return tuple(found)


def _text(node: Node, name: str) -> str:
    found = node.first(name)
    return found.text.strip() if found else ""


def _texts(node: Node, name: str) -> tuple[str, ...]:
    return tuple(one.text.strip() for one in node.all(name))


def _named(node: Node, name: str) -> tuple[Named, ...]:
    return tuple(Named(_text(one, "valueName"), _text(one, "value")) for one in node.all(name))


def _numbered(node: Node, name: str, *, prefix: str = "alert/") -> list[tuple[Node, str]]:
    """The children of this name with their paths; the first needs no number."""
    found = node.all(name)
    return [(one, f"{prefix}{name}" + (f"[{place}]" if place > 1 else "")) for place, one in enumerate(found, 1)]


def _polygon(text: str) -> tuple[Position, ...]:
    corners = tuple(_position(one) for one in text.split())
    if len(corners) < CORNERS_AT_LEAST:
        raise ValueError(f"a polygon has at least {CORNERS_AT_LEAST} corners; these are {len(corners)}")
    if corners[0] != corners[-1]:
        raise ValueError("a polygon ends where it begins")
    return corners


def _circle(text: str) -> Circle:
    centre, _, radius = text.strip().partition(" ")
    radius_km = _number(radius)
    if not radius_km >= 0:
        raise ValueError(f"{radius[:40]!r} is no radius in kilometres")
    return Circle(_position(centre), radius_km)


def _position(text: str) -> Position:
    lat, _, lon = text.partition(",")
    found = Position(_number(lat), _number(lon))
    if not (-90 <= found.lat <= 90 and -180 <= found.lon <= 180):
        raise ValueError(f"{text[:40]!r} is no position: latitude,longitude in WGS84 degrees")
    return found


def _number(text: str) -> float:
    """The number, or NaN: which lies in no range."""
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan
