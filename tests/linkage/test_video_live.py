"""The pipeline for real: simulated RTSP cameras, the gateway as a process, ffmpeg, pictures fetched over HTTP.

Everything that takes time is waited for together: one camera of each kind of trouble, all at once.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from linkage.models import VideoGateway, VideoSession, VideoStream
from linkage.video import ffmpeg
from linkage.video.sessions import gateway_is_there, session_open, sessions_end
from linkage.video.tokens import make_token

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(until, seconds, what):
    deadline = time.monotonic() + seconds
    while not (found := until()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return found


def fetch(url, method="GET", body=None):
    """(status, bytes); 0 where nobody answers."""
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body is not None else None)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


class Process:
    """One of our programs, with a log of its own."""

    def __init__(self, argv, directory, **environment):
        self.argv, self.log = argv, directory / f"{argv[-1]}.log"
        self.environment = {**os.environ, **environment}
        self.start()

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *self.argv], cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(10)


@pytest.fixture(scope="module")
def cameras(tmp_path_factory):
    """The simulated video system with its cameras; gives the HTTP address and the RTSP port."""
    directory, port, rtsp = tmp_path_factory.mktemp("cameras"), free_port(), free_port()
    process = Process(
        ["-m", "linkage.simulators", "agencies"], directory, OCENTER_DATA_DIR=str(directory), OCENTER_CITY_RATE="0",
        OCENTER_AGENCIES_PORT=str(port), OCENTER_RTSP_PORT=str(rtsp),
    )  # fmt: skip
    http = f"http://127.0.0.1:{port}"
    wait(lambda: fetch(f"{http}/healthz")[0] == 200, 30, process.log)
    yield f"{http}/sources/vms", rtsp
    process.end()


class Room:
    """Viewers of one gateway."""

    def __init__(self, gateway, port, rtsp):
        self.gateway, self.base, self.rtsp, self.sessions = gateway, f"http://127.0.0.1:{port}", rtsp, []

    def watch(self, number, account="view:p%40ss%2F1", network="127.0.0.0/8"):
        session, expires_at = uuid.uuid4(), timezone.now() + timedelta(hours=1)
        stream = f"rtsp://{account}@127.0.0.1:{self.rtsp}/{number}"
        session_open(session=session, key=f"camera:{number}", stream=stream, allowed_network=network, expires_at=expires_at)  # fmt: skip
        self.sessions.append(session)
        return View(self, session, f"{self.base}/video/{make_token(session, expires_at)}/", f"camera:{number}")

    def ffmpegs(self):
        """The gateway's children, with their argument lists."""
        listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.gateway.process.pid)], capture_output=True, text=True)  # fmt: skip
        return [line.strip() for line in listed.stdout.splitlines() if "ffmpeg" in line]


class View:
    """One viewer's session."""

    def __init__(self, room, session, url, key):
        self.room, self.session, self.url, self.key = room, session, url, key

    def playlist(self):
        status, text = fetch(self.url + "index.m3u8")
        return text.decode() if status == 200 else ""

    def state(self):
        row = VideoStream.objects.filter(pk=self.key).first()
        return row.state if row else ""

    def picture(self, seconds=20):
        return wait(self.playlist, seconds, f"a picture of {self.key} ({self.state()})")

    def end(self):
        sessions_end(sessions=[self.session])


@pytest.fixture
def room(cameras, tmp_path, settings):
    """A gateway that keeps a camera for a second after its last viewer, and three at most."""
    port = free_port()
    settings.VIDEO_STREAMS = 8
    url = connection.settings_dict
    database = f"postgresql://{url['USER']}:{url['PASSWORD']}@{url['HOST']}:{url['PORT']}/{url['NAME']}"
    gateway = Process(
        ["manage.py", "video"], tmp_path, DJANGO_SETTINGS_MODULE="ocenter.settings.test", OCENTER_DATABASE_URL=database,
        OCENTER_VIDEO_ADDRESS=f"http://127.0.0.1:{port}", OCENTER_VIDEO_LINGER_SECONDS="1", OCENTER_VIDEO_STREAMS="8",
        OCENTER_VIDEO_STARTS_PER_SECOND="20",
    )  # fmt: skip
    wait(lambda: fetch(f"http://127.0.0.1:{port}/healthz")[0] == 200 and gateway_is_there(), 60, gateway.log)
    room = Room(gateway, port, cameras[1])
    yield room
    if gateway.process.poll() is None:
        gateway.end()
    assert "p%40ss" not in gateway.log.read_text() and "rtsp://" not in gateway.log.read_text()


def decoded(view, playlist):
    """What ffmpeg says of the segments a player would take."""
    init = re.search(r'URI="(.+?)"', playlist)[1]
    names = [init, *re.findall(r"^\d+\.m4s$", playlist, re.MULTILINE)]
    parts = [fetch(view.url + name) for name in names]
    assert all(status == 200 for status, _ in parts)
    done = subprocess.run([ffmpeg.executable(), "-hide_banner", "-i", "pipe:0", "-f", "null", "-"], input=b"".join(part for _, part in parts), capture_output=True)  # fmt: skip
    return done.stderr.decode()


def test_two_viewers_see_one_camera_through_one_ffmpeg_which_ends_after_them(room, cameras):
    first, second = room.watch("VMS-0001"), room.watch("VMS-0001")
    begun = time.monotonic()
    first.picture()
    assert time.monotonic() - begun < 15  # three or four seconds on an idle machine
    second.picture(2)
    (only,) = room.ffmpegs()
    # Neither the address nor the account can be read off the process list.
    assert "rtsp://" not in only and "p%40ss" not in only and str(cameras[1]) not in only
    playlist = wait(lambda: text if (text := first.playlist()).count("#EXTINF") >= 3 else "", 20, "three segments")
    said = decoded(first, playlist)
    assert re.search(r"Video: h264.* 640x360", said) and int(re.findall(r"frame= *(\d+)", said)[-1]) >= 24
    assert fetch(first.url + "snapshot.jpg")[1][:2] == b"\xff\xd8"
    assert fetch(first.url + "nothing.m4s")[0] == 404 == fetch(f"{room.base}/video/x-1-y/index.m3u8")[0]

    first.end()
    wait(lambda: fetch(first.url + "index.m3u8")[0] == 404, 10, "the first token is worth nothing")
    assert second.playlist() and len(room.ffmpegs()) == 1
    second.end()
    wait(lambda: not room.ffmpegs(), 15, "nobody watches, nothing runs")
    wait(lambda: VideoGateway.objects.get().running == 0, 5, "and the database knows")


def test_trouble_is_told_for_what_it_is_and_passes(room, cameras):
    http, _ = cameras
    views = {mode: room.watch(f"VMS-001{at}") for at, mode in enumerate(("none", "freeze", "silent", "drop"))}
    views["deaf"] = room.watch("VMS-0020")
    fetch(f"{http}/streams/VMS-0020", "PUT", {"mode": "deaf"})
    views["outside"], views["stranger"] = room.watch("VMS-0021", network="10.0.0.0/8"), room.watch("VMS-0022", "view:wrong")
    for view in views.values():
        fetch(view.url + "snapshot.jpg")  # asks for it
    moving = [views[one] for one in ("none", "freeze", "silent", "drop")]
    wait(lambda: all(one.state() == "live" for one in moving), 30, "all live")

    for at, mode in enumerate(("none", "freeze", "silent", "drop")):
        assert fetch(f"{http}/streams/VMS-001{at}", "PUT", {"mode": mode})[0] == 200
    wait(lambda: views["drop"].state() == "lost", 8, "a camera that drops out is lost at once")
    wait(lambda: views["silent"].state() == "lost" and views["freeze"].state() == "frozen", 15, "lost, and frozen")
    wait(lambda: views["deaf"].state() == "lost" and views["stranger"].state() == "lost", 15, "never any picture")
    assert views["outside"].state() == "lost" and views["none"].state() == "live"
    reasons = dict(VideoStream.objects.values_list("key", "reason"))
    assert "allowed network" in reasons["camera:VMS-0021"] and not any("rtsp" in one for one in reasons.values())
    assert fetch(views["drop"].url + "snapshot.jpg")[0] == 503
    assert fetch(views["freeze"].url + "snapshot.jpg")[0] == 200

    for at in range(4):
        fetch(f"{http}/streams/VMS-001{at}", "PUT", {"mode": "none"})
    wait(lambda: all(one.state() == "live" for one in moving), 25, "all live again")
    # The player goes on where it was: numbers only grow, and the break is marked.
    assert "#EXT-X-DISCONTINUITY\n" in views["drop"].playlist()


def test_a_killed_gateway_leaves_no_ffmpeg_and_its_viewers_go_on(room):
    view = room.watch("VMS-0002")
    view.picture()
    children = [line.split()[0] for line in room.ffmpegs()]
    room.gateway.end(signal.SIGKILL)
    wait(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 5, "they die with it")
    assert fetch(view.url + "index.m3u8")[0] == 0
    room.gateway.start()
    wait(lambda: fetch(f"{room.base}/healthz")[0] == 200, 60, "it is back")
    view.picture()
    assert len(room.ffmpegs()) == 1
    assert VideoSession.objects.get(pk=view.session).ended_at is None
