"""A town at work: events at a rate, some of them again, fires among them, and an operator who relays and revokes."""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ocenter.soak.clients import Event, Operator, Sender, SentLog, event_apart, event_at
from ocenter.soak.installation import Installation

TICK_SECONDS: Final = 0.5
CODES: Final = ("BEL-01", "CRM-04", "TRF-1", "VCA-01", "EMS-01")
ACT_SECONDS: Final = 0.4


@dataclass
class Mixture:
    """What is sent: events a minute, the share of repeats among them, and of new ones the share of fires and of
    further messages about a fire, which its agency hears as updates."""

    per_minute: float = 1200
    repeats: float = 0.3
    fires: float = 0.2
    revisions: float = 0.1


@dataclass
class Load:
    """One sender's work under one mark, until stopped."""

    installation: Installation
    mark: str
    mixture: Mixture = field(default_factory=Mixture)
    log: SentLog = field(default_factory=SentLog)
    fires: list[Event] = field(default_factory=list)
    _stopping: bool = False

    async def run(self) -> SentLog:
        """Sends a batch every half second, late ones not waiting for each other; after `stop` waits for the answers."""
        chance, number, known = random.Random(self.mark), 0, []
        async with Sender(self.installation, self.log) as sender, asyncio.TaskGroup() as group:
            while not self._stopping:
                size = max(1, round(self.mixture.per_minute / 60 * TICK_SECONDS))
                batch: list[Event] = []
                for _ in range(size):
                    if known and chance.random() < self.mixture.repeats:
                        batch.append(chance.choice(known))
                    else:
                        batch.append(self._new(chance, number))
                        number += 1
                known += batch
                del known[:-2000]
                group.create_task(sender.send(_each_once(batch)))
                await asyncio.sleep(TICK_SECONDS)
        return self.log

    def stop(self) -> None:
        """No new batches."""
        self._stopping = True

    def _new(self, chance: random.Random, number: int) -> Event:
        drawn = chance.random()
        if drawn < self.mixture.fires:
            self.fires.append(event_apart(f"{self.mark}-f"))
            return self.fires[-1]
        if drawn < self.mixture.fires + self.mixture.revisions and self.fires:
            return revision(chance.choice(self.fires), number)
        lat, lon = chance.uniform(36.28, 36.42), chance.uniform(127.33, 127.47)
        return event_at(self.mark, number, chance.choice(CODES), lat, lon)


def revision(fire: Event, number: int) -> Event:
    """A later message of the source about the same fire."""
    now = datetime.now(UTC).isoformat()
    return {**fire, "id": f"{fire['id']}.{number}", "subject": fire["id"], "occurred_at": now, "summary": f"{number}보"}


def _each_once(batch: list[Event]) -> list[Event]:
    return list({one["id"]: one for one in batch}.values())


class OperatorAtWork(threading.Thread):
    """Relays every other bell to 112 and revokes some fires, so that agencies get second messages; refusals are his own."""

    def __init__(self, load: Load, operator: Operator) -> None:
        super().__init__(name="operator", daemon=True)
        self._load, self._operator = load, operator
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until `stop`."""
        done, chance = set[str](), random.Random(self._load.mark)
        while not self._stopping.wait(ACT_SECONDS):
            fires = {one["id"] for one in self._load.fires}
            fresh = [
                (one, number)
                for one, (_, number) in list(self._load.log.answers.items())
                if number and number not in done
            ]
            if not fresh:
                continue
            event, number = chance.choice(fresh)
            done.add(number)
            if event in fires:
                self._operator.try_to(number, "false-alarm", reason="sensor_fault")
            else:
                self._operator.try_to(number, "relay", agency="police112")

    def stop(self) -> None:
        """Ends it and waits."""
        self._stopping.set()
        self.join(60)
