"""Applying rules to a document: events, the reasons where there is none, and what each rule met.

Pure: the same rules and document give the same result, ids included.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from jmespath.exceptions import JMESPathError

from linkage.feeds.base import EventDocument, NotADocument, NotUsable, Record, stable_id
from linkage.feeds.mapped_json.places import NotAPlace, Place
from linkage.feeds.mapped_json.rules import ACTIONS, CODE_FORM, GRADES, CodeEntry, Path, Problem, Rule, Rules, Table
from linkage.feeds.mapped_json.times import NotATime

ENCODINGS: Final = ("utf-8-sig", "cp949")
ID_PREFIX: Final = "map"
# What the intake takes; a longer summary is cut rather than refused, a longer id is not the id any more.
TEXT_LIMITS: Final = {"summary": 500, "address": 300}
EXAMPLE_LENGTH: Final = 120
RECORDS: Final = "records"
_MISSING: Final = (None, "", [], {})


@dataclass(frozen=True)
class Outcome:
    """What became of one record: an event, or the reasons why there is none."""

    position: int
    raw: Any
    event: EventDocument | None
    problems: list[Problem]


@dataclass(frozen=True)
class Hits:
    """What one rule met: in how many of how many records it found something, and the first thing it found."""

    rule: str
    text: str
    hits: int
    of: int
    example: str = ""
    has_default: bool = False


@dataclass
class Applied:
    """A document under a mapping. `unused` are table entries no record needed, `unknown` the values that stand in
    no table (with how often): each keyed by the table's name."""

    outcomes: list[Outcome] = field(default_factory=list)
    rules: list[Hits] = field(default_factory=list)
    unused: dict[str, list[str]] = field(default_factory=dict)
    unknown: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def events(self) -> list[EventDocument]:
        """The events of the records that could be understood, in order."""
        return [one.event for one in self.outcomes if one.event is not None]

    @property
    def repeats(self) -> list[str]:
        """Ids that came more than once: all but the first of each are ignored as repeats."""
        counted = Counter(one["id"] for one in self.events)
        return [id for id, times in counted.items() if times > 1]

    @property
    def is_whole(self) -> bool:
        """Whether there was something, and all of it was understood."""
        return bool(self.outcomes) and all(one.event is not None for one in self.outcomes)


def read_json(document: bytes) -> Any:
    """The JSON in UTF-8, or else CP949. Raises NotADocument saying where it is broken."""
    for encoding in ENCODINGS:
        try:
            text = document.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            return json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise NotADocument(_("No JSON: %s") % (str(error) or type(error).__name__)) from None
    raise NotADocument(_("The text is neither UTF-8 nor CP949."))


def records_in(rules: Rules, content: Any) -> Iterator[Record]:
    """The records at the mapping's place; a single object counts as one. Raises NotADocument where there is no list."""
    try:
        found = rules.records.search(content) if rules.records else content
    except JMESPathError as error:
        raise NotADocument(_("The records' path fails: %s") % error) from None
    if found is None:
        raise NotADocument(_("The records' path %s leads to nothing.") % (rules.records.text if rules.records else "@"))
    if not isinstance(found, list | dict):
        raise NotADocument(_("The records' path leads to a single value, not to a list or an object."))
    for position, raw in enumerate(found if isinstance(found, list) else [found], 1):
        yield Record(position, raw)


def read_record(rules: Rules, raw: Any) -> EventDocument:
    """The record as an event. Raises NotUsable with every reason."""
    event, problems, _trace = _Reading(rules, raw).result()
    if event is None:
        raise NotUsable("; ".join(f"{one.field}: {one.message}" for one in problems))
    return event


def apply(rules: Rules, content: Any) -> Applied:
    """Every record of a document (as `read_json` gives it) and what each rule met. Raises NotADocument."""
    found = Applied()
    tally = _Tally(rules)
    for position, raw in records_in(rules, content):
        event, problems, trace = _Reading(rules, raw).result()
        found.outcomes.append(Outcome(position, raw, event, problems))
        tally.add(trace)
    found.rules = tally.rules(len(found.outcomes))
    found.unused, found.unknown = tally.unused(), tally.unknown()
    return found


@dataclass
class _Trace:
    """What was found for each rule, and which value was looked up in which table."""

    found: dict[str, Any] = field(default_factory=dict)
    looked: list[tuple[str, str]] = field(default_factory=list)


class _Reading:
    """One record under the rules."""

    def __init__(self, rules: Rules, raw: Any) -> None:
        self._rules, self._raw = rules, raw
        self._problems: list[Problem] = []
        self._trace = _Trace()

    def result(self) -> tuple[EventDocument | None, list[Problem], _Trace]:
        if not isinstance(self._raw, dict):
            return None, [Problem(RECORDS, _("The record is no object; check the records' path."))], self._trace
        event = {
            name: value for name, value in self._event().items() if value not in _MISSING or name in ("lat", "lon")
        }
        return (None if self._problems else event), self._problems, self._trace  # type: ignore[return-value]

    def _event(self) -> dict[str, Any]:
        code = self._code()
        place = self._place()
        # Ids stand before what may be cut, so that two records differ where the source says so.
        subject, id = self._name("subject"), self._name("id")
        return {
            "id": id or stable_id(ID_PREFIX, [_canonical(self._raw)]),
            "subject": subject,
            "code": code.code,
            "grade": self._grade() or code.grade,
            "occurred_at": self._time("occurred_at", required=True),
            "lat": place.lat if place else None,
            "lon": place.lon if place else None,
            "area": place.area if place else None,
            "action": self._action(),
            "expires_at": self._time("expires_at"),
            "summary": self._text("summary"),
            "address": self._text("address"),
            "device_id": self._text("device_id"),
            "attributes": self._attributes(),
        }

    def wrong(self, name: str, message: str) -> None:
        self._problems.append(Problem(name, message))

    def _search(self, name: str, path: Path | None) -> Any:
        try:
            return path.search(self._raw) if path else None
        except JMESPathError as error:
            self.wrong(name, _("The path %(path)s fails: %(why)s") % {"path": path.text if path else "", "why": error})
            return None

    def _value(self, name: str) -> Any:
        """What the field's rule gives; None where it gives nothing."""
        rule = self._rules.fields.get(name)
        if rule is None:
            return None
        value = rule.constant if rule.path is None else self._search(name, rule.path)
        value = value.strip() if isinstance(value, str) else value
        if value in _MISSING:
            return rule.default
        self._trace.found.setdefault(name, value)
        return value

    def _text(self, name: str) -> str:
        """The field as a text; the parts of a list stand behind one another."""
        value = self._value(name)
        text = (
            " ".join(_plain(one) for one in value if one not in _MISSING) if isinstance(value, list) else _plain(value)
        )
        return text[: TEXT_LIMITS.get(name, len(text))]

    def _name(self, name: str) -> str:
        """An id: as the source has it, or made of the parts chosen."""
        rule = self._rules.fields.get(name)
        if rule is None:
            return ""
        text = self._hash(name, rule) if rule.parts else self._text(name)
        if not text:
            self.wrong(name, _("%s yields nothing in this record, and it has to be told from others.") % rule.text)
        return text

    def _hash(self, name: str, rule: Rule) -> str:
        values = [self._search(name, part) for part in rule.parts]
        if all(value in _MISSING for value in values):
            return _plain(rule.default)
        self._trace.found.setdefault(name, values[0] if len(values) == 1 else values)
        return stable_id(ID_PREFIX, [_canonical(value) for value in values])

    def _looked_up(self, name: str, table_name: str, table: Table, passes: bool, direct: Any) -> Any:
        """The table's meaning of `name`'s value; `direct` where the value needs no table (`passes`)."""
        value = self._text(name)
        if not value:
            return None
        self._trace.looked.append((table_name, value))
        if value in table.entries:
            return table.entries[value]
        if passes:
            return direct
        if table.otherwise is None:
            self.wrong(name, _("%s stands in no table; add it, or say what other values mean.") % repr(value))
        return table.otherwise

    def _code(self) -> CodeEntry:
        value = self._text("code")
        found = self._looked_up("code", "codes", self._rules.codes, self._is_code(value), CodeEntry(value))
        if found is None and not value:
            if self._rules.codes.otherwise:
                return self._rules.codes.otherwise  # type: ignore[no-any-return]
            self._nothing("code")
        return found or CodeEntry("")

    def _is_code(self, value: str) -> bool:
        known = self._rules.known_codes
        return CODE_FORM.fullmatch(value) is not None if known is None else value in known

    def _grade(self) -> str:
        value = self._text("grade")
        return self._looked_up("grade", "grades", self._rules.grades, value in GRADES, value) or ""

    def _action(self) -> str:
        value = self._text("action")
        found = self._looked_up("action", "actions", self._rules.actions, value in ACTIONS, value) or ""
        return "" if found == "report" else found

    def _time(self, name: str, *, required: bool = False) -> str:
        value = self._value(name)
        if value is None:
            if required:
                self._nothing(name)
            return ""
        try:
            found: datetime = self._rules.clock.read(value)
        except NotATime as error:
            self.wrong(name, str(error))
            return ""
        return found.isoformat()

    def _place(self) -> Place | None:
        grid, fields = self._rules.grid, self._rules.fields
        name = "geometry" if "geometry" in fields else "lat"
        values = [self._value(one) for one in (("geometry",) if name == "geometry" else ("lon", "lat"))]
        found = None
        if all(value not in _MISSING for value in values):
            try:
                found = grid.geometry(*values) if name == "geometry" else grid.point(*values)
            except NotAPlace as error:
                self.wrong(name, str(error))
                return None
        if found is None and not self._may_be_placeless():
            self.wrong(name, _("No position; allow unknown places, or give the id of a registered device."))
        return found

    def _may_be_placeless(self) -> bool:
        return self._rules.allows_unknown_place or bool(self._text("device_id"))

    def _attributes(self) -> dict[str, Any]:
        found = {name: self._search(f"attributes.{name}", path) for name, path in self._rules.attributes.items()}
        kept = {name: value for name, value in found.items() if value not in _MISSING}
        self._trace.found.update({f"attributes.{name}": value for name, value in kept.items()})
        return kept

    def _nothing(self, name: str) -> None:
        rule = self._rules.fields[name]
        self.wrong(name, _("%s yields nothing in this record; correct the path or give a default.") % rule.text)


class _Tally:
    """Counts over all records what each rule met."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._hits: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._looked: dict[str, Counter[str]] = {}

    def add(self, trace: _Trace) -> None:
        for name, value in trace.found.items():
            self._hits[name] += 1
            self._examples.setdefault(name, _plain(value)[:EXAMPLE_LENGTH])
        for table, value in set(trace.looked):
            self._looked.setdefault(table, Counter())[value] += 1

    def rules(self, count: int) -> list[Hits]:
        listed: list[tuple[str, str, bool]] = [
            (name, rule.text, rule.default is not None) for name, rule in self._rules.fields.items()
        ]
        listed += [(f"attributes.{name}", path.text, False) for name, path in self._rules.attributes.items()]
        return [
            Hits(name, text, self._hits[name], count, self._examples.get(name, ""), default)
            for name, text, default in listed
        ]

    def _tables(self) -> Mapping[str, tuple[Table, frozenset[str]]]:
        return {
            "codes": (self._rules.codes, frozenset()),
            "grades": (self._rules.grades, frozenset(GRADES)),
            "actions": (self._rules.actions, frozenset(ACTIONS)),
        }

    def unused(self) -> dict[str, list[str]]:
        found = {
            name: [entry for entry in table.entries if entry not in self._looked.get(name, ())]
            for name, (table, _own) in self._tables().items()
        }
        return {name: entries for name, entries in found.items() if entries}

    def unknown(self) -> dict[str, dict[str, int]]:
        found = {
            name: {value: times for value, times in looked.items() if self._is_unknown(name, value)}
            for name, looked in self._looked.items()
        }
        return {name: values for name, values in found.items() if values}

    def _is_unknown(self, name: str, value: str) -> bool:
        table, own = self._tables()[name]
        is_code = name == "codes" and CODE_FORM.fullmatch(value) is not None
        return value not in table.entries and value not in own and not is_code


def _plain(value: Any) -> str:
    """A JSON value as a text: numbers without a needless fraction, true and false in lower case."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return _canonical(value)


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
