"""Real processes on the test database: writers that race, and web servers that are killed."""

import multiprocessing
import os
import time
from multiprocessing import forkserver
from unittest import mock
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection

from tests.stack import ROOT

PATIENCE_SECONDS = 60

_context = multiprocessing.get_context("forkserver")


def environment():
    """What a process needs to work on the very database (and Redis) of this test run."""
    one = connection.settings_dict
    options = {name: value for name, value in one["OPTIONS"].items() if name == "host"}
    netloc = f"{quote(one['USER'])}:{quote(one['PASSWORD'])}@{one['HOST']}:{one['PORT']}"
    url = f"postgresql://{netloc}/{one['NAME']}" + (f"?{urlencode(options)}" if options else "")
    return {
        **os.environ,
        "OCENTER_DATABASE_URL": url,
        "OCENTER_REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "ocenter.settings.test",
        "OCENTER_LOG_LEVEL": "ERROR",
    }


def start_nursery():
    """Starts the process that writers are forked from: Django is loaded once, and each is there in milliseconds."""
    _context.set_forkserver_preload(["tests.incidents.writer"])
    with mock.patch.dict(os.environ, {**environment(), "PYTHONPATH": str(ROOT)}):
        forkserver.ensure_running()


class Writer:
    """One process of `tests.incidents.writer`. Several that were all sent a command first work at once."""

    def __init__(self):
        self._talk, theirs = _context.Pipe()
        self._process = _context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def send(self, command, **arguments):
        self._talk.send((command, arguments))

    def hear(self, seconds=PATIENCE_SECONDS):
        assert self._talk.poll(seconds), f"the writer said nothing for {seconds} s"
        return self._talk.recv()

    def is_busy(self, seconds):
        """Whether it has nothing to say for this long."""
        return not self._talk.poll(seconds)

    def result(self):
        heard = self.hear()
        assert "error" not in heard, heard.get("error")
        return heard["result"]

    def kill(self):
        """kill -9."""
        self._process.kill()
        self._process.join(10)

    def stop(self):
        self._talk.close()
        self._process.join(5)
        self.kill()


def _serve(talk):
    from tests.incidents import writer

    writer.serve(talk)


def deadlocks_so_far():
    """How many PostgreSQL has ended in the test's database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def wait_until(is_so, seconds=15.0, what="it"):
    """Polls until `is_so()` is true and returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)
    return found
