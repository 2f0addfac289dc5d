"""Typed readers of the environment.

Every variable may also be given as ``NAME_FILE``: a path whose content is the value, the usual way to hand
secrets to a container. Readers raise ``ImproperlyConfigured`` naming the variable, what it held and what was
expected, so that a wrong setting stops the start instead of surfacing later.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True)
class Setting:
    """One variable as it was declared: its name, kind and default, for the documentation test."""

    name: str
    kind: str
    default: str


DECLARED: dict[str, Setting] = {}


def raw(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The variable's text from ``NAME`` or the file named by ``NAME_FILE``; None when neither is set.

    Raises ImproperlyConfigured when both are set or the file cannot be read.
    """
    source = os.environ if environ is None else environ
    value, path = source.get(name), source.get(f"{name}_FILE")
    if not path:
        return value
    if value is not None:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE points at {path}, which cannot be read: {error}.") from error


def _read(name: str, kind: str, default: T, parse: Callable[[str], T]) -> T:
    DECLARED[name] = Setting(name=name, kind=kind, default="" if default is None else str(default))
    text = raw(name)
    if text is None:
        return default
    try:
        return parse(text.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {text!r}, but {kind} is expected: {error}.") from error


def text(name: str, default: str = "") -> str:
    """A string."""
    return _read(name, "text", default, str)


def flag(name: str, default: bool = False) -> bool:
    """A yes or no: 1/true/yes/on or 0/false/no/off."""
    return _read(name, "1 or 0", default, _flag)


def number(name: str, default: int, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """A whole number within the given bounds."""
    return _read(name, "a whole number", default, lambda value: _bounded(int(value), at_least, at_most))


def decimal(name: str, default: float, *, at_least: float | None = None, at_most: float | None = None) -> float:
    """A number with a fraction within the given bounds."""
    return _read(name, "a number", default, lambda value: _bounded(float(value), at_least, at_most))


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """Words separated by commas, blanks dropped."""
    return list(_read(name, "words separated by commas", default, _words))


def word(name: str, default: str = "") -> str:
    """One word of 1 to 64 letters, digits or `._+-`, such as a version."""
    return _read(name, "a word of letters, digits or ._+-", default, _word)


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words."""
    return _read(name, "one of " + ", ".join(allowed), default, lambda value: _one_of(value, allowed))


def folder(name: str, default: Path) -> Path:
    """A directory as an absolute path; relative ones are taken from the working directory."""
    return _read(name, "a directory", default, Path).expanduser().absolute()


def _flag(value: str) -> bool:
    word = value.lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError("say 1 or 0")


def _bounded(value, at_least, at_most):
    if at_least is not None and value < at_least:
        raise ValueError(f"must be at least {at_least}")
    if at_most is not None and value > at_most:
        raise ValueError(f"must be at most {at_most}")
    return value


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _word(value: str) -> str:
    if not re.fullmatch(r"[\w.+-]{1,64}", value, re.ASCII):
        raise ValueError("1 to 64 of them, nothing else")
    return value


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{value} is not among them")
    return value
