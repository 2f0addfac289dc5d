"""Starting and stopping child processes so that none outlives us."""

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05


class ServerError(RuntimeError):
    """A server of ours could not be started; the text says which, why and where its log is."""


@dataclass(frozen=True)
class Account:
    """A system account to run under."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Who servers that refuse root should run as: None when we are not root ourselves.

    ``postgres`` where a package made it, else ``nobody``, which every Debian has; we create no accounts.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise ServerError("PostgreSQL refuses to run as root, and there is no account postgres or nobody to run it as.")


def die_with_parent(on_death: signal.Signals) -> Callable[[], None]:
    """A preexec function: the kernel sends `on_death` to the child when its parent dies, even by kill -9.

    Linux only; elsewhere a no-op. The setting survives exec but not a change of user, which subprocess does first.
    """
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return lambda: None
    parent = os.getpid()

    def preexec() -> None:
        prctl(PR_SET_PDEATHSIG, int(on_death), 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and here
            os._exit(1)

    return preexec


def spawn(
    argv: Sequence[str | Path],
    *,
    log: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    on_parent_death: signal.Signals = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
    cwd: Path | None = None,
) -> subprocess.Popen:
    """Start a child in its own session, so that a Ctrl-C reaches only us and we stop children in order."""
    return subprocess.Popen(
        [str(word) for word in argv],
        stdin=stdin,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=die_with_parent(on_parent_death),
        start_new_session=True,
        pass_fds=tuple(pass_fds),
        cwd=cwd,
    )


def stop(process: subprocess.Popen, *, signal_first: signal.Signals = signal.SIGTERM, patience_s: float = 5) -> None:
    """End a child: politely, then after `patience_s` seconds by force. Safe to repeat."""
    if process.poll() is not None:
        return
    process.send_signal(signal_first)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port(preferred: int | None = None) -> int:
    """A TCP port on the loopback that nobody listens on now; `preferred` when it is free."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise ServerError("No free TCP port on the loopback.")


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen, *, what: str, log: Path, patience_s: float
) -> None:
    """Poll `ready` until it is true.

    Raises ServerError with the log's last lines when the process ends first or `patience_s` seconds pass.
    """
    deadline = time.monotonic() + patience_s
    while not ready():
        if process.poll() is not None:
            raise ServerError(f"{what} ended with {process.returncode} while starting.\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServerError(f"{what} was not ready after {patience_s:g} s.\n{tail(log)}")
        time.sleep(POLL_SECONDS)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, with its path, for messages."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"(no log: {error})"
    return f"--- {log} ---\n" + "\n".join(text.splitlines()[-lines:])
