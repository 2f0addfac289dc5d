"""Korean and English are both complete: every text in the code and the templates has its Korean."""

import re
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = settings.BASE_DIR
APPS = ("ocenter", "linkage", "incidents", "services")
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2),
    "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]")


def catalogues():
    found = [path for app in APPS for path in (ROOT / app).rglob("locale/ko/LC_MESSAGES/django.po")]
    assert len(found) >= 5
    return found


def messages(path):
    return [message for message in read_po(BytesIO(path.read_bytes()), locale="ko") if message.id]


@lru_cache
def translated():
    """Every text that has Korean in one of our catalogues: Django merges them all."""
    return {_first(message.id) for path in catalogues() for message in messages(path) if _whole(message)}


def _first(text):
    return text[0] if isinstance(text, tuple) else text


def _whole(message):
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def sources():
    for app in APPS:
        yield from (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)
    yield from (ROOT / "templates").rglob("*.html")


def texts_of(path):
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        content = templatize(content)
    for _line, text, _comments, _context in extract("python", BytesIO(content.encode()), KEYWORDS):
        yield _first(text)


@pytest.mark.parametrize("path", sorted(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_has_its_korean(path):
    missing = [text for text in texts_of(path) if text and text not in translated()]
    assert not missing


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_korean_text_is_empty_or_doubtful(path):
    assert [message.id for message in messages(path) if not _whole(message) or message.fuzzy] == []


@pytest.mark.parametrize("path", catalogues(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_placeholders_are_those_of_the_english(path):
    for message in messages(path):
        ids, strings = _both(message.id), _both(message.string)
        for string in strings:
            assert sorted(PLACEHOLDER.findall(string)) == sorted(PLACEHOLDER.findall(ids[-1])), message.id


def _both(text):
    return text if isinstance(text, tuple) else (text,)


def test_one_text_has_one_korean_everywhere():
    seen: dict[str, tuple[str, Path]] = {}
    for path in catalogues():
        for message in messages(path):
            korean, where = seen.setdefault(str(message.id), (message.string, path))
            assert korean == message.string, f"{message.id!r}: {where} and {path} differ, and Django takes only one"
