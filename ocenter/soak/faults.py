"""What a soak breaks: one function a fault, which breaks, waits and mends. Everything it kills, the supervisor brings back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psycopg2
import redis

from linkage.simulators.proxy import NO_FAULT, Fault, FaultProxy, http_reply
from ocenter.soak.backstage import Backstage, TimedOut, until
from ocenter.soak.books import Auditor
from ocenter.soak.installation import Installation
from ocenter.soak.partition import PORT, THEIRS, Partition, why_not
from ocenter.soak.ways import leading_to

RESTART_SECONDS: Final = 60


@dataclass
class Scene:
    """What a fault may touch: the installation, and the proxy on the way to 119. `scale` shortens its waits."""

    installation: Installation
    auditor: Auditor
    backstage: Backstage
    proxy: FaultProxy
    scale: float = 1.0

    def wait(self, seconds: float) -> None:
        """Waits, scaled."""
        time.sleep(seconds * self.scale)

    def kill(self, *names: str, number: int = signal.SIGKILL) -> None:
        """Kills them together and waits until all are back."""
        pids = {name: self.installation.kill(name, number) for name in names}
        for name, pid in pids.items():
            self.installation.wait_for_restart(name, pid, seconds=RESTART_SECONDS)

    def agency(self, fault: Fault) -> None:
        """What the way to 119 does from now on."""
        self.backstage.run(self.proxy.set(fault))


@dataclass(frozen=True)
class SoakFault:
    """A fault of the matrix: its name, the invariant it tries, the processes it needs, and what it does.
    `per_minute`: events to send meanwhile, where it is not the usual number; `repeats`: how many of them again."""

    name: str
    invariant: str
    strike: Callable[[Scene], None]
    needs: frozenset[str] = frozenset()
    per_minute: float | None = None
    repeats: float | None = None
    why_not: Callable[[], str] = lambda: ""  # what is missing here; empty where it can be done


def nothing(scene: Scene) -> None:
    """The load alone: what everything else is compared with."""
    scene.wait(10)


def worker_killed(scene: Scene) -> None:
    """kill -9, four times, in the middle of its work."""
    for _ in range(4):
        scene.kill("worker")
        scene.wait(1)


def worker_and_sweeper_killed_unanswered(scene: Scene) -> None:
    """Both killed while the agency's replies hang on the wire: it has taken effect and we do not know."""
    scene.agency(Fault("hold_reply"))
    try:
        until(lambda: scene.proxy.holding, 15, "nothing was on the wire")
        scene.kill("worker", "sweeper")
    finally:
        scene.backstage.run(scene.proxy.reset())
        scene.agency(NO_FAULT)


def web_killed(scene: Scene) -> None:
    """One web process after the other, then both."""
    webs = sorted(name for name in scene.installation.names if name.startswith("web-"))
    for names in [*([one] for one in webs), webs]:
        scene.kill(*names)
        scene.wait(2)


def sweeper_killed(scene: Scene) -> None:
    """kill -9 with the worker frozen, so that the sweeper was the one at work."""
    scene.installation.freeze("worker")
    try:
        scene.wait(3)
        scene.kill("sweeper")
        scene.wait(3)
    finally:
        scene.installation.thaw("worker")


def bell_flushed(scene: Scene) -> None:
    """FLUSHALL, five times."""
    for _ in range(5):
        with redis.Redis.from_url(scene.installation.redis_url, socket_timeout=2) as client:
            client.flushall()
        scene.wait(2)


def bell_killed(scene: Scene) -> None:
    """kill -9 of Redis, three times."""
    for _ in range(3):
        scene.kill("redis")
        scene.wait(3)


def bell_away(scene: Scene) -> None:
    """Redis holds its connections and answers nobody for a minute."""
    scene.installation.freeze("redis")
    try:
        scene.wait(60)
    finally:
        scene.installation.thaw("redis")


def worker_stopped_bell_flapping(scene: Scene) -> None:
    """The worker stands still while Redis comes and goes."""
    scene.installation.freeze("worker")
    try:
        for _ in range(5):
            scene.installation.freeze("redis")
            scene.wait(2)
            scene.installation.thaw("redis")
            scene.wait(1)
    finally:
        scene.installation.thaw("worker")


def database_restarted(scene: Scene) -> None:
    """A fast shutdown: sessions ended, checkpoint, and back."""
    scene.kill("postgres", number=signal.SIGINT)
    scene.wait(3)


def database_stopped_at_once(scene: Scene) -> None:
    """An immediate stop, then kill -9 of the postmaster: recovery from the log, twice."""
    scene.kill("postgres", number=signal.SIGQUIT)
    until(lambda: _answers(scene), RESTART_SECONDS, "PostgreSQL did not come back")
    scene.kill("postgres")
    until(lambda: _answers(scene), RESTART_SECONDS, "PostgreSQL did not come back")


def connections_cut(scene: Scene) -> None:
    """Every session of ours ended by the server, five times."""
    for _ in range(5):
        scene.auditor.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        scene.wait(1)


def rolling_restart(scene: Scene) -> None:
    """Web, worker, sweeper and collector ended politely one after another, as a deployment does."""
    for name in sorted(
        one for one in scene.installation.names if one.startswith(("web-", "worker", "sweeper", "collector"))
    ):
        scene.kill(name, number=signal.SIGTERM)
        scene.wait(3)


def partitioned(scene: Scene) -> None:
    """Every packet between us and 119 dropped for five minutes, in the middle of its messages."""
    way = Partition(scene.backstage, scene.proxy.upstream)
    with way, leading_to(scene.auditor, "fire119", THEIRS, PORT):
        scene.wait(10)
        way.cut()
        scene.wait(300)
        way.mend()
        scene.wait(10)


def on_the_way(fault: Fault, seconds: float) -> Callable[[Scene], None]:
    """A fault on the way to 119 for so long."""

    def strike(scene: Scene) -> None:
        scene.agency(fault)
        try:
            scene.wait(seconds)
        finally:
            scene.agency(NO_FAULT)

    return strike


def _answers(scene: Scene) -> bool:
    try:
        return bool(scene.auditor.value("SELECT 1"))
    except psycopg2.Error:
        return False


def _agency(name: str, fault: Fault, seconds: float = 15) -> SoakFault:
    return SoakFault(f"agency: {name}", "I2, I6", on_the_way(fault, seconds))


BUSY: Final = http_reply(429, b"later", Retry_After="3")
_BOTH: Final = frozenset({"worker", "sweeper"})

FAULTS: Final[tuple[SoakFault, ...]] = (
    SoakFault("none", "all", nothing),
    SoakFault("worker killed", "I2", worker_killed, frozenset({"worker"})),
    SoakFault("worker and sweeper killed, replies on the wire", "I2", worker_and_sweeper_killed_unanswered, _BOTH),
    SoakFault("sweeper killed", "I2, I6", sweeper_killed, _BOTH),
    SoakFault("web killed", "I1, I4", web_killed, frozenset({"web-1"})),
    SoakFault("Redis flushed", "I2, I4", bell_flushed),
    SoakFault("Redis killed", "I2, I4", bell_killed, frozenset({"redis"})),
    SoakFault("Redis away 60 s", "I2, I4", bell_away, frozenset({"redis"})),
    SoakFault("worker stopped, Redis flapping", "I2", worker_stopped_bell_flapping, frozenset({"worker", "redis"})),
    SoakFault("PostgreSQL restarted", "I1, I2, I4", database_restarted, frozenset({"postgres"})),
    SoakFault("PostgreSQL stopped at once, killed", "I1, I2, I4", database_stopped_at_once, frozenset({"postgres"})),
    SoakFault("database connections cut", "I1, I2, I4", connections_cut),
    SoakFault("rolling restart", "I1, I2, I4", rolling_restart, _BOTH),
    _agency("nobody listens", Fault("refuse")),
    _agency("black hole", Fault("blackhole"), 20),
    _agency("answers lost, 30 %", Fault("ackloss", rate=0.3)),
    _agency("slow, 1 s", Fault("slow", delay_s=1)),
    _agency("drips", Fault("drip", rate=0.3, delay_s=0.5)),
    _agency("cut in the request, 30 %", Fault("cut_request", rate=0.3, keep=200)),
    _agency("cut in the reply, 30 %", Fault("cut_reply", rate=0.3)),
    _agency("429, Retry-After", Fault("answer", rate=0.5, reply=BUSY)),
    _agency("503", Fault("answer", rate=0.5, reply=http_reply(503))),
    SoakFault("partition worker ↔ agency", "I2, I5, I6", partitioned, why_not=why_not),
    SoakFault("storm: 10,000 events a minute, 70 % repeats", "I1, I4, I9", nothing, per_minute=10_000, repeats=0.7),
)  # fmt: skip

__all__ = ["FAULTS", "Scene", "SoakFault", "TimedOut"]
