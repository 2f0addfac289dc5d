"""Ten thousand relays while three exchanges in ten fail and worker and Redis are killed again and again.

    python -m benchmarks.endurance [--relays 10000] [--chapters 1000] [--kill-every 15]

Every relay has its create message; `chapters` of them also an update and a cancel, as their source goes on. The
proxy before 119 strikes 30 % of the exchanges, in turn with lost replies, cut requests, 503 and cut replies, and
between them refuses everybody for half a second and swallows some for ten. At the end the agency's own ledger has
to hold every message once, in order within each relay.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

from benchmarks import bench
from linkage.simulators.proxy import NO_FAULT, Fault, FaultProxy, http_reply
from ocenter.soak.backstage import Backstage, until
from ocenter.soak.books import Auditor
from ocenter.soak.clients import Event, SentLog, event_apart, send_all
from ocenter.soak.drill import proxy_before_agency
from ocenter.soak.load import revision
from tests.stack import Stack

FAULTS = (
    Fault("ackloss", 0.3), Fault("cut_request", 0.3, keep=300), Fault("answer", 0.3, reply=http_reply(503)),
    Fault("cut_reply", 0.3, keep=10), Fault("refuse"), Fault("blackhole", 0.02),
)  # fmt: skip
FAULT_SECONDS = 10.0
REFUSAL_SECONDS = 0.5
PLACES = 32  # messages at once that 119 takes: the usual 8 would wait for the black holes' deadlines
BATCH, ROUND = 50, 500


class Trouble:
    """Faults in turn on the wire, kill -9 of worker and Redis in turn, until stopped."""

    def __init__(self, stack: Stack, backstage: Backstage, proxy: FaultProxy, every_s: float) -> None:
        self.struck = self.kills = 0
        self._stack, self._backstage, self._proxy, self._every = stack, backstage, proxy, every_s
        self._over = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._wire, self._processes)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _wire(self) -> None:
        for fault in itertools.cycle(FAULTS):
            self._backstage.run(self._proxy.set(fault))
            over = self._over.wait(REFUSAL_SECONDS if fault.mode == "refuse" else FAULT_SECONDS)
            self.struck += self._proxy.struck
            if over:
                break
        self._backstage.run(self._proxy.set(NO_FAULT))

    def _processes(self) -> None:
        for name in itertools.cycle(("worker", "redis", "sweeper")):
            if self._over.wait(self._every):
                return
            pid = self._stack.kill(name)
            self.kills += 1
            self._stack.wait_for_restart(name, pid, seconds=60)


def _revoked(fire: Event) -> Event:
    return {**revision(fire, 3), "action": "cancel"}


def measure(stack: Stack, given: Any) -> bool:
    """Runs it and prints; whether every claim held."""
    auditor, started = Auditor(stack), time.monotonic()
    with Backstage() as backstage, proxy_before_agency(auditor, backstage) as proxy:
        # What the agency would call back leads nowhere: ten thousand cases' callbacks are another measurement.
        auditor.rows(
            "UPDATE linkage_linkedsystem SET max_concurrent = %s, callback_base_url = 'http://127.0.0.1:9' "
            "WHERE slug = 'fire119'", PLACES,
        )  # fmt: skip
        trouble = Trouble(stack, backstage, proxy, given.kill_every)
        trouble.start()
        log = SentLog()
        for first in range(0, given.relays, ROUND):
            fires = [event_apart("endure") for _ in range(min(ROUND, given.relays - first))]
            share = fires[: given.chapters * ROUND // given.relays]
            for chapter in (fires, [revision(one, 2) for one in share], [_revoked(one) for one in share]):
                backstage.run(send_all(stack, chapter, batch=BATCH, log=log), 600)
        sent_s = time.monotonic() - started
        while len(auditor.unsettled(log.incidents())) > given.relays // 100:
            time.sleep(2)
        trouble.stop()
        mended = time.monotonic()
        until(lambda: not auditor.unsettled(log.incidents()), 300, "not all settled")
        settled_s = time.monotonic() - mended
    until(stack.whole, 60, "the stack is not whole")
    balance = auditor.balance(log)
    by_kind = auditor.rows(
        "SELECT message, count(*) FROM linkage_delivery d JOIN linkage_relay r ON r.id = d.relay_id "
        "WHERE r.subject = ANY(%s) GROUP BY 1 ORDER BY 1", log.incidents(),
    )  # fmt: skip
    bench.say("Incidents, each relayed to 119", f"{given.relays}, and an update and a cancel of {given.chapters}")
    bench.say("Messages by kind", ", ".join(f"{kind} {count}" for kind, count in by_kind))
    bench.say("Messages sent / accepted / in effect / twice / lost", str(balance.relays))
    bench.say("Arrivals, repeats included", str(balance.arrivals))
    bench.say("Exchanges struck; kill -9 of worker, Redis, sweeper in turn", f"{trouble.struck}; {trouble.kills}")
    bench.say(
        "Reported in, under faults until 99 % were settled, the rest after",
        f"{sent_s:.0f} s, {mended - started:.0f} s, {settled_s:.0f} s",
    )
    for breach in balance.broken:
        bench.say("BROKEN", breach[:300])
    return not balance.broken


def main() -> None:
    """Starts a stack, measures, ends with 1 where something was lost, doubled or out of order."""
    given = bench.options(__doc__ or "", relays=10_000, chapters=1_000, kill_every=15)
    with bench.running_stack() as stack:
        good = measure(stack, given)
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
