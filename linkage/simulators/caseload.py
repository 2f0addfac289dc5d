"""The cases an agency opens itself: when, what they become, and the envelopes that tell ocenter.

A case is its script and how far it has come. Each step is one transaction that saves the case and the
message it owes, so that a restarted agency goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from linkage.simulators import casebook
from linkage.simulators.casebook import Owed
from linkage.simulators.config import Installation
from linkage.simulators.envoy import ASK, Envoy
from linkage.simulators.geometry import Point
from linkage.simulators.journal import Journal
from linkage.simulators.ledger import now_kst
from linkage.simulators.services import SERVICES, Ground, Service, Step, base_of

FIRST_CASE_SECONDS = 20.0
"""Nobody opens a case before this: ocenter is still starting."""
PHASES = {"NEW": "open", "UPDATE": "open", "CANCEL": "cancelled", "CLOSE": "closed", ASK: "asking"}


@dataclass
class OwnCase:
    """One case of the agency's own. ``due_at`` is in Unix seconds, so that it holds across a restart."""

    number: str
    steps: list[dict[str, Any]]
    """Those still to come."""
    due_at: float
    envelope: dict[str, Any]
    """The fields as they are now; every message carries them whole."""
    sent: int = 0
    phase: str = "asking"
    ended: bool = field(default=False)

    def take_step(self) -> Owed:
        """The next message; the case is then as it is after it."""
        step = Step(**self.steps.pop(0))
        self.sent += 1
        self.phase, self.ended = PHASES[step.type], not self.steps
        number = f"{self.number}-{self.sent}"
        if step.type == ASK:
            return Owed(number, self.number, ASK, step.fields)
        self.envelope |= step.fields
        if isinstance(self.envelope.get("track"), list):
            here = {"at": now_kst(), "lat": self.envelope["lat"], "lon": self.envelope["lon"]}
            self.envelope["track"] = [*self.envelope["track"], here]
        message = {"msg_id": number, "msg_type": step.type, **self.envelope, "occurred_at": now_kst()}
        return Owed(number, self.number, step.type, message)


class Caseload:
    """An agency's own cases: opened at random moments of a seeded story, or when somebody asks for one."""

    def __init__(
        self,
        slug: str,
        journal: Journal,
        envoy: Envoy,
        installation: Callable[[], Installation],
        *,
        speed: float,
        per_minute: float,
        own_url: str,
    ) -> None:
        self.slug = slug
        self.speed = speed
        self.per_minute = per_minute
        self._journal = journal
        self._envoy = envoy
        self._installation = installation
        self._own_url = own_url
        self._cases: dict[str, OwnCase] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def service(self) -> Service | None:
        """What the agency does; None for a slug nobody wrote a script for."""
        return SERVICES.get(base_of(self.slug))

    async def resume(self) -> None:
        """Go on with the cases an earlier process left open, and open new ones."""
        for body in await self._journal.run(casebook.open_cases):
            self._begin(OwnCase(**body))
        await self._envoy.resume()
        if self.service is not None:
            self._start(self._open_some())

    async def close(self) -> None:
        """Stop; open cases stay in the casebook for the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._envoy.close()

    def set_speed(self, speed: float) -> None:
        """Change the pace of the cases under way; how often new ones open is ``set_rate``'s."""
        ratio, now = self.speed / speed, time.time()
        self.speed = speed
        for case in self._cases.values():
            case.due_at = now + (case.due_at - now) * ratio
        self._wake()

    def set_rate(self, per_minute: float) -> None:
        """Change how many cases open in a minute; 0: none."""
        self.per_minute = per_minute
        self._wake()

    async def open(self) -> str:
        """Open a case now; its number. Raises LookupError where the agency has no cases of its own."""
        service = self.service
        if service is None:
            raise LookupError(self.slug)
        tag, count = await self._journal.run(casebook.next_number)
        seed = self._installation().seed
        script = service.script(random.Random(f"{seed} {self.slug} {count}"), self._ground())
        case = self._new_case(f"{service.org}-{tag}-{count:05d}", service, script)
        await self._step(case)
        self._begin(case)
        return case.number

    def _new_case(self, number: str, service: Service, script: list[Step]) -> OwnCase:
        envelope = {
            "source_org": service.org,
            "source_event_no": number,
            "callback_url": f"{self._address()}/{self.slug}/cases/{number}/status",
        }
        return OwnCase(number, [asdict(step) for step in script], time.time(), envelope)

    def _address(self) -> str:
        return self._installation().agencies_url or self._own_url

    def _ground(self) -> Ground:
        centre = self._installation().centres.get(self.slug)
        return Ground(Point(*centre)) if centre else Ground()

    async def _open_some(self) -> None:
        """Open cases as the rate has it, for ever. Without a key there is nobody to tell."""
        draw = random.Random(f"{self._installation().seed} {self.slug} moments {time.time_ns()}")
        await asyncio.sleep(FIRST_CASE_SECONDS * draw.uniform(1, 2))
        while True:
            pause = draw.expovariate(self.per_minute / 60) if self.per_minute > 0 else 3600.0
            if await self._sleep(pause) and self.per_minute > 0 and self.slug in self._installation().agency_keys:
                await self.open()

    def _begin(self, case: OwnCase) -> None:
        if case.ended:
            return
        self._cases[case.number] = case
        self._start(self._live(case))

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, case: OwnCase) -> None:
        """Take a case through its script, each step when it is due."""
        while not case.ended:
            while (left := case.due_at - time.time()) > 0:
                await self._sleep(left)
            await self._step(case)
        self._cases.pop(case.number, None)

    async def _step(self, case: OwnCase) -> None:
        message = case.take_step()
        if case.steps:
            case.due_at = time.time() + case.steps[0]["after_s"] / self.speed
        save = partial(casebook.save_case, number=case.number, body=asdict(case), ended=case.ended, message=message)
        await self._journal.run(save)
        self._envoy.send(message)

    async def _sleep(self, seconds: float) -> bool:
        """Sleep, but wake when pace or rate change; whether the time is over."""
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
