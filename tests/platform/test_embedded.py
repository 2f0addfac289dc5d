"""The embedded servers: real ones, started here."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import pytest
import redis

from ocenter.embedded import postgres as embedded_postgres
from ocenter.embedded.postgres import PostgresServer
from ocenter.embedded.processes import ServerError, unprivileged_account
from ocenter.embedded.redis import RedisServer
from ocenter.embedded.state import development_secret_key, read_json, running_urls, write_json


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(prefix="ocenter-embedded-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def server(directory):
    return PostgresServer(directory / "postgres", directory / "log" / "postgres.log", durable=False)


def value(url, query):
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def test_postgres_keeps_its_data_between_starts(directory):
    first = server(directory)
    first.start()
    try:
        value(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    finally:
        first.stop()
    second = server(directory)
    second.start()
    try:
        assert value(second.url, "SELECT answer FROM kept") == 42
    finally:
        second.stop()


def test_postgres_wants_its_password_and_shows_it_to_nobody(directory):
    one = server(directory)
    one.start()
    try:
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(one.url.replace(one._password(), "guess"))
        assert stat.S_IMODE((directory / "postgres.password").stat().st_mode) == 0o600
        assert one._password() not in subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout
    finally:
        one.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must step down")
def test_roots_postgres_runs_as_another_and_moves_where_that_one_can_go(directory, monkeypatch):
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(embedded_postgres, "RELOCATED", directory / "relocated")
    one = server(closed)
    one.start()
    try:
        assert value(one.url, "SELECT 1") == 1
        assert (closed / "postgres").is_symlink()
        assert (closed / "postgres").resolve().stat().st_uid == unprivileged_account().uid
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        one.stop()


def test_data_of_another_version_is_refused_in_words(directory):
    one = server(directory)
    one.start()
    one.stop()
    (directory / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServerError, match="is of PostgreSQL 12"):
        server(directory).start()


def test_redis_wants_its_password_and_shows_it_to_nobody(directory):
    one = RedisServer(directory / "redis", directory / "log" / "redis.log")
    one.start()
    try:
        assert redis.Redis.from_url(one.url).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://127.0.0.1:{one.port}/0").ping()
        assert one.password not in subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout
    finally:
        one.stop()


def test_what_a_dead_supervisor_left_is_not_believed(directory, monkeypatch):
    monkeypatch.setenv("OCENTER_DATA_DIR", str(directory))
    urls = {"OCENTER_REDIS_URL": "redis://gone"}
    write_json(directory / "running.json", {"supervisor": {"pid": os.getpid(), "started_at": 1}, "environment": urls})
    assert running_urls() == {}


def test_a_secret_key_is_made_once(directory):
    key = development_secret_key(directory)
    assert len(key) > 50
    assert development_secret_key(directory) == key
    assert stat.S_IMODE((directory / "secret_key").stat().st_mode) == 0o600


def test_damaged_json_reads_as_nothing(directory):
    (directory / "half.json").write_text('{"a": ')
    assert read_json(directory / "half.json") == {}
