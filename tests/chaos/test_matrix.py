"""Every fault `manage.py soak` knows, each once, shortened: the books agree after each.

OCENTER_CHAOS_SCALE (default 0.2) says how long the faults last, beside the soak's own 1.
"""

import os

import pytest

from ocenter.soak.drill import Drill
from ocenter.soak.faults import FAULTS

pytestmark = [pytest.mark.live, pytest.mark.slow]

SCALE = float(os.environ.get("OCENTER_CHAOS_SCALE", "0.2"))
LONG = {"partition worker ↔ agency": 0.3}  # of five minutes
# Shown elsewhere with stopping points of their own.
ELSEWHERE = {"storm: 10,000 events a minute, 70 % repeats", "worker and sweeper killed, replies on the wire"}


@pytest.mark.parametrize("fault", [one for one in FAULTS if one.name not in ELSEWHERE], ids=lambda one: one.name)
def test_the_books_agree_after(fault, chaos_stack, matrix):
    if reason := fault.why_not():
        pytest.skip(reason)
    scale = SCALE * LONG.get(fault.name, 1)
    lines = Drill(chaos_stack, say=print, scale=scale).run(seconds=0.5, faults=[fault])
    matrix(lines)
    assert [line.balance.broken for line in lines] == [[]]
    assert lines[0].balance.relays.sent, "nothing was relayed meanwhile"
