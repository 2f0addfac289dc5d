"""What a procedure is: a title, steps in order, and what may be wrong with them. No database.

A step is a `check`, a `choice` (whose options later steps may depend on), a `timer` (minutes to let pass) or an
`action` (a link to something on the page). `auto` names facts of the ledger that settle a step by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, NotRequired, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.codes import CODES, Family
from incidents.reports import storable

STEPS_AT_MOST: Final = 30
OPTIONS_AT_MOST: Final = 6
TEXT_LENGTH: Final = 200
MINUTES_AT_MOST: Final = 240
DUE_SECONDS: Final = (5, 86_400)
KINDS: Final = ("check", "choice", "timer", "action")
OWNERS: Final = ("operator", "supervisor")
# What the page can open; beside these "relay:AGENCY" and "call:PHONE".
ACTIONS: Final = ("cameras", "map", "note")
# Facts of the ledger; "told:AGENCY" is one too.
FACTS: Final = ("acknowledged", "verified", "confirmed", "told", "arrived", "agency_closed", "resolved")

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LINK: Final = re.compile(r"relay:[a-z0-9-]{1,40}|call:[0-9+*#-]{2,20}")
_TOLD: Final = re.compile(r"told:[a-z0-9-]{1,40}")


class Pair(TypedDict):
    """A text in both languages."""

    ko: str
    en: str


class Option(TypedDict):
    """One branch of a choice; a fact of `auto` takes it by itself."""

    id: str
    text: Pair
    auto: NotRequired[list[str]]


class Step(TypedDict):
    """One step. `due_s` counts seconds from the moment it became the current one."""

    id: str
    text: Pair
    kind: str
    required: NotRequired[bool]
    owner: NotRequired[str]
    due_s: NotRequired[int]
    when: NotRequired[dict[str, Any]]
    auto: NotRequired[list[str]]
    options: NotRequired[list[Option]]
    minutes: NotRequired[int]
    action: NotRequired[str]


class Definition(TypedDict):
    """A procedure as a checklist keeps it: whole, so that no later edit changes one that runs."""

    applies_to: str
    version: int
    title: Pair
    steps: list[Step]


class Fault(NamedTuple):
    """What is wrong, and where: "steps[2].when"."""

    where: str
    message: str | Promise


_STEP_FIELDS: Final = frozenset(Step.__annotations__)
_OPTION_FIELDS: Final = frozenset(Option.__annotations__)


def is_target(applies_to: object) -> bool:
    """Whether there is such a code family or event code."""
    return applies_to in CODES or applies_to in Family.values


def faults_of(definition: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with it, in order; nothing means that it may be used."""
    found = []
    if not is_target(definition.get("applies_to")):
        found.append(Fault("applies_to", _("No such event code or code family.")))
    found += _pair("title", definition.get("title"))
    return found + step_faults(definition.get("steps"))


def step_faults(steps: object) -> list[Fault]:
    """What is wrong with the steps. No step at all is right: such a procedure asks for nothing."""
    if not isinstance(steps, list) or not all(isinstance(one, dict) for one in steps):
        return [Fault("steps", _("A list of steps is needed."))]
    if len(steps) > STEPS_AT_MOST:
        return [Fault("steps", _("At most %d steps.") % STEPS_AT_MOST)]
    found: list[Fault] = []
    for at, step in enumerate(steps):
        found += _step(f"steps[{at}]", step, steps[:at])
    return found


def _step(where: str, step: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    yield from (Fault(f"{where}.{name}", _("Unknown field.")) for name in sorted(step.keys() - _STEP_FIELDS))
    yield from _identity(where, step, before)
    yield from _pair(f"{where}.text", step.get("text"))
    if step.get("kind") not in KINDS:
        yield Fault(f"{where}.kind", _("One of: %s.") % ", ".join(KINDS))
    if step.get("owner", OWNERS[0]) not in OWNERS:
        yield Fault(f"{where}.owner", _("One of: %s.") % ", ".join(OWNERS))
    if not isinstance(step.get("required", False), bool):
        yield Fault(f"{where}.required", _("Yes or no."))
    if "due_s" in step and not _whole(step["due_s"], *DUE_SECONDS):
        yield Fault(f"{where}.due_s", _("From %(least)d to %(most)d seconds.") % {"least": DUE_SECONDS[0], "most": DUE_SECONDS[1]})
    yield from _facts(f"{where}.auto", step.get("auto", []))
    yield from _of_kind(where, step)
    if "when" in step:
        yield from _when(f"{where}.when", step["when"], before)


def _identity(where: str, step: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    name = step.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        yield Fault(f"{where}.id", _("Small letters, digits and _, at most 40, a letter first."))
    elif name in {one.get("id") for one in before}:
        yield Fault(f"{where}.id", _("Another step has this id."))


def _of_kind(where: str, step: Mapping[str, Any]) -> Iterator[Fault]:
    kind = step.get("kind")
    if kind == "choice":
        yield from _options(f"{where}.options", step.get("options"))
        if "auto" in step:
            yield Fault(f"{where}.auto", _("A choice is settled by the facts of its options."))
    elif "options" in step:
        yield Fault(f"{where}.options", _("Only a choice has options."))
    if kind == "timer" and not _whole(step.get("minutes"), 1, MINUTES_AT_MOST):
        yield Fault(f"{where}.minutes", _("From 1 to %d minutes.") % MINUTES_AT_MOST)
    if kind != "timer" and "minutes" in step:
        yield Fault(f"{where}.minutes", _("Only a timer has minutes."))
    action = step.get("action")
    if kind == "action" and not (action in ACTIONS or isinstance(action, str) and _LINK.fullmatch(action)):
        yield Fault(f"{where}.action", _("One of: %s, relay:AGENCY, call:PHONE.") % ", ".join(ACTIONS))
    if kind != "action" and "action" in step:
        yield Fault(f"{where}.action", _("Only an action has a link."))


def _options(where: str, options: object) -> Iterator[Fault]:
    if not isinstance(options, list) or not 2 <= len(options) <= OPTIONS_AT_MOST or not all(isinstance(one, dict) for one in options):
        yield Fault(where, _("A choice has 2 to %d options.") % OPTIONS_AT_MOST)
        return
    names = [one.get("id") for one in options]
    for at, option in enumerate(options):
        yield from (Fault(f"{where}[{at}].{name}", _("Unknown field.")) for name in sorted(option.keys() - _OPTION_FIELDS))
        if not isinstance(names[at], str) or not _ID.fullmatch(names[at]):
            yield Fault(f"{where}[{at}].id", _("Small letters, digits and _, at most 40, a letter first."))
        elif names[at] in names[:at]:
            yield Fault(f"{where}[{at}].id", _("Another option has this id."))
        yield from _pair(f"{where}[{at}].text", option.get("text"))
        yield from _facts(f"{where}[{at}].auto", option.get("auto", []))


def _when(where: str, when: object, before: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """A branch leads from an earlier choice alone: so there is no circle, and nothing waits for what comes after it."""
    if not isinstance(when, dict) or when.keys() != {"step", "is"} or not isinstance(when["is"], list) or not when["is"]:
        yield Fault(where, _('Such as {"step": "voice", "is": ["danger"]}.'))
        return
    choice = next((one for one in before if one.get("id") == when["step"] and one.get("kind") == "choice"), None)
    if choice is None:
        yield Fault(where, _("No choice of this id stands before this step."))
        return
    options = choice.get("options")
    known = {one.get("id") for one in options if isinstance(one, dict)} if isinstance(options, list) else set()
    for name in when["is"]:
        if not isinstance(name, str) or name not in known:
            yield Fault(where, _("That choice has no option %s.") % name)


def _facts(where: str, facts: object) -> Iterator[Fault]:
    known = isinstance(facts, list) and all(
        isinstance(one, str) and (one in FACTS or _TOLD.fullmatch(one)) for one in facts
    )
    if not known:
        yield Fault(where, _("A list of: %s, told:AGENCY.") % ", ".join(FACTS))


def _pair(where: str, text: object) -> Iterator[Fault]:
    whole = isinstance(text, dict) and text.keys() == {"ko", "en"} and all(_storable(one) for one in text.values())
    if not whole:
        yield Fault(where, _("A text of 1 to %d characters in Korean (ko) and in English (en).") % TEXT_LENGTH)


def _storable(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text.strip()) <= TEXT_LENGTH and storable(text)


def _whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
