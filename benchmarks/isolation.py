"""One agency a black hole: do the others wait? (invariant I5)

    python -m benchmarks.isolation [--rounds 5] [--relays 60] [--lost 100]

Relays to three agencies in turn, by an operator over REST, first with 119 well, then with 119 a black hole that
`lost` fires are on their way to; so in every round. Latency runs from the ledger row of the request to the agency's
door. The ratio of the two p95 is what counts: 1.1 at most.
"""

from __future__ import annotations

import time
import uuid
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from aiohttp import web

from benchmarks import bench
from benchmarks.relay import Agency, requested_at
from linkage.simulators.proxy import NO_FAULT, Fault, FaultProxy
from ocenter.soak.backstage import Backstage, until
from ocenter.soak.books import Auditor
from ocenter.soak.clients import Operator, event_apart, send_all
from ocenter.soak.drill import proxy_before_agency
from ocenter.soak.ways import leading_to
from tests.stack import Stack

OTHERS = ("police112", "disaster", "justice")
PAUSE_SECONDS = 0.03


async def open_door(agency: Agency) -> tuple[web.AppRunner, int]:
    """The three agencies as one bare server in this process."""
    app = web.Application()
    app.router.add_post("/{path:.*}", agency.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]


def latencies(stack: Stack, backstage: Backstage, agency: Agency, operator: Operator, count: int) -> list[float]:
    """Seconds from request to door of `count` relays, to the three in turn."""
    mark = uuid.uuid4().hex[:6]
    log = backstage.run(send_all(stack, [event_apart(mark, "CRM-04") for _ in range(count)]))
    numbers = log.incidents()
    for n, number in enumerate(numbers):
        operator.act(number, "relay", agency=OTHERS[n % len(OTHERS)])
        time.sleep(PAUSE_SECONDS)
    until(lambda: set(numbers) <= set(agency.at), 60, "a relay did not arrive")
    requested: dict[str, datetime] = requested_at(stack, numbers)
    return [(agency.at[number] - requested[number]).total_seconds() for number in numbers]


def measure(stack: Stack, given: Any) -> None:
    """All rounds, well and holed in turn, then the medians."""
    agency, auditor, operator = Agency(), Auditor(stack), Operator(stack).sign_in()
    well, holed = [], []
    with Backstage() as backstage, proxy_before_agency(auditor, backstage) as hole, ExitStack() as ways:
        runner, port = backstage.run(open_door(agency))
        for one in OTHERS:
            ways.enter_context(leading_to(auditor, one, "127.0.0.1", port))
        latencies(stack, backstage, agency, operator, 15)  # warms up
        for _ in range(given.rounds):
            well.append(latencies(stack, backstage, agency, operator, given.relays))
            lost = _begin_hole(stack, backstage, hole, given.lost)
            holed.append(latencies(stack, backstage, agency, operator, given.relays))
            backstage.run(hole.set(NO_FAULT))
            until(lambda lost=lost: not auditor.unsettled(lost), 120, "what the hole had swallowed did not arrive")
        backstage.run(runner.cleanup())
    _print(well, holed, given)


def _begin_hole(stack: Stack, backstage: Backstage, hole: FaultProxy, lost: int) -> list[str]:
    backstage.run(hole.set(Fault("blackhole")))
    log = backstage.run(send_all(stack, [event_apart(uuid.uuid4().hex[:6]) for _ in range(lost)]))
    until(lambda: hole.struck, 15, "nothing fell into the hole")
    return log.incidents()


def _print(well: list[list[float]], holed: list[list[float]], given: Any) -> None:
    bench.say(
        f"{given.rounds} rounds of {given.relays} relays to {len(OTHERS)} agencies",
        "median / p95 / p99 ms, all together",
    )
    bench.say("  all well", bench.spread_ms([one for part in well for one in part]))
    bench.say(
        f"  119 a black hole with {given.lost} relays in it", bench.spread_ms([one for part in holed for one in part])
    )
    before, after = (bench.median([bench.percentile(part, 0.95) for part in parts]) for parts in (well, holed))
    bench.say(
        "  p95, median of the rounds: well, holed, ratio",
        f"{1000 * before:.1f} ms, {1000 * after:.1f} ms, {after / before:.2f}",
    )


def main() -> None:
    """Starts a stack and measures."""
    given = bench.options(__doc__ or "", rounds=5, relays=60, lost=100)
    with bench.running_stack() as stack:
        measure(stack, given)


if __name__ == "__main__":
    main()
