"""Child processes that are brought back when they die: the supervisor's working half."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 15.0
# One that has lived this long has proved itself: its next restart is quick again.
PROVEN_AFTER_SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass
class Child:
    """One process to keep alive: `launch` starts it, and starts it again after it died."""

    name: str
    launch: Callable[[], subprocess.Popen]
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen | None = field(default=None, init=False)
    failures: int = field(default=0, init=False)
    started_at: float = field(default=0.0, init=False)
    due_at: float = field(default=0.0, init=False)

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it now."""
        self.process = self.launch()
        self.started_at = time.monotonic()

    def adopt(self, process: subprocess.Popen) -> None:
        """Watch a process that was started elsewhere."""
        self.process, self.started_at = process, time.monotonic()

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it still lives."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def delay_after_death(self) -> float:
        """Seconds to wait before the next start: doubling from half a second, at most fifteen."""
        if time.monotonic() - self.started_at > PROVEN_AFTER_SECONDS:
            self.failures = 0
        delay = min(FIRST_DELAY_SECONDS * 2**self.failures, LONGEST_DELAY_SECONDS)
        self.failures += 1
        return delay


class Family:
    """All children: looks after the dead, stops the living in order."""

    def __init__(self, *, say: Callable[[str], None]) -> None:
        self.children: list[Child] = []
        self._say = say

    def add(self, child: Child) -> Child:
        """Look after one more."""
        self.children.append(child)
        return child

    def pids(self) -> dict[str, int]:
        """Name → pid of those that live."""
        return {child.name: child.process.pid for child in self.children if child.process and child.alive}

    def look_after(self) -> bool:
        """Notice deaths, restart whoever is due. Returns whether anything changed. Call it twice a second."""
        changed = False
        for child in self.children:
            if child.process is None or child.alive:
                continue
            now = time.monotonic()
            if not child.due_at:
                delay = child.delay_after_death()
                child.due_at = now + delay
                self._say(f"{child.name} {ending(child.process.returncode)}; starting it again in {delay:g} s")
                changed = True
            elif now >= child.due_at:
                child.due_at = 0.0
                child.start()
                changed = True
        return changed

    def stop(self, names: set[str], *, patience_s: float) -> None:
        """End the named children together; whoever is left after `patience_s` seconds is killed. Safe to repeat."""
        chosen = [child for child in self.children if child.name in names]
        for child in chosen:
            child.send(child.stop_signal)
        deadline = time.monotonic() + patience_s
        while any(child.alive for child in chosen) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        for child in chosen:
            if child.alive:
                self._say(f"{child.name} did not stop within {patience_s:g} s and was killed")
                child.send(signal.SIGKILL)
        for child in chosen:
            if child.process:
                child.process.wait()


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    return f"was ended by {signal.Signals(-code).name}"
