"""A mapping, understood: the JSON document an administrator edits becomes rules, or a list of what is wrong with it.

    {"records": "body.items",
     "fields": {"subject": {"hash": ["linkId", "startDate"]}, "occurred_at": {"path": "startDate"},
                "lat": {"path": "coordY"}, "lon": {"path": "coordX"}, "code": {"path": "eventType"},
                "summary": {"path": "[roadName, message]", "default": "교통 돌발"}},
     "attributes": {"road": "roadName"},
     "codes": {"table": {"교통사고": {"code": "TRF-1", "grade": "G3"}}, "otherwise": "refuse"},
     "time": {"format": "yyyyMMddHHmmss", "zone": "Asia/Seoul"},
     "position": {"crs": "EPSG:4326", "order": "lonlat", "missing": "refuse"}}

Paths are JMESPath (jmespath.org): of `records` from the document, of all others from the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import jmespath
from django.utils.translation import gettext as _
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from linkage.feeds.mapped_json.places import WGS84, Grid, crs_named
from linkage.feeds.mapped_json.times import EPOCH_MILLISECONDS, EPOCH_SECONDS, ISO, Clock, strptime_of

# In the order in which the page shows them.
FIELDS: Final = (
    "id", "subject", "occurred_at", "code", "grade", "action", "lat", "lon", "geometry",
    "summary", "address", "device_id", "expires_at",
)  # fmt: skip
HASHED: Final = ("id", "subject")
GRADES: Final = ("G1", "G2", "G3", "G4", "G5")
ACTIONS: Final = ("report", "cancel", "end")
REFUSE: Final = "refuse"
UNKNOWN: Final = "unknown"
TOP: Final = frozenset({"records", "fields", "attributes", "codes", "grades", "actions", "time", "position", "sample"})
RULE_KEYS: Final = frozenset({"path", "hash", "constant", "default"})
PATH_LENGTH: Final = 500
ENTRIES_AT_MOST: Final = 1_000
SAMPLE_LENGTH: Final = 65_536
CODE_FORM: Final = re.compile(r"[A-Z]{3}-\d{1,2}")


class Problem(NamedTuple):
    """What is wrong at one place of a mapping or with one field of an event, and the remedy."""

    field: str
    message: str


class BadMapping(ValueError):
    """The document is no mapping; `problems` names every place."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.message}" for one in problems))
        self.problems = problems


@dataclass(frozen=True)
class Path:
    """A path as written and as compiled."""

    text: str
    compiled: ParsedResult

    def search(self, value: Any) -> Any:
        """What the path finds, or None. Raises JMESPathError where a function meets what it cannot take."""
        return self.compiled.search(value)


@dataclass(frozen=True)
class Rule:
    """Where one field comes from: `path`, the hash of `parts`, or `constant`; `default` where those give nothing."""

    path: Path | None = None
    parts: tuple[Path, ...] = ()
    constant: Any = None
    default: Any = None

    @property
    def text(self) -> str:
        """The rule in a few words, as the page shows it."""
        if self.path:
            return self.path.text
        return f"# {', '.join(one.text for one in self.parts)}" if self.parts else f"= {self.constant}"


class CodeEntry(NamedTuple):
    """Our code and, where it differs from the code's own, the grade."""

    code: str
    grade: str = ""


@dataclass(frozen=True)
class Table:
    """Source values and what they mean here. `otherwise` counts for values not in `entries`; None refuses them."""

    entries: Mapping[str, Any]
    otherwise: Any = None


@dataclass(frozen=True)
class Rules:
    """A whole mapping, ready to be applied."""

    records: Path | None
    fields: Mapping[str, Rule]
    attributes: Mapping[str, Path]
    codes: Table
    grades: Table
    actions: Table
    clock: Clock
    grid: Grid
    allows_unknown_place: bool
    known_codes: Collection[str] | None = field(default=None, compare=False)


def parse(document: Any, *, codes: Collection[str] | None = None) -> Rules:
    """The rules in a mapping. `codes` are the event codes there are; without them only their form is checked.

    Raises BadMapping with every problem at once. Pure.
    """
    return _Parser(document, codes).rules()


class _Parser:
    """Reads a mapping place by place and collects what is wrong."""

    def __init__(self, document: Any, codes: Collection[str] | None) -> None:
        self.problems: list[Problem] = []
        self._codes = codes
        self._document = self._object("", document, TOP)

    def rules(self) -> Rules:
        fields = {name: self._rule(name, raw) for name, raw in self._part("fields", frozenset(FIELDS)).items()}
        found = Rules(
            records=self._path("records", self._document.get("records") or ""),
            fields=fields,
            attributes=self._attributes(),
            codes=self._table("codes", self._code_entry, REFUSE),
            grades=self._table("grades", self._grade, ""),
            actions=self._table("actions", self._action, "report"),
            clock=self._clock(),
            grid=self._grid(),
            allows_unknown_place=self._choice("position", "missing", (REFUSE, UNKNOWN)) == UNKNOWN,
            known_codes=self._codes,
        )
        self._whole(found)
        if self.problems:
            raise BadMapping(self.problems)
        return found

    def wrong(self, where: str, message: str) -> None:
        self.problems.append(Problem(where, message))

    def _object(self, where: str, value: Any, keys: Collection[str] | None = None) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.wrong(where, _("An object is needed."))
            return {}
        for key in value:
            if keys is not None and key not in keys:
                known = ", ".join(sorted(keys))
                self.wrong(f"{where}.{key}".strip("."), _("Not known here; there are: %s.") % known)
        return value

    def _part(self, name: str, keys: Collection[str] | None = None) -> Mapping[str, Any]:
        found = self._object(name, self._document.get(name) or {}, keys)
        if len(found) > ENTRIES_AT_MOST:
            self.wrong(name, _("At most %d entries.") % ENTRIES_AT_MOST)
            return {}
        return {key: value for key, value in found.items() if keys is None or key in keys}

    def _path(self, where: str, text: Any) -> Path | None:
        """The path; None where it is empty or wrong."""
        if text == "":
            return None
        if not isinstance(text, str) or len(text) > PATH_LENGTH:
            self.wrong(where, _("A path is a text of at most %d characters.") % PATH_LENGTH)
            return None
        try:
            return Path(text, jmespath.compile(text))
        except (JMESPathError, RecursionError) as error:
            self.wrong(where, self._path_trouble(text, str(error)))
            return None

    def _path_trouble(self, text: str, reason: str) -> str:
        if re.search(r"[^\x00-\x7f]", text) or re.fullmatch(r"[\w .@:-]+", text):
            name = text.strip('"').replace('"', "")
            return _('Names with other than a–z, 0–9 and _ stand in double quotes: "%s".') % name
        return _("JMESPath cannot read it: %s") % reason.splitlines()[0]

    def _rule(self, name: str, raw: Any) -> Rule:
        where = f"fields.{name}"
        given = self._object(where, {"path": raw} if isinstance(raw, str) else raw, RULE_KEYS)
        sources = [key for key in ("path", "hash", "constant") if given.get(key) not in (None, "", [])]
        if len(sources) != 1:
            self.wrong(where, _("Give one of path, hash and constant."))
        default, constant = given.get("default"), given.get("constant")
        if "hash" in sources:
            return Rule(parts=self._hash(name, where, given["hash"]), default=default)
        if "path" in sources:
            return Rule(path=self._path(f"{where}.path", given["path"]), default=default)
        if name in HASHED:
            self.wrong(where, _("An id that is the same for every record would make all but the first a repeat."))
        if not isinstance(constant, str | int | float) or isinstance(constant, bool):
            self.wrong(f"{where}.constant", _("A text or a number is needed."))
        return Rule(constant=constant)

    def _hash(self, name: str, where: str, raw: Any) -> tuple[Path, ...]:
        if name not in HASHED:
            self.wrong(where, _("Only id and subject may be a hash."))
        if not isinstance(raw, list):
            self.wrong(f"{where}.hash", _("A list of paths is needed; @ is the whole record."))
            return ()
        return tuple(found for one in raw if (found := self._path(f"{where}.hash", one)))

    def _attributes(self) -> dict[str, Path]:
        found = {name: self._path(f"attributes.{name}", text) for name, text in self._part("attributes").items()}
        return {name: path for name, path in found.items() if path}

    def _table(self, name: str, entry: Callable[[str, Any], Any], fallback: str) -> Table:
        part = self._object(name, self._document.get(name) or {}, ("table", "otherwise"))
        table = self._object(f"{name}.table", part.get("table") or {})
        if len(table) > ENTRIES_AT_MOST:
            self.wrong(f"{name}.table", _("At most %d entries.") % ENTRIES_AT_MOST)
            table = {}
        entries = {str(key).strip(): entry(f"{name}.table.{key}", value) for key, value in table.items()}
        otherwise = part.get("otherwise", fallback)
        if otherwise == REFUSE:
            return Table(entries)
        return Table(entries, "" if otherwise == "" else entry(f"{name}.otherwise", otherwise))

    def _code_entry(self, where: str, value: Any) -> CodeEntry:
        given = self._object(where, {"code": value} if isinstance(value, str) else value, ("code", "grade"))
        code, grade = given.get("code", ""), given.get("grade") or ""
        if not self._is_code(code):
            self.wrong(where, _("%s is no event code of ours; GET /api/v1/catalogue lists them.") % repr(code))
        return CodeEntry(str(code), self._grade(where, grade) if grade else "")

    def _is_code(self, code: Any) -> bool:
        if not isinstance(code, str):
            return False
        return CODE_FORM.fullmatch(code) is not None if self._codes is None else code in self._codes

    def _grade(self, where: str, value: Any) -> str:
        if value not in GRADES:
            self.wrong(where, _("A grade is one of G1, G2, G3, G4, G5."))
        return str(value)

    def _action(self, where: str, value: Any) -> str:
        if value not in ACTIONS:
            self.wrong(where, _("An action is report, cancel or end."))
        return str(value)

    def _choice(self, part: str, name: str, choices: tuple[str, ...]) -> str:
        value = self._object(part, self._document.get(part) or {}).get(name) or choices[0]
        if value not in choices:
            self.wrong(f"{part}.{name}", _("One of: %s.") % ", ".join(choices))
        return str(value)

    def _clock(self) -> Clock:
        given = self._part("time", ("format", "zone", "ambiguous"))
        pattern, zone = given.get("format") or ISO, given.get("zone") or "Asia/Seoul"
        try:
            found = ZoneInfo(zone)
        except (ValueError, TypeError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            self.wrong(
                "time.zone", _("%s is no IANA time zone; write it as in Asia/Seoul or Europe/Berlin.") % repr(zone)
            )
            found = ZoneInfo("Asia/Seoul")
        if pattern not in (ISO, EPOCH_SECONDS, EPOCH_MILLISECONDS):
            try:
                strptime_of(pattern)
            except (ValueError, TypeError) as error:
                self.wrong("time.format", str(error))
                pattern = ISO
        return Clock(pattern, found, self._choice("time", "ambiguous", ("earlier", "later")) == "later")

    def _grid(self) -> Grid:
        crs = self._part("position", ("crs", "order", "missing")).get("crs") or WGS84
        try:
            crs_named(crs)
        except (ValueError, TypeError) as error:
            self.wrong("position.crs", str(error))
            crs = WGS84
        return Grid(crs, self._choice("position", "order", ("lonlat", "latlon")) == "latlon")

    def _whole(self, rules: Rules) -> None:
        """What no place shows by itself: what is missing, and what contradicts."""
        given = rules.fields
        for name in ("occurred_at", "code"):
            if name not in given:
                self.wrong(f"fields.{name}", _("Every event needs it: give a path, or a constant."))
        if not {"id", "subject"} & given.keys():
            self.wrong(
                "fields.id", _("Give a path, or a hash of the paths that tell records apart; @ is the whole record.")
            )
        if ("lat" in given) != ("lon" in given):
            missing = "lon" if "lat" in given else "lat"
            self.wrong(f"fields.{missing}", _("Give both latitude and longitude."))
        if "geometry" in given and "lat" in given:
            self.wrong("fields.geometry", _("Give either latitude and longitude or a geometry."))
        placed = {"lat", "geometry", "device_id"} & given.keys()
        if not placed and not rules.allows_unknown_place:
            self.wrong("fields.lat", _("Without a place, allow unknown places, or give the id of a registered device."))
        self._constants(rules)

    def _constants(self, rules: Rules) -> None:
        for name, known, message in (
            ("code", lambda one: one in rules.codes.entries or self._is_code(one), _("This is no event code of ours.")),
            (
                "grade",
                lambda one: one in rules.grades.entries or one in GRADES,
                _("A grade is one of G1, G2, G3, G4, G5."),
            ),
            (
                "action",
                lambda one: one in rules.actions.entries or one in ACTIONS,
                _("An action is report, cancel or end."),
            ),
        ):
            rule = rules.fields.get(name)
            for value in (rule.constant, rule.default) if rule else ():
                if value is not None and not known(str(value)):
                    self.wrong(f"fields.{name}", message)
