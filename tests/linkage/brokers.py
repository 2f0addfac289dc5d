"""A real MQTT broker for tests: Debian's mosquitto on a free port of the loopback, and a publisher."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ocenter.embedded.processes import die_with_parent, free_port

PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
PASSWORDS = shutil.which("mosquitto_passwd", path=os.environ.get("PATH", "") + ":/usr/bin")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed (apt-get install mosquitto)")
START_SECONDS = 10


def make_certificate(path, name):
    """A certificate for `name` that signs itself, with its key, in one PEM file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


class Broker:
    """One broker that can be stopped, killed and started again on the same port, its sessions on disk."""

    def __init__(self, directory, *, user="", password="", certificate=None):
        self.port, self.directory, self._process = free_port(), directory, None
        self.endpoint = f"mqtt://127.0.0.1:{self.port}"
        lines = [
            f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {directory}/",
            "autosave_interval 1", "max_queued_messages 100000", "log_dest none",
        ]  # fmt: skip
        if os.getuid() == 0:
            lines.append("user root")
        if certificate:
            self.endpoint = f"mqtts://localhost:{self.port}"
            lines += [f"certfile {certificate}", f"keyfile {certificate}"]
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
