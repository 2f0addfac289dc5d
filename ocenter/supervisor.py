"""`manage.py up`: every process of ocenter on one machine, under one parent.

It starts PostgreSQL and Redis unless their URLs are given, migrates, seeds the demo city when asked to, then
keeps web, worker, sweeper, collector, video, beat and the simulators alive until it is told to stop. Nothing outlives it: children
die with it even after kill -9. One data directory serves one supervisor at a time.
"""

import fcntl
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from ocenter import env
from ocenter.children import Child, Family
from ocenter.embedded.postgres import PostgresServer
from ocenter.embedded.processes import ServerError, spawn, tail
from ocenter.embedded.redis import RedisServer
from ocenter.embedded.state import RUNNING_FILE, process_started_at, read_json, write_json

LOCK_FILE = "up.lock"
PROCESSES_FILE = "processes.json"
READY_PATIENCE_SECONDS = 120
# Together below the ten seconds a stop may take.
PROGRAMS_PATIENCE_SECONDS = 4.0
SERVERS_PATIENCE_SECONDS = 3.0
LEFTOVER_PATIENCE_SECONDS = 4.0
WATCH_SECONDS = 0.5
LOG_KEPT_BYTES = 20_000_000
BACKLOG = 1024
SERVERS = {"postgres", "redis"}


@dataclass(frozen=True)
class Options:
    """What `manage.py up` was asked to do. `data_dir` is absolute; ports are TCP."""

    data_dir: Path
    host: str
    port: int
    agencies_port: int
    demo: bool
    web_processes: int
    root: Path


def web_command(*listening: str) -> list[str]:
    """A web process: uvicorn on what `listening` names in uvicorn's words (`--fd 3`, `--port 8000`)."""
    argv = [sys.executable, "-m", "uvicorn", "ocenter.asgi:application", *listening]
    argv += ["--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--ws-max-size", "65536"]
    argv += ["--lifespan", "off", "--no-access-log", "--no-server-header", "--log-level", "warning"]
    # Nobody stands in front of us here: a caller's word on its own address counts for nothing.
    return [*argv, "--no-proxy-headers", "--timeout-graceful-shutdown", "3"]


class CannotStart(RuntimeError):
    """Something is in the way; the text says what and what to do."""


class Supervisor:
    """Brings everything up, keeps it up, takes it down."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self.console = console
        self.family = Family(say=self._event)
        self.environment = dict(os.environ)
        self._stopping = False
        self._lock: IO[str] | None = None
        self._listener: socket.socket
        self._wake_reader, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """Start, watch until a signal, stop. Returns the exit code."""
        self._catch_signals()
        try:
            self._start()
            self._watch()
        except (CannotStart, ServerError) as error:
            self.console.print(f"\n  [bold red]✗[/] {error}\n", highlight=False)
            return 1
        except _Stopped:
            pass
        finally:
            self._stop()
        return 0

    # Starting

    def _start(self) -> None:
        started = time.monotonic()
        self.console.print("\n[bold]ocenter[/]  통합운영센터 · integrated operations centre\n", highlight=False)
        self._take_lock()
        self._end_leftovers()
        self._listener = self._listen()  # kept, for every restarted web process needs it
        if self.options.demo:
            self._require_free(self.options.agencies_port, "OCENTER_AGENCIES_PORT")
        self._start_servers()
        self._publish()
        with self._step("Database schema"):
            self._manage("migrate", "--noinput")
        if self.options.demo:
            with self._step("Demo city"):
                self._manage("seed_demo")
        self._start_programs()
        with self._step("Web page"):
            self._await_ready()
        self._welcome(time.monotonic() - started)

    def _take_lock(self) -> None:
        self.options.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self.options.data_dir / LOCK_FILE).open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            running = read_json(self.options.data_dir / RUNNING_FILE)
            pid = (running.get("supervisor") or {}).get("pid", "?")
            raise CannotStart(
                f"ocenter already runs on {self.options.data_dir} (process {pid}, {running.get('base_url', 'starting')}).\n"
                "    Stop that one, or give this one another OCENTER_DATA_DIR, OCENTER_PORT and OCENTER_AGENCIES_PORT."
            ) from error

    def _end_leftovers(self) -> None:
        """Children of a supervisor that was killed end by themselves; whoever hesitates is ended here."""
        recorded = read_json(self.options.data_dir / RUNNING_FILE).get("processes") or {}
        left = [(item["pid"], item["started_at"]) for item in recorded.values()]
        deadline = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
        while left := [(pid, at) for pid, at in left if process_started_at(pid) == at]:
            if time.monotonic() > deadline:
                for pid, _ in left:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def _listen(self) -> socket.socket:
        """One listening socket for all web processes: a restart loses no waiting connection."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it. uvicorn takes the descriptor for a Unix socket and would leave Nagle's
        # algorithm on: forty milliseconds on every answer.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((self.options.host, self.options.port))
        except OSError as error:
            raise CannotStart(_port_taken(self.options.port, "OCENTER_PORT", error)) from error
        listener.listen(BACKLOG)
        listener.set_inheritable(True)
        return listener

    def _require_free(self, port: int, variable: str) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.options.host, port))
            except OSError as error:
                raise CannotStart(_port_taken(port, variable, error)) from error

    def _start_servers(self) -> None:
        directory = self.options.data_dir
        self.environment |= {"OCENTER_DATA_DIR": str(directory)}
        if env.raw("OCENTER_DATABASE_URL") is None:
            with self._step("PostgreSQL"):
                postgres = PostgresServer(directory / "postgres", self._log("postgres"))
                child = self.family.add(Child("postgres", postgres.spawn, signal.SIGINT))
                child.adopt(postgres.start())
            self.environment["OCENTER_DATABASE_URL"] = postgres.url
        if env.raw("OCENTER_REDIS_URL") is None:
            with self._step("Redis"):
                bell = RedisServer(directory / "redis", self._log("redis"))
                child = self.family.add(Child("redis", bell.spawn))
                child.adopt(bell.start())
            self.environment["OCENTER_REDIS_URL"] = bell.url

    def _start_programs(self) -> None:
        programs = self._programs(self._listener.fileno())
        for name, argv, descriptors in programs:
            self.family.add(Child(name, self._launcher(name, argv, descriptors))).start()
        self._publish()
        self.console.print(
            f"  [green]✓[/] {'Processes':<18} {', '.join(name for name, _, _ in programs)}", highlight=False
        )

    def _programs(self, descriptor: int) -> list[tuple[str, list[str], list[int]]]:
        python, manage = sys.executable, str(self.options.root / "manage.py")
        web = web_command("--fd", str(descriptor))
        celery = [python, "-m", "celery", "-A", "ocenter", "--quiet"]
        worker = [*celery, "worker", "--pool", "threads", "--concurrency", "8", "--loglevel", "warning"]
        worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        beat = [*celery, "beat", "--loglevel", "warning", "--pidfile", ""]
        programs = [(f"web-{number}", web, [descriptor]) for number in range(1, self.options.web_processes + 1)]
        programs += [("sweeper", [python, manage, "sweep"], []), ("collector", [python, manage, "collect"], [])]
        programs += [("video", [python, manage, "video"], [])]
        programs += [("worker", worker, []), ("beat", beat, [])]
        if self.options.demo:
            programs += [(name, [python, manage, "simulate", name], []) for name in ("agencies", "city")]
        return programs

    def _launcher(self, name: str, argv: list[str], descriptors: list[int]) -> Callable[[], subprocess.Popen]:
        def launch() -> subprocess.Popen:
            with self._log(name).open("ab") as log:
                return spawn(argv, log=log, env=self.environment, pass_fds=descriptors, cwd=self.options.root)

        return launch

    def _manage(self, *arguments: str) -> None:
        """Run a management command to its end; at a terminal it shows its progress itself."""
        log_path = self._log(arguments[0])
        argv = [sys.executable, str(self.options.root / "manage.py"), *arguments]
        with log_path.open("ab") as log:
            # Progress bars belong on the screen; without one, everything goes to the log.
            shown = sys.stderr.fileno() if self.console.is_terminal and arguments[0] == "seed_demo" else log
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=shown,
                env=self.environment,
                cwd=self.options.root,
                start_new_session=True,
            )
            code = self._wait_for(process)
        if code:
            raise CannotStart(f"manage.py {arguments[0]} ended with {code}.\n{tail(log_path)}")

    def _wait_for(self, process: subprocess.Popen) -> int:
        while process.poll() is None:
            if self._stopping:
                process.terminate()
                process.wait()
                raise _Stopped
            self._pause(WATCH_SECONDS)
        return process.returncode

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_PATIENCE_SECONDS
        while (reason := self._not_ready()) is not None:
            if self._stopping:
                raise _Stopped
            if time.monotonic() > deadline:
                raise CannotStart(f"Not ready after {READY_PATIENCE_SECONDS} s: {reason}\n{tail(self._log('web-1'))}")
            self._look_after()
            self._pause(0.1)

    def _not_ready(self) -> str | None:
        connection = http.client.HTTPConnection(_reachable(self.options.host), self.options.port, timeout=3)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
            return None if answer.status == 200 else f"/readyz answers {answer.status}: {body[:500]}"
        except (OSError, http.client.HTTPException) as error:
            return f"no answer from the web processes ({error})"
        finally:
            connection.close()

    # Watching

    def _watch(self) -> None:
        while not self._stopping:
            self._look_after()
            self._pause(WATCH_SECONDS)

    def _look_after(self) -> None:
        if self.family.look_after():
            self._publish()

    def _pause(self, seconds: float) -> None:
        """Wait, but wake at once for a signal (SIGCHLD included)."""
        if select.select([self._wake_reader], [], [], seconds)[0]:
            os.read(self._wake_reader, 4096)

    def _catch_signals(self) -> None:
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._stopping = True

    # Stopping

    def _stop(self) -> None:
        if self.family.children:
            self.console.print("\n  Stopping …", highlight=False)
        started = time.monotonic()
        names = {child.name for child in self.family.children}
        self.family.stop(names - SERVERS, patience_s=PROGRAMS_PATIENCE_SECONDS)
        self.family.stop(names & SERVERS, patience_s=SERVERS_PATIENCE_SECONDS)
        if names:
            for leftover in (RUNNING_FILE, PROCESSES_FILE):
                (self.options.data_dir / leftover).unlink(missing_ok=True)
            kept = f"data kept in {self.options.data_dir}"
            self.console.print(f"  Stopped in {time.monotonic() - started:.1f} s, {kept}\n", highlight=False)

    # Telling

    def _publish(self) -> None:
        """Leave word of what runs: for `manage.py shell`, for the next start, and for tests."""
        pids = self.family.pids()
        names = ("OCENTER_DATABASE_URL", "OCENTER_REDIS_URL")
        write_json(
            self.options.data_dir / RUNNING_FILE,
            {
                "supervisor": {"pid": os.getpid(), "started_at": process_started_at(os.getpid())},
                "base_url": self._base_url(),
                "environment": {name: self.environment[name] for name in names if name in self.environment},
                "processes": {n: {"pid": pid, "started_at": process_started_at(pid)} for n, pid in pids.items()},
            },
        )
        write_json(self.options.data_dir / PROCESSES_FILE, {"supervisor": os.getpid(), **pids})

    def _log(self, name: str) -> Path:
        """Where a process writes; what is too long is set aside once."""
        path = self.options.data_dir / "log" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LOG_KEPT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        if self.console.is_terminal:
            self.console.print(f"  … {title}", end="\r", highlight=False)
        yield
        took = f"{time.monotonic() - started:5.1f} s"
        self.console.print(f"  [green]✓[/] {title:<18} {took}", highlight=False)

    def _event(self, text: str) -> None:
        self.console.print(f"  {time.strftime('%H:%M:%S')} {text}", highlight=False)

    def _base_url(self) -> str:
        return f"http://{_reachable(self.options.host)}:{self.options.port}"

    def _welcome(self, seconds: float) -> None:
        say = self.console.print
        say(f"\n  Ready after {seconds:.1f} s:  [bold underline]{self._base_url()}/[/]", highlight=False)
        users = _demo_users(self.options.data_dir) if self.options.demo else {}
        if users:
            table = Table("role", "username", "password", box=None, padding=(0, 3, 0, 0), header_style="dim")
            for role, user in users.items():
                table.add_row(role, user["username"], user["password"])
            say()
            say(Padding(table, (0, 0, 0, 2), expand=False))
        say(f"\n  Logs in {self.options.data_dir / 'log'} · Ctrl-C stops everything, data stays\n", highlight=False)


class _Stopped(Exception):
    """A signal came while starting."""


def _reachable(host: str) -> str:
    """The address to call a server at that listens on `host`."""
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 (compared, not bound)


def _port_taken(port: int, variable: str, error: OSError) -> str:
    return f"Port {port} cannot be used ({error.strerror}). Free it, or choose another: {variable}={port + 10} make run"


def _demo_users(data_dir: Path) -> dict[str, dict[str, str]]:
    try:
        return json.loads((data_dir / "demo.json").read_text(encoding="utf-8"))["users"]
    except (OSError, ValueError, KeyError):
        return {}
