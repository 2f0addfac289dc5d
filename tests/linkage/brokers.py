"""A real MQTT broker for tests: Debian's mosquitto on a free port of the loopback, and a publisher."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest

from ocenter.embedded.processes import die_with_parent, free_port

PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
PASSWORDS = shutil.which("mosquitto_passwd", path=os.environ.get("PATH", "") + ":/usr/bin")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed (apt-get install mosquitto)")
START_SECONDS = 10


class Broker:
    """One broker that can be stopped, killed and started again on the same port, its sessions on disk."""

    def __init__(self, directory, *, user="", password=""):
        self.port, self.directory, self._process = free_port(), directory, None
        self.endpoint = f"mqtt://127.0.0.1:{self.port}"
        lines = [
            f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {directory}/",
            "autosave_interval 1", "max_queued_messages 100000", "log_dest none",
        ]  # fmt: skip
        if os.getuid() == 0:
            lines.append("user root")
        if user:
            passwords = directory / "passwords"
            subprocess.run([PASSWORDS, "-b", "-c", str(passwords), user, password], check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines.append("allow_anonymous true")
        self._config = directory / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")

    def start(self):
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < deadline, "mosquitto does not start"
            time.sleep(0.02)
        return self

    def stop(self):
        """Stops it; what it keeps is on disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @contextmanager
    def publisher(self, user=None, password=None):
        """`publish(topic, payload, retain=False)`, at QoS 1, returning once the broker has it."""
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if user:
            client.username_pw_set(user, password)
        client.connect("127.0.0.1", self.port)
        client.loop_start()

        def publish(topic, payload, retain=False):
            info = client.publish(topic, payload, qos=1, retain=retain)
            info.wait_for_publish(10)
            assert info.is_published()

        try:
            yield publish
        finally:
            client.disconnect()
            client.loop_stop()
