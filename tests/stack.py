"""The real stack for tests from outside: every process of `make run`, on free ports, in a directory of its own."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from ocenter.embedded.processes import free_port, spawn, stop, wait_until
from ocenter.soak.installation import ROOT, START_SECONDS, Installation
from ocenter.supervisor import web_command

__all__ = ["ROOT", "Stack"]


class Stack(Installation):
    """Starts `manage.py up` with the demo city; see `live_stack` in conftest.py for the usual way to get one.

    What it can do is written at `Installation`, which `manage.py soak` uses too.
    """

    @contextmanager
    def one_more_web(self, **environment: str) -> Iterator[Self]:
        """This stack through one more web process whose settings are `environment`'s, for as long as the block lasts."""
        port, log = free_port(), self.data_dir / "log" / "one-more-web.log"
        seen = copy.copy(self)
        seen.base_url = f"http://127.0.0.1:{port}"
        servers = {"OCENTER_DATABASE_URL": self.database_url, "OCENTER_REDIS_URL": self.redis_url, "OCENTER_PORT": str(port)}
        with log.open("ab") as lines:
            environment = {**self.environment(), **servers, **environment}
            process = spawn(web_command("--port", str(port)), log=lines, env=environment, cwd=ROOT)
        try:
            wait_until(seen.ready, process, what="one more web process", log=log, patience_s=START_SECONDS)
            yield seen
        finally:
            stop(process)
