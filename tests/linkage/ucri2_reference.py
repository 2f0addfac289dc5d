"""Runs the public UCRI2 reference server (PMeV-EFUL/ucri2, express-js), unchanged, with a configuration of our own.

None of it is part of this repository. `OCENTER_UCRI2_SOURCE` names a checkout in which `npm install` was run in
`reference-implementations/ucrm/express-js` (docs/transports/ucri2.md). The server would listen on every interface;
its configuration's port goes to Node's `listen` as it is, so an object with a host keeps it on the loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.linkage.ucri2_wires import MODULE, OURS, PASSWORD, THEIRS, Key

SOURCE = "OCENTER_UCRI2_SOURCE"
SERVER = "reference-implementations/ucrm/express-js"
START_SECONDS = 30


def checkout():
    """The server's folder, or a skip that says what is missing."""
    if not os.environ.get(SOURCE):
        pytest.skip(f"{SOURCE} names no checkout of PMeV-EFUL/ucri2")
    folder = Path(os.environ[SOURCE], SERVER)
    if not (folder / "main.js").exists():
        pytest.skip(f"there is no {SERVER}/main.js in {os.environ[SOURCE]}")
    if not (folder / "node_modules").is_dir():
        pytest.skip(f"npm install has not been run in {folder}")
    if not shutil.which("node"):
        pytest.skip("there is no node")
    return folder


def _participant(oid, kind, key, name):
    apps = ["transport_layer_messages"] + (["incident_transfer", "notification_text"] if kind == "client" else [])
    return {
        "id": oid, "type": kind, "systemName": name, "operatorName": name, "operatorShortName": name,
        "supportedApps": [{"appId": one, "appVersion": "1.0"} for one in apps],
        "key": {**key.jwk(), "alg": "RS256"}, "status": "online",
        "techSupport": {"phone": "+82-42-000-0000", "e-mail": "ucri2@example.org"},
    }  # fmt: skip


def configuration(port, keys):
    """The server's configuration: the module itself, this centre and one partner."""
    accounts = {"ocenter": OURS, "partner": THEIRS}
    said = {
        "port": {"host": "127.0.0.1", "port": port}, "copySpec": True, "ownOid": MODULE, "remoteUcrms": {},
        "privateSigningKey": {**keys[MODULE].jwk(private=True), "alg": "RS256"},
        "auth": {
            "jwtSecret": os.urandom(16).hex(),
            "accounts": {
                name: {"username": name, "password": PASSWORD, "oids": [oid], "type": "client"}
                for name, oid in accounts.items()
            },
        },
        "commParticipants": {
            MODULE: _participant(MODULE, "ucrm", keys[MODULE], "UCRM"),
            OURS: _participant(OURS, "client", keys[OURS], "ocenter"),
            THEIRS: _participant(THEIRS, "client", keys[THEIRS], "Control room"),
        },
    }  # fmt: skip
    return f"export const config = {json.dumps(said, ensure_ascii=False)};\n"


class Reference:
    """The running server: `base` is its client API, `log` the file it writes to, `keys` everybody's by OID."""

    def __init__(self, folder, workdir):
        self.keys = {oid: Key() for oid in (MODULE, OURS, THEIRS)}
        self.port, self.log = _free_port(), workdir / "ucrm.log"
        self.base = f"http://127.0.0.1:{self.port}/ucrm/client/v0"
        self._folder, self._config = folder, workdir / "ocenter.config.js"
        self._config.write_text(configuration(self.port, self.keys))
        self._process = None

    def start(self):
        """Starts it and waits until it listens; also again after `kill`. It forgets everything in between."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["node", "main.js", str(self._config)], cwd=self._folder, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "NO_COLOR": "1"},
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not _listens(self.port):
            assert self._process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def kill(self):
        self._process.kill()
        self._process.wait(5)

    def says(self):
        return self.log.read_text()


@contextmanager
def reference(workdir):
    """The reference server on the loopback until the block ends."""
    server = Reference(checkout(), workdir)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
