"""Relays through kills: each takes effect at the agency exactly once, whatever dies meanwhile."""

import time
from functools import partial

import pytest

from tests.chaos.room import until

pytestmark = [pytest.mark.live, pytest.mark.slow]

# The supervisor waits longer after each death in a row: ten kills would take a minute and a half of waiting.
KILLS, FIRES_A_KILL = 4, 125


def test_the_worker_is_killed_again_and_again_during_five_hundred_relays(room, figures):
    started, numbers, pid = time.monotonic(), [], 0
    for _ in range(KILLS):
        pid = room.stack.wait_for_restart("worker", pid)
        numbers += (new := room.report(FIRES_A_KILL))
        # In the middle of its work, not before and not after.
        until(partial(room.arrived, new), 30, "no relay of this round arrived")
        room.kill("worker")
    received, attempts = room.expect_each_once(numbers)
    figures(
        f"{KILLS * FIRES_A_KILL} relays, worker killed -9 {KILLS} times: {len(room.arrived(numbers))} effects at the agency, "
        f"{len(set(numbers))} incidents, none missing, none twice; {received} arrivals, {attempts} attempts settled; "
        f"{time.monotonic() - started:.0f} s"
    )
    assert len(set(numbers)) == KILLS * FIRES_A_KILL


def test_redis_answers_nobody_and_relays_go_on(room, figures):
    took, accepted = [], []
    room.freeze("redis")
    try:
        for _ in range(5):
            started = time.monotonic()
            numbers = room.report(1)
            accepted.append(time.monotonic() - started)
            until(partial(room.arrived, numbers), 15, "not delivered without Redis")
            took.append(time.monotonic() - started)
            room.expect_each_once(numbers)
    finally:
        room.thaw("redis")
    figures(
        f"Redis frozen: event accepted after at most {max(accepted):.1f} s, at the agency after "
        f"{sorted(took)[2]:.1f} s (median of 5), at most {max(took):.1f} s"
    )
    assert max(accepted) < 3
    assert max(took) < 5


def test_sweeper_and_worker_are_killed_together(room, figures):
    numbers = room.report(40)
    pids = {name: room.kill(name) for name in ("sweeper", "worker")}
    numbers += room.report(40)
    started = time.monotonic()
    for name, pid in pids.items():
        room.stack.wait_for_restart(name, pid)
    received, _ = room.expect_each_once(numbers)
    figures(
        f"80 relays, sweeper and worker killed -9 together: 80 effects, {received} arrivals, "
        f"all delivered {time.monotonic() - started:.0f} s later"
    )
