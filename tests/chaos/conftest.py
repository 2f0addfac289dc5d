"""A stack to be killed piece by piece, and the figures each test leaves, printed at the end of the run."""

from __future__ import annotations

import pytest

from ocenter.soak.matrix import row_of
from tests.chaos.room import Room
from tests.stack import Stack


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


@pytest.fixture
def figures(request):
    """Call it with a line to be quoted."""
    return lambda line: request.node.user_properties.append(("figure", line))


@pytest.fixture
def matrix(request):
    """Call it with lines of the matrix, to be printed together."""
    return lambda lines: request.node.user_properties.extend(("matrix", row_of(line.cells)) for line in lines)
