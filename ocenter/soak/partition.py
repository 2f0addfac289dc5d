"""A real network partition: the way to an agency leads through a namespace of its own, where nftables drops every packet.

The namespace holds one forwarder (`linkage.simulators.proxy`); a pair of virtual interfaces joins it to this machine.
Addresses are of 198.18.0.0/15, which RFC 2544 sets aside for such tests. Needs root, `ip` and `nft`; leaves nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import Final

from linkage.simulators.proxy import FaultProxy
from ocenter.embedded.processes import die_with_parent
from ocenter.soak.backstage import Backstage, until
from ocenter.soak.installation import ROOT

OURS: Final = "198.18.77.1"
THEIRS: Final = "198.18.77.2"
PORT: Final = 8100
_DROP: Final = """
table inet partition {
  chain coming { type filter hook input priority 0; policy drop; }
  chain going { type filter hook output priority 0; policy drop; }
}
"""


def why_not() -> str:
    """Why no partition can be made here; empty where it can."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    missing = [name for name in ("ip", "nft") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed (packages iproute2, nftables)" if missing else ""


class Partition:
    """The way through the namespace: callers connect to THEIRS:PORT and reach `upstream` on this machine."""

    def __init__(self, backstage: Backstage, upstream: tuple[str, int]) -> None:
        self._backstage = backstage
        self._gate = FaultProxy(upstream, host=OURS)
        self._name = f"ocenter-{os.getpid()}"
        self._link = f"oc{os.getpid() % 100_000}"
        self._forwarder: subprocess.Popen | None = None

    def __enter__(self) -> Partition:
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._forwarder is not None:
            self._forwarder.kill()
            self._forwarder.wait()
        self._backstage.run(self._gate.stop())
        _run("ip", "link", "del", self._link, check=False)
        _run("ip", "netns", "del", self._name, check=False)

    def cut(self) -> None:
        """Every packet in the namespace is dropped from now on; nobody is told."""
        _run("ip", "netns", "exec", self._name, "nft", "-f", "-", stdin=_DROP)

    def mend(self) -> None:
        """Packets pass again."""
        _run("ip", "netns", "exec", self._name, "nft", "delete", "table", "inet", "partition")

    def _build(self) -> None:
        inside = f"{self._link}i"
        _run("ip", "netns", "add", self._name)
        _run("ip", "link", "add", self._link, "type", "veth", "peer", "name", inside, "netns", self._name)
        _run("ip", "address", "add", f"{OURS}/30", "dev", self._link)
        _run("ip", "link", "set", self._link, "up")
        for words in (["address", "add", f"{THEIRS}/30", "dev", inside], ["link", "set", inside, "up"]):
            _run("ip", "-n", self._name, *words)
        self._backstage.run(self._gate.start())
        ends = [f"{THEIRS}:{PORT}", f"{OURS}:{self._gate.port}"]
        self._forwarder = subprocess.Popen(
            ["ip", "netns", "exec", self._name, sys.executable, "-m", "linkage.simulators.proxy", *ends],
            cwd=ROOT, start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        until(_listens, 15, "the forwarder in the namespace does not listen")


def _listens() -> bool:
    try:
        socket.create_connection((THEIRS, PORT), timeout=1).close()
    except OSError:
        time.sleep(0.1)
        return False
    return True


def _run(*words: str, check: bool = True, stdin: str | None = None) -> None:
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=20)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
