"""Any JSON feed, read by a mapping that an administrator makes in the admin: no code, and no restart.

`parse(mapping)` gives the rules or raises BadMapping with every problem; `apply(rules, read_json(document))`
gives the events, the reasons per record and what each rule met. Both are pure; MQTT intake uses the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from linkage.feeds.base import EventDocument, Feed, Link, NotADocument, NotUsable, Record, Reporter
from linkage.feeds.mapped_json.reading import Applied, apply, read_json, read_record, records_in
from linkage.feeds.mapped_json.rules import BadMapping, Problem, Rules, parse

__all__ = ["Applied", "BadMapping", "MappedJson", "Problem", "Rules", "apply", "parse", "read_json", "rules_of"]

KEPT_AT_MOST: Final = 64
_NO_LINK: Final = "this format needs the mapping of its linked system"

# By identity, since mappings are read once and never changed in place; the mapping itself is kept beside its
# rules so that no other can come to stand at the same address.
_kept: dict[int, tuple[Mapping[str, Any], Rules]] = {}


def rules_of(mapping: Mapping[str, Any]) -> Rules:
    """The rules of a saved mapping, remembered for the next record. Raises BadMapping."""
    found = _kept.get(id(mapping))
    if found is None:
        while len(_kept) >= KEPT_AT_MOST:
            _kept.pop(next(iter(_kept)), None)
        found = _kept[id(mapping)] = (mapping, parse(mapping))
    return found[1]


class MappedJson(Feed):
    """Reads JSON documents by the linked system's own mapping."""

    name = "mapped_json"
    title = {"ko": "JSON (매핑)", "en": "JSON, mapped"}
    unit = "record"
    is_mapped = True
    reporter = Reporter("mapped", "JSON 연계", "Mapped feed")

    def records(self, document: bytes) -> Iterator[Record]:
        """Nothing: where the records are, the link's mapping says (`split`). Raises NotADocument."""
        raise NotADocument(_NO_LINK)

    def split(self, document: bytes, link: Link) -> Iterator[Record]:
        """The records at the mapping's place. Raises NotADocument."""
        try:
            rules = rules_of(link.mapping)
        except BadMapping as error:
            raise NotADocument(str(error)) from error
        return records_in(rules, read_json(document))

    def normalise(self, raw: Any, link: Link | None = None) -> EventDocument:
        """The record as the mapping reads it. Raises NotUsable with every reason."""
        if link is None:
            raise NotUsable(_NO_LINK)
        try:
            return read_record(rules_of(link.mapping), raw)
        except BadMapping as error:
            raise NotUsable(str(error)) from error
