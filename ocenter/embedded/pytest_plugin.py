"""Gives a test run its own PostgreSQL and Redis, unless their URLs are given.

Loaded with ``-p`` from pyproject, so that it comes before pytest-django reads the settings. The processes of
``pytest -n`` inherit the environment of the first one and still get servers of their own: they would hear each
other's bell.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from ocenter.embedded.postgres import PostgresServer
from ocenter.embedded.redis import RedisServer

STARTED = "OCENTER_TEST_SERVERS"  # which of the URLs in the environment a test run has put there


def start_servers() -> None:
    """Start what the environment does not name already and put its URL there; all ends with this process."""
    for name in os.environ.pop(STARTED, "").split():
        del os.environ[name]
    given = dict(os.environ)
    directory = _temporary_directory()
    os.environ["OCENTER_DATA_DIR"] = str(directory)
    if not os.environ.get("OCENTER_DATABASE_URL"):
        server = PostgresServer(directory / "postgres", directory / "log" / "postgres.log", durable=False)
        server.start()
        atexit.register(server.stop)
        os.environ["OCENTER_DATABASE_URL"] = server.url
    if not os.environ.get("OCENTER_REDIS_URL"):
        bell = RedisServer(directory / "redis", directory / "log" / "redis.log")
        bell.start()
        atexit.register(bell.stop)
        os.environ["OCENTER_REDIS_URL"] = bell.url
    names = ("OCENTER_DATABASE_URL", "OCENTER_REDIS_URL")
    os.environ[STARTED] = " ".join(name for name in names if not given.get(name))


def _temporary_directory() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="ocenter-test-"))
    directory.chmod(0o711)  # root's PostgreSQL runs as another account and must pass through
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


start_servers()
