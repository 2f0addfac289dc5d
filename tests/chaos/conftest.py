"""A stack to be killed piece by piece, and the figures each test leaves, printed at the end of the run."""

from __future__ import annotations

import pytest

from ocenter.soak.matrix import as_markdown
from tests.chaos.room import Room
from tests.stack import Stack

_FIGURES: list[str] = []
_LINES: list = []


@pytest.fixture(scope="session")
def chaos_stack():
    """Agencies at a hundredth of their pace: they take messages and are silent for minutes."""
    stack = Stack(OCENTER_CITY_RATE="0", OCENTER_AGENCIES_SPEED="0.01")
    try:
        yield stack.start()
    finally:
        stack.remove()


@pytest.fixture
def room(chaos_stack):
    """The stack as the tests see it: its database, its agencies, its people."""
    with Room(chaos_stack) as room:
        yield room


@pytest.fixture(scope="session")
def figures():
    """Call it with a line to be quoted."""
    return _FIGURES.append


@pytest.fixture(scope="session")
def matrix():
    """Call it with lines of the matrix, to be printed together."""
    return _LINES.extend


def pytest_terminal_summary(terminalreporter):
    """The figures, after the results."""
    if _FIGURES or _LINES:
        terminalreporter.section("chaos, in figures")
        for line in _FIGURES:
            terminalreporter.write_line(line)
        if _LINES:
            terminalreporter.write_line("")
            terminalreporter.write_line(as_markdown(_LINES))
