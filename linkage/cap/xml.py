"""XML opened so that a hostile document costs next to nothing.

A document is refused before it is parsed where it is too long, and while it is parsed, at the first offence, where
it declares a DTD (and with it every entity there could be), nests too deeply or holds too much. What is returned is
a plain tree of a bounded size.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

SIZE_AT_MOST: Final = 1024 * 1024
DEPTH_AT_MOST: Final = 32
ELEMENTS_AT_MOST: Final = 20_000
ATTRIBUTES_AT_MOST: Final = 32  # of one element

# Korean publishers still write the old code pages, which expat alone does not know.
ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii", "iso-8859-1": "iso-8859-1",
    "windows-1252": "cp1252", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "cp949": "cp949", "ms949": "cp949",
}  # fmt: skip
_DECLARED: Final = re.compile(rb"""^<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class NotXml(ValueError):
    """The document cannot be opened; the message says why, and where."""


@dataclass(slots=True)
class Node:
    """An element: `text` is all the text directly inside it, `attributes` the names of its attributes."""

    namespace: str
    name: str
    attributes: Mapping[str, str]
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def first(self, name: str) -> Node | None:
        """The first child of this name."""
        return next((one for one in self.children if one.name == name), None)

    def all(self, name: str) -> list[Node]:
        """The children of this name, in order."""
        return [one for one in self.children if one.name == name]


def parse(document: bytes, *, size_at_most: int = SIZE_AT_MOST, elements_at_most: int = ELEMENTS_AT_MOST) -> Node:
    """The document's root. Raises NotXml."""
    if len(document) > size_at_most:
        raise NotXml(f"longer than {size_at_most // 1024} KiB")
    builder = _Builder(elements_at_most)
    parser = XMLParser(target=builder, encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(_text(document).encode())
        return parser.close()  # type: ignore[no-any-return]
    except DefusedXmlException as error:
        raise NotXml("it declares a DTD; entities and external documents are not read") from error
    except ParseError as error:
        raise NotXml(f"no well-formed XML: {error}") from error


def _text(document: bytes) -> str:
    """The document in Unicode. Raises NotXml."""
    encoding = next((name for bom, name in _BOMS if document.startswith(bom)), "")
    if not encoding:
        declared = _DECLARED.match(document)
        name = declared[1].decode().lower() if declared else "utf-8"
        if name not in ENCODINGS:
            raise NotXml(f"its encoding {name} is not read; write UTF-8")
        encoding = ENCODINGS[name]
    try:
        return document.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotXml(f"byte {error.start} is no {encoding}, which the document claims to be") from error


class _Builder:
    """What the parser tells of the document, put together; raises NotXml at the first limit passed."""

    def __init__(self, elements_at_most: int) -> None:
        self._left = elements_at_most
        self._open: list[Node] = []
        self._root: Node | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) == DEPTH_AT_MOST:
            raise NotXml(f"nested more than {DEPTH_AT_MOST} deep")
        if len(attributes) > ATTRIBUTES_AT_MOST:
            raise NotXml(f"an element with more than {ATTRIBUTES_AT_MOST} attributes")
        if self._left == 0:
            raise NotXml("too many elements")
        self._left -= 1
        namespace, _, name = tag.rpartition("}")
        node = Node(namespace.lstrip("{"), name, attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node
        self._open.append(node)

    def data(self, text: str) -> None:
        self._open[-1].text += text

    def end(self, tag: str) -> None:
        self._open.pop()

    def close(self) -> Node:
        assert self._root is not None  # the parser has refused an empty document
        return self._root
