"""Deadlocks, serialisation failures and a full disk: real ones. What is not stored is never promised."""

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ocenter.embedded.processes import unprivileged_account
from tests.chaos.room import Room, until
from tests.stack import Stack

pytestmark = [pytest.mark.live, pytest.mark.slow]

DISK = "400m"


def head_lock(ours, room):
    """Takes the row every commit of the city needs last."""
    ours.execute(
        "UPDATE incidents_ledgerhead SET seq = seq WHERE municipality_id = "
        "(SELECT id FROM accounts_municipality WHERE code = %s) RETURNING municipality_id", [room.stack.demo["municipality"]],
    )  # fmt: skip
    return ours.fetchone()[0]


def close_the_circle(ours, sql, *values):
    """Asks for what the other holds: PostgreSQL sees the deadlock and ends the one that looks first, which is not us."""
    ours.execute("SET LOCAL deadlock_timeout = '30s'")
    ours.execute(sql, values)


def test_the_intake_survives_a_deadlock(room, figures):
    """I1. We hold the ledger's head and ask for the intake's lock, which it holds: it is ended and begins again."""
    before = deadlocks(room)
    with room.socket() as heard, room.transaction() as ours:
        city = head_lock(ours, room)
        sending = room.sending(3)
        until(room.waiting_for_locks, 10, "the intake did not wait")
        close_the_circle(ours, "SELECT pg_advisory_xact_lock(%s, %s)", 0x0CE7, city)
        ours.connection.rollback()
        assert sending.result(60)
        balance, took = room.expect_books_agree(heard)
    one_more_deadlock(room, before)
    figures(f"intake in a deadlock: {balance.events} events, {room.log.again} sent again, settled {took:.1f} s later")


def test_an_operators_action_survives_a_deadlock(room):
    """An action is done once or refused as a whole, with words that ask to try again."""
    (number,) = room.report(1, "CRM-04")
    before, operator, said = deadlocks(room), room.operator, []

    def acknowledge():
        try:
            said.append(operator.act(number, "acknowledge"))
        except OSError as error:
            said.append(error)

    with room.transaction() as ours:
        head_lock(ours, room)
        acting = threading.Thread(target=acknowledge)
        acting.start()
        until(room.waiting_for_locks, 10, "the action did not wait")
        close_the_circle(ours, "SELECT 1 FROM incidents_incident WHERE number = %s FOR UPDATE", number)
        ours.connection.rollback()
        acting.join(30)
    one_more_deadlock(room, before)
    rows = room.value(
        "SELECT count(*) FROM incidents_change c JOIN incidents_incident i ON i.id = c.incident_id "
        "WHERE i.number = %s AND c.kind = 'incident.acknowledged'", number,
    )  # fmt: skip
    if isinstance(said[0], OSError):
        assert (said[0].code, rows) == (503, 0)
        assert "Retry-After" in said[0].headers
        assert operator.act(number, "acknowledge")
    else:
        assert rows == 1


def deadlocks(room):
    return room.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


def one_more_deadlock(room, before):
    """The session that was ended adds it to the count up to ten seconds later (PGSTAT_IDLE_INTERVAL)."""
    until(lambda: deadlocks(room) > before, 60, "no deadlock was seen")


def test_serialisation_failures_lose_nothing(room, figures):
    """I1, I2. The database set to SERIALIZABLE under load: transactions that worked side by side now fail with 40001."""
    name = room.value("SELECT current_database()")
    begun = room.value("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()")
    room.rows(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    end_sessions(room)
    try:
        sendings = [room.sending(10, code) for code in ("FIR-01", "BEL-01", "CRM-04") * 5]
        assert all(one.result(90) for one in sendings)
        room.settle(seconds=90)
    finally:
        room.rows(f'ALTER DATABASE "{name}" RESET default_transaction_isolation')
        end_sessions(room)
    balance, _ = room.expect_books_agree()
    rolled_back = room.value("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()") - begun
    figures(
        f"SERIALIZABLE under load: {balance.events} events, {balance.relays} relays; {rolled_back} transactions rolled "
        f"back, {room.log.again} batches sent again"
    )


def end_sessions(room):
    """Sessions keep the isolation they began with."""
    room.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@pytest.fixture
def small_disk():
    """A stack whose PostgreSQL lives on a small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    stack, account = Stack(OCENTER_CITY_RATE="0", OCENTER_AGENCIES_SPEED="0.01"), unprivileged_account()
    directory = stack.data_dir / "postgres"
    directory.mkdir(mode=0o700)
    options = f"size={DISK},mode=0700,uid={account.uid},gid={account.gid}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], capture_output=True, text=True)
    if done.returncode:
        stack.remove()
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield stack.start()
    finally:
        stack.stop()
        subprocess.run(["umount", directory], check=True)
        stack.remove()


def fill(directory: Path) -> Path:
    """Takes what is left."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return ballast


def test_a_full_disk(small_disk, figures):
    """I1. No 2xx for what is not stored; 503 or 507 until there is room again; then everything goes on by itself."""
    with Room(small_disk) as room:
        room.report(20)
        room.settle()
        ballast = fill(small_disk.data_dir / "postgres")
        sendings = [room.sending(25, code) for code in ("FIR-01", "BEL-01", "CRM-04", "TRF-1") * 12]
        until(lambda: room.log.again > 20, 60, "the disk was never full for us")
        time.sleep(5)
        taken_while_full = len(room.log.answers)
        reads = small_disk.get("/healthz")[0]
        ballast.unlink()
        freed = time.monotonic()
        until(small_disk.whole, 60, "the stack did not come back")
        assert all(one.result(90) for one in sendings)
        balance, _ = room.expect_books_agree(seconds=90)
        assert (reads, room.log.unexpected) == (200, [])
        figures(
            f"full disk: {taken_while_full} events answered before and meanwhile, all of them stored; {room.log.again} "
            f"batches refused with 503/507 or unanswered; with room again {balance.events} events, {balance.relays} "
            f"relays, all settled {time.monotonic() - freed:.0f} s later"
        )
