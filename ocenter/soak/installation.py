"""A whole installation as a subject: started by ourselves or already running, its processes to be killed one by one."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from ocenter.embedded.processes import die_with_parent, free_port
from ocenter.embedded.state import RUNNING_FILE, read_json

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 180
STOP_SECONDS = 15
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


class NotHere(RuntimeError):
    """There is no installation as wanted; the text says why."""


class Installation:
    """Starts `manage.py up` with the demo city in a directory of its own; `environment` is added to ours.

    `base_url`, `agencies_url`: where it answers. `demo`: the content of demo.json (users, keys, municipality).
    `pids()`: name → pid as of now (postgres, redis, web-1, web-2, worker, sweeper, beat, agencies, city).
    `kill(name)`: kill -9 one of them; the supervisor brings it back. `env`: what was added to the environment.
    """

    def __init__(self, **environment: str) -> None:
        self.data_dir = Path(tempfile.mkdtemp(prefix="ocenter-stack-"))
        self.data_dir.chmod(0o711)  # root's PostgreSQL runs as another account and must pass through
        self.port, self.agencies_port = free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.agencies_url = f"http://127.0.0.1:{self.agencies_port}"
        self.env = {
            "OCENTER_DATA_DIR": str(self.data_dir),
            "OCENTER_PORT": str(self.port),
            "OCENTER_AGENCIES_PORT": str(self.agencies_port),
            "OCENTER_DEMO": "1",
            "DJANGO_SETTINGS_MODULE": "ocenter.settings.dev",
            **environment,
        }
        self.process: subprocess.Popen | None = None
        self.demo: dict[str, Any] = {}
        self.names: set[str] = set()

    @classmethod
    def running_in(cls, directory: Path) -> Self:
        """The demo installation that `manage.py up` runs in `directory`. Raises NotHere; never one off this machine."""
        running, demo = read_json(directory / RUNNING_FILE), read_json(directory / "demo.json")
        if not running or not demo:
            raise NotHere(f"no installation with the demo city runs in {directory}")
        found = cls.__new__(cls)
        found.data_dir, found.process, found.demo, found.env = directory, None, demo, {}
        found.base_url, found.agencies_url = running["base_url"], demo["agencies_url"]
        if urlsplit(found.base_url).hostname not in LOOPBACK_HOSTS:
            raise NotHere(f"{found.base_url} is not on the loopback")
        found.names = set(found.pids())
        return found

    def environment(self) -> dict[str, str]:
        """The environment for commands that talk to this installation, such as `manage.py replay`."""
        ours = ("OCENTER_DATABASE_URL", "OCENTER_REDIS_URL")
        return {name: value for name, value in os.environ.items() if name not in ours} | self.env

    def start(self) -> Self:
        """Start and wait for /readyz. Fails with the supervisor's words when it does not come."""
        with (self.data_dir / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # whoever is killed leaves no city behind
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None:
                raise NotHere(f"`manage.py up` ended:\n{self.output()}")
            if time.monotonic() > deadline:
                raise NotHere(f"not ready after {START_SECONDS} s:\n{self.output()}")
            time.sleep(0.1)
        self.names = set(self.pids())
        if self.env["OCENTER_DEMO"] == "1":
            self.demo = read_json(self.data_dir / "demo.json")
        return self

    def stop(self) -> float:
        """Stop by SIGTERM what we started and return the seconds it took. Safe to repeat."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - started

    def remove(self) -> None:
        """Stop and delete everything it wrote."""
        self.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def ready(self) -> bool:
        """Whether /readyz answers 200 now."""
        return self.get("/readyz")[0] == 200

    def whole(self) -> bool:
        """Whether every process runs and /readyz is content."""
        return set(self.pids()) >= self.names and self.ready()

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """GET without credentials: status and JSON body; status 0 when nothing answers."""
        connection = http.client.HTTPConnection(urlsplit(self.base_url).netloc, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    @property
    def database_url(self) -> str:
        """Where its PostgreSQL is."""
        return str(read_json(self.data_dir / RUNNING_FILE)["environment"]["OCENTER_DATABASE_URL"])

    @property
    def redis_url(self) -> str:
        """Where its Redis is."""
        return str(read_json(self.data_dir / RUNNING_FILE)["environment"]["OCENTER_REDIS_URL"])

    def pids(self) -> dict[str, int]:
        """Name → pid of the processes that run now; `supervisor` among them."""
        try:
            return json.loads((self.data_dir / "processes.json").read_text())
        except OSError:
            return {}

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """kill -9 (or another signal) one process by name; returns the pid it had."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def freeze(self, name: str) -> None:
        """Stops a process where it stands: it holds its connections and answers nobody."""
        self.kill(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Lets it go on."""
        self.kill(name, signal.SIGCONT)

    def wait_for_restart(self, name: str, old_pid: int, *, seconds: float = 30) -> int:
        """Wait until the supervisor has brought `name` back; returns the new pid."""
        deadline = time.monotonic() + seconds
        while True:
            pid = self.pids().get(name)
            if pid and pid != old_pid:
                return pid
            if time.monotonic() > deadline:
                raise NotHere(f"{name} was not restarted within {seconds} s:\n{self.output()}")
            time.sleep(0.05)

    def log(self, name: str) -> str:
        """What one process wrote."""
        path = self.data_dir / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def output(self) -> str:
        """What the supervisor wrote, and the ends of the children's logs."""
        logs = sorted((self.data_dir / "log").glob("*.log"))
        ends = [f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in logs]
        said = self.data_dir / "up.log"
        return (said.read_text(errors="replace") if said.exists() else "") + "\n".join(ends)
