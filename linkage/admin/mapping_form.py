"""A mapping as a form's fields, and back. Both ways lose nothing that the form can hold; the raw view holds the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from linkage.feeds.mapped_json.rules import ACTIONS, FIELDS, GRADES, HASHED, REFUSE

# JMESPath has no use for it outside of quotes, so it may stand between the paths of a hash.
BETWEEN_PATHS: Final = ";"
LABELS: Final[dict[str, Any]] = {
    "id": (_("message id"), _("Empty: a hash of the whole record, so that every change is a new message.")),
    "subject": (_("subject"), _("The source's own key of the thing: later messages with it update the same incident.")),
    "occurred_at": (_("time"), ""),
    "code": (_("kind"), _("Looked up in the table of codes below.")),
    "grade": (_("grade"), _("Empty: the grade of the code.")),
    "action": (_("action"), _("Empty: every record is a report.")),
    "lat": (_("latitude or northing"), ""),
    "lon": (_("longitude or easting"), ""),
    "geometry": (_("geometry"), _("Instead of both: GeoJSON, a pair, or “x, y”.")),
    "summary": (_("summary"), _("Several paths in brackets, [a, b], stand one behind the other.")),
    "address": (_("address"), ""),
    "device_id": (_("device"), _("The id of a registered device; it gives the place where the record has none.")),
    "expires_at": (_("over at"), ""),
}
FORMATS: Final = ("iso", "epoch_s", "epoch_ms", "yyyyMMddHHmmss", "yyyyMMddHHmmssSSS", "yyyy-MM-dd HH:mm:ss", "%d.%m.%Y %H:%M")
ZONES: Final = ("Asia/Seoul", "UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York")
GRIDS: Final = (
    ("EPSG:4326", "WGS84"), ("EPSG:5179", "KGD2002 / UTM-K"), ("EPSG:5186", "KGD2002 / 중부 2010"),
    ("EPSG:5187", "KGD2002 / 동부 2010"), ("EPSG:5185", "KGD2002 / 서부 2010"), ("EPSG:5181", "KGD2002 / 중부"),
    ("EPSG:5174", "Korean 1985 / 보정 중부"), ("EPSG:2097", "Korean 1985 / 중부"), ("EPSG:3857", "Web Mercator"),
)  # fmt: skip
BLANK_ROWS: Final = 2
DEFAULTS: Final[dict[str, Any]] = {
    "records": "", "fields": {}, "time": {"format": "iso", "zone": "Asia/Seoul"}, "position": {"crs": "EPSG:4326"},
}  # fmt: skip


class FieldRow(NamedTuple):
    """One field of an event in the form: `source` is path, hash or constant."""

    name: str
    label: Any
    hint: Any
    source: str
    value: str
    default: str
    may_hash: bool


def document_of(posted: QueryDict) -> dict[str, Any]:
    """The mapping in a posted form. What is empty is left out."""
    document: dict[str, Any] = {
        "records": posted.get("records", "").strip(),
        "fields": {name: rule for name in FIELDS if (rule := _rule_of(posted, name))},
        "attributes": dict(_pairs(posted, "attr_name", "attr_path")),
        "codes": _codes_of(posted),
        "grades": _table_of(posted, "grade", ""),
        "actions": _table_of(posted, "action", "report"),
        "time": _part_of(posted, {"format": "time_format", "zone": "time_zone", "ambiguous": "time_ambiguous"}),
        "position": _part_of(posted, {"crs": "crs", "order": "order", "missing": "missing"}),
    }
    return {name: value for name, value in document.items() if value}


def form_of(document: Mapping[str, Any], *, blank: int = BLANK_ROWS) -> dict[str, Any]:
    """The form's fields for a mapping, with `blank` empty rows in each table. Takes whatever is in the mapping."""
    fields = _dict(document.get("fields"))
    time, position = _dict(document.get("time")), _dict(document.get("position"))
    codes, grades, actions = (_dict(document.get(name)) for name in ("codes", "grades", "actions"))
    empty = [("", "")] * blank
    return {
        "records": _text(document.get("records")),
        "rows": [_row(name, fields.get(name)) for name in FIELDS],
        "attributes": [*((name, _text(path)) for name, path in _dict(document.get("attributes")).items()), *empty],
        "codes": [
            *((value, *_code(entry)) for value, entry in _dict(codes.get("table")).items()), *[("", "", "")] * blank,
        ],
        "codes_else": _code(codes.get("otherwise", REFUSE)),
        "grades": [*((value, _text(one)) for value, one in _dict(grades.get("table")).items()), *empty],
        "grades_else": _text(grades.get("otherwise")),
        "actions": [*((value, _text(one)) for value, one in _dict(actions.get("table")).items()), *empty],
        "actions_else": _text(actions.get("otherwise")) or "report",
        "time": {name: _text(time.get(name)) for name in ("format", "zone", "ambiguous")},
        "position": {name: _text(position.get(name)) for name in ("crs", "order", "missing")},
        "formats": FORMATS, "zones": ZONES, "grids": GRIDS, "grade_choices": GRADES, "action_choices": ACTIONS,
    }  # fmt: skip


def raw_text(document: Mapping[str, Any]) -> str:
    """The mapping as JSON to edit, without its sample."""
    return json.dumps({name: value for name, value in document.items() if name != "sample"}, ensure_ascii=False, indent=2)


def _rule_of(posted: QueryDict, name: str) -> dict[str, Any] | None:
    value, default = posted.get(f"value.{name}", "").strip(), posted.get(f"default.{name}", "").strip()
    source = posted.get(f"from.{name}", "path")
    if not value and not default:
        return None
    if not value:  # only what stands in for it: the same for every record
        source, value, default = "constant", default, ""
    rule: dict[str, Any] = {source: value}
    if source == "hash":
        rule = {"hash": [part.strip() for part in value.split(BETWEEN_PATHS) if part.strip()]}
    return {**rule, "default": default} if default and source != "constant" else rule


def _codes_of(posted: QueryDict) -> dict[str, Any]:
    lists = (posted.getlist(name) for name in ("code_value", "code_code", "code_grade"))
    table = {
        value.strip(): {"code": code, "grade": grade} if grade else code
        for value, code, grade in zip(*lists, strict=False)
        if value.strip() and code
    }
    code, grade = posted.get("code_else_code", ""), posted.get("code_else_grade", "")
    otherwise: Any = {"code": code, "grade": grade} if code and grade else code or REFUSE
    return {"table": table, "otherwise": otherwise} if table or code else {}


def _table_of(posted: QueryDict, name: str, usual: str) -> dict[str, Any]:
    table = dict(_pairs(posted, f"{name}_value", f"{name}_meaning"))
    otherwise = posted.get(f"{name}_else", usual)
    return {"table": table, "otherwise": otherwise} if table or otherwise != usual else {}


def _pairs(posted: QueryDict, first: str, second: str) -> list[tuple[str, str]]:
    both = zip(posted.getlist(first), posted.getlist(second), strict=False)
    return [(one.strip(), other.strip()) for one, other in both if one.strip() and other.strip()]


def _part_of(posted: QueryDict, names: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, name in names.items() if (value := posted.get(name, "").strip())}


def _row(name: str, raw: Any) -> FieldRow:
    rule = {"path": raw} if isinstance(raw, str) else _dict(raw)
    source = next((one for one in ("hash", "constant") if rule.get(one) not in (None, "", [])), "path")
    value = rule.get(source)
    text = f"{BETWEEN_PATHS} ".join(map(str, value)) if isinstance(value, list) else _text(value)
    label, hint = LABELS[name]
    if not rule and name == "id":
        source = "hash"
    return FieldRow(name, label, hint, source, text, _text(rule.get("default")), name in HASHED)


def _code(entry: Any) -> tuple[str, str]:
    if entry == REFUSE:
        return "", ""
    given = {"code": entry} if isinstance(entry, str) else _dict(entry)
    return _text(given.get("code")), _text(given.get("grade"))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
