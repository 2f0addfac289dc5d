"""The schema of CAP 1.2 in code of our own: which element stands where, how often, and what it may hold.

The standard's XSD would say no more than that a document is invalid in words nobody can act on; here every
finding names its element and the remedy. `tests/linkage/test_cap_schema.py` holds both against each other.
Only addresses (`web`, `uri`) are not judged: a warning is no less true for a broken link in it.
CAP 1.1 is read too: its schema differs in that any time with an offset will do and a resource needs no type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from linkage.cap.model import (
    CATEGORIES,
    CERTAINTIES,
    MESSAGE_TYPES,
    NAMESPACE,
    RESPONSES,
    SCOPES,
    SEVERITIES,
    STATUSES,
    URGENCIES,
)
from linkage.cap.xml import Node

XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
MANY: Final = 10_000
PROBLEMS_AT_MOST: Final = 20
SHOWN: Final = 60  # characters of a wrong value

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[-+](?:0[0-9]|1[0-4]):[0-5][0-9]")
_TIME_1_1: Final = re.compile(_TIME.pattern.replace("[-+]", r"(?:\.[0-9]{1,6}[0-9]*)?(?:Z|[-+]", 1) + ")")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_DECIMAL: Final = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")

# What is wrong with a text, or "".
Check = Callable[[str, str], str]


@dataclass(frozen=True)
class Rule:
    """One element: how often it stands in its parent, and its text or its children."""

    name: str
    least: int = 1
    most: int = 1
    check: Check | None = None
    children: tuple[Rule, ...] = ()


def moment(text: str, namespace: str = NAMESPACE) -> datetime:
    """A time of a CAP message. Raises ValueError saying what is wrong with it."""
    text = " ".join(text.split())
    pattern = _TIME if namespace == NAMESPACE else _TIME_1_1
    if not pattern.fullmatch(text):
        remedy = "write +00:00 in place of Z" if text.endswith("Z") else "write it as in 2026-11-23T20:04:13+09:00"
        raise ValueError(f"{_shown(text)} is no time of CAP; {remedy}")
    try:
        if text[11:19] == "24:00:00":  # the end of a day, in XML Schema
            return datetime.fromisoformat(f"{text[:11]}00{text[13:]}") + timedelta(days=1)
        found = datetime.fromisoformat(text)
        found.timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{_shown(text)} is no time there is: {error}") from None
    if abs(found.utcoffset() or timedelta()) > timedelta(hours=14):
        raise ValueError(f"{_shown(text)} has an offset beyond 14 hours")
    return found


def problems(root: Node) -> list[str]:
    """What is wrong with a document, each with the element it is about; empty where it is valid."""
    found: list[str] = []
    for one in _element(root, _ALERT, "alert", root.namespace):
        found.append(one)
        if len(found) == PROBLEMS_AT_MOST:
            break
    return found


def _element(node: Node, rule: Rule, path: str, namespace: str) -> Iterator[str]:
    for name in node.attributes:
        if not name.startswith(XSI):
            yield f"{path}: there is no attribute {_shown(name)}"
    if rule.children:
        yield from _sequence(node, rule, path, namespace)
    elif node.children:
        yield f"{path}: it holds text, not the element {_shown(node.children[0].name)}"
    elif rule.check and (problem := rule.check(node.text, namespace)):
        yield f"{path}: {problem}"


def _sequence(node: Node, rule: Rule, path: str, namespace: str) -> Iterator[str]:
    if node.text.strip():
        yield f"{path}: text between its elements: {_shown(node.text.strip())}"
    places = {one.name: place for place, one in enumerate(rule.children)}
    counts = dict.fromkeys(places, 0)
    reached, before = 0, ""
    for child in _without_signature(node, rule):
        place = places.get(child.name) if child.namespace == namespace else None
        if place is None:
            yield f"{path}: there is no element {_shown(child.name)} here"
            continue
        if place < reached:
            yield f"{path}/{child.name}: it must stand before {before}"
        reached, before = max(reached, place), child.name if place >= reached else before
        counts[child.name] += 1
        own, nth = rule.children[place], counts[child.name]
        yield from _element(child, own, f"{path}/{child.name}" + (f"[{nth}]" if nth > 1 else ""), namespace)
    for own in rule.children:
        if counts[own.name] < own.least and not (own.name == "mimeType" and namespace != NAMESPACE):
            yield f"{path}/{own.name}: it is missing"
        elif counts[own.name] > own.most:
            yield f"{path}/{own.name}: it stands {counts[own.name]} times; {own.most} at most"


def _without_signature(node: Node, rule: Rule) -> list[Node]:
    """The children but the signatures an alert may end with."""
    children = list(node.children)
    while rule is _ALERT and children and children[-1].namespace == SIGNATURE:
        children.pop()
    return children


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def _one_of(values: tuple[str, ...]) -> Check:
    return lambda text, _: "" if text in values else f"{_shown(text)} is none of {', '.join(values)}"


def _like(pattern: re.Pattern[str], what: str) -> Check:
    return lambda text, _: "" if pattern.fullmatch(" ".join(text.split())) else f"{_shown(text)} is no {what}"


def _language(text: str, namespace: str) -> str:
    """An empty element stands for the schema's default, en-US."""
    return "" if not text else _like(_LANGUAGE, "language, such as ko-KR")(text, namespace)


def _time(text: str, namespace: str) -> str:
    try:
        moment(text, namespace)
    except ValueError as error:
        return str(error)
    return ""


_NAMED: Final = (Rule("valueName"), Rule("value"))
_RESOURCE: Final = (
    Rule("resourceDesc"), Rule("mimeType"), Rule("size", 0, check=_like(_INTEGER, "integer")), Rule("uri", 0),
    Rule("derefUri", 0), Rule("digest", 0),
)  # fmt: skip
_AREA: Final = (
    Rule("areaDesc"), Rule("polygon", 0, MANY), Rule("circle", 0, MANY), Rule("geocode", 0, MANY, children=_NAMED),
    Rule("altitude", 0, check=_like(_DECIMAL, "number")), Rule("ceiling", 0, check=_like(_DECIMAL, "number")),
)  # fmt: skip
_INFO: Final = (
    Rule("language", 0, check=_language),
    Rule("category", 1, MANY, _one_of(CATEGORIES)),
    Rule("event"),
    Rule("responseType", 0, MANY, _one_of(RESPONSES)),
    Rule("urgency", check=_one_of(URGENCIES)),
    Rule("severity", check=_one_of(SEVERITIES)),
    Rule("certainty", check=_one_of(CERTAINTIES)),
    Rule("audience", 0),
    Rule("eventCode", 0, MANY, children=_NAMED),
    *(Rule(name, 0, check=_time) for name in ("effective", "onset", "expires")),
    *(Rule(name, 0) for name in ("senderName", "headline", "description", "instruction", "web", "contact")),
    Rule("parameter", 0, MANY, children=_NAMED),
    Rule("resource", 0, MANY, children=_RESOURCE),
    Rule("area", 0, MANY, children=_AREA),
)
_ALERT: Final = Rule(
    "alert",
    children=(
        Rule("identifier"),
        Rule("sender"),
        Rule("sent", check=_time),
        Rule("status", check=_one_of(STATUSES)),
        Rule("msgType", check=_one_of(MESSAGE_TYPES)),
        Rule("source", 0),
        Rule("scope", check=_one_of(SCOPES)),
        Rule("restriction", 0),
        Rule("addresses", 0),
        Rule("code", 0, MANY),
        Rule("note", 0),
        Rule("references", 0),
        Rule("incidents", 0),
        Rule("info", 0, MANY, children=_INFO),
    ),
)
