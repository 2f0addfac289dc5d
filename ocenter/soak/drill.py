"""The soak itself: load on, a fault, mended, everything settled, books compared; then the next fault."""

from __future__ import annotations

import random
import time
import urllib.error
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

import psycopg2
import redis

from linkage.simulators.proxy import FaultProxy
from ocenter.soak.backstage import Backstage, TimedOut, until
from ocenter.soak.books import Auditor
from ocenter.soak.clients import Listener, Operator, SentLog
from ocenter.soak.faults import FAULTS, Scene, SoakFault
from ocenter.soak.installation import Installation
from ocenter.soak.load import Load, Mixture, OperatorAtWork
from ocenter.soak.matrix import Line
from ocenter.soak.ways import agency_address, leading_to

WARM_SECONDS: Final = 2.0
# The retry ladder's longest step, its jitter, a lease and a supervisor's longest pause together.
RECOVERY_SECONDS: Final = 120.0
THROUGH_PROXY: Final = "fire119"


class Drill:
    """One soak of one installation; `say` is told each line as it is known."""

    def __init__(self, installation: Installation, *, say: Callable[[str], None], scale: float = 1.0) -> None:
        self.installation = installation
        self._say = say
        self._scale = scale
        self.lines: list[Line] = []

    def run(self, *, seconds: float, faults: Sequence[SoakFault] = FAULTS, seed: int = 0) -> list[Line]:
        """Round after round, shuffled after the first, until the time is over; a fault begun is finished."""
        deadline, chance = time.monotonic() + seconds, random.Random(seed)
        auditor = Auditor(self.installation)
        with Backstage() as backstage, proxy_before_agency(auditor, backstage) as proxy:
            scene = Scene(self.installation, auditor, backstage, proxy, self._scale)
            queue = list(faults)
            while True:
                for fault in queue:
                    if time.monotonic() >= deadline:
                        return self.lines
                    self._one(scene, fault)
                chance.shuffle(queue)

    def _one(self, scene: Scene, fault: SoakFault) -> None:
        if reason := self._why_not(fault):
            self._say(f"– {fault.name}: {reason}")
            return
        self._say(f"… {fault.name}")
        until(self.installation.whole, RECOVERY_SECONDS, "the installation is not whole; nothing can be tried on it")
        operator = Operator(self.installation).sign_in()
        listener = Listener(
            self.installation, headers=operator.headers, municipality=self.installation.demo["municipality"]
        )
        listening = scene.backstage.start(listener.listen())
        try:
            line = self._under_load(scene, fault, operator, listener)
        finally:
            listening.cancel()
        self.lines.append(line)
        self._say("  ".join(line.cells))
        for breach in line.balance.broken:
            self._say(f"    broken: {breach}")

    def _why_not(self, fault: SoakFault) -> str:
        missing = fault.needs - self.installation.names
        return f"{', '.join(sorted(missing))} not started here" if missing else fault.why_not()

    def _under_load(self, scene: Scene, fault: SoakFault, operator: Operator, listener: Listener) -> Line:
        until(lambda: listener.heard.snapshots, 30, "the socket showed nothing")
        load = Load(self.installation, uuid.uuid4().hex[:8], _mixture(fault))
        sending, working = scene.backstage.start(load.run()), OperatorAtWork(load, operator)
        working.start()
        time.sleep(WARM_SECONDS)
        problems: list[str] = []
        try:
            fault.strike(scene)
        except (TimedOut, OSError, RuntimeError, psycopg2.Error, redis.RedisError) as error:
            problems.append(f"the fault could not be carried through: {error}")
        mended = time.monotonic()
        working.stop()
        load.stop()
        problems += self._await_calm(scene, load.log, sending, listener)
        recovery = time.monotonic() - mended
        balance = scene.auditor.balance(load.log, heard=listener.heard)
        balance.broken += problems
        return Line(fault.name, fault.invariant, balance, recovery)

    def _await_calm(self, scene: Scene, log: SentLog, sending: Future[SentLog], listener: Listener) -> list[str]:
        """Until every answer is in, every message settled, the socket level with the ledger, every process up."""

        def calm() -> bool:
            try:
                numbers = [number for number in scene.auditor.stored(log.sent).values() if number]
                return (
                    sending.done()
                    and self.installation.whole()
                    and not scene.auditor.unsettled(numbers)
                    and listener.heard.last >= scene.auditor.head()
                )
            except (psycopg2.Error, urllib.error.URLError):
                return False

        try:
            until(calm, RECOVERY_SECONDS, f"not calm {RECOVERY_SECONDS:g} s after the fault was mended")
        except TimedOut as error:
            return [str(error)]
        return []


def _mixture(fault: SoakFault) -> Mixture:
    usual = Mixture()
    return Mixture(
        fault.per_minute or usual.per_minute, usual.repeats if fault.repeats is None else fault.repeats, usual.fires
    )


@contextmanager
def proxy_before_agency(auditor: Auditor, backstage: Backstage, slug: str = THROUGH_PROXY) -> Iterator[FaultProxy]:
    """A proxy between us and an agency of the demo city; its endpoint is put back at the end."""
    proxy = FaultProxy(agency_address(auditor, slug))
    backstage.run(proxy.start())
    try:
        with leading_to(auditor, slug, "127.0.0.1", proxy.port):
            yield proxy
    finally:
        backstage.run(proxy.stop())


def all_hold(lines: Sequence[Line]) -> bool:
    """Whether no invariant was broken, and something was tried at all."""
    return bool(lines) and not any(line.balance.broken for line in lines)
