"""A simulated video system in the KISA style: a camera list, stream addresses, PTZ one can watch, analytics events.

``POST /sources/vms/Authentication``                        a token for the calls below, for an hour
``POST /sources/vms/{CameraProfiles|StreamURLs|Capabilities}``    what there is
``POST /sources/vms/{PtzContinuousMove|PtzStop|PtzStatus}``  cameras that turn; they keep time by themselves
``GET|PUT /sources/vms/faults``                              how it misbehaves (`MODES`)
``GET /sources/vms`` and ``/state``                          what happened: calls, movements, events sent
``POST /sources/vms/events``                                 one event now: ``{"camID", "eventName", "lasts_s"}``
``GET /sources/vms/streams``                                 who watches; ``PUT …/streams/{camID}``: how its video misbehaves

The addresses it hands out are real: an RTSP server (:mod:`linkage.simulators.streams`) on the loopback.

Every call answers 200 with ``code`` and ``message`` inside, as such products do, and its events go to ocenter by
webhook: a message when one begins, another when it is over.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web

from linkage.simulators.config import InstallationFile
from linkage.simulators.faults import SPOILERS, Faults
from linkage.simulators.streams import encoder, scene
from linkage.simulators.streams.recorder import Recorder
from linkage.simulators.streams.server import Account
from linkage.simulators.videosystem import Camera, Vms

PREFIX = "/sources/vms"
USER, PASSWORD = "centre", "vms-demo"
TOKEN_SECONDS = 3600.0
ACCOUNT = Account("view", "p@ss/1")
SPEED_DEGREES = 30.0
"""What full speed turns in a second."""

MODES = frozenset({"none", "error", "timeout", "drip", "oversize", "malformed", "redirect", "refuse", "code", "half", "empty"})
"""Those of the agencies, and: ``code`` 500 inside a 200; ``half`` and ``empty``, a list that has lost cameras."""


VMS = web.AppKey("vms", Vms)
RECORDER = web.AppKey("recorder", Recorder)
Body = dict[str, Any]


def add_routes(
    app: web.Application, installation: InstallationFile, *, rate: float, rtsp_port: int | None = None
) -> None:
    """Serves the video system on ``app``. Call it before routes that would take any path.

    ``rtsp_port`` is where its video is served; None: where it usually is, or on any free port.
    """
    app[VMS] = vms = Vms(installation, rate)
    app[RECORDER] = Recorder(vms, ACCOUNT, rtsp_port)
    app.cleanup_ctx.append(_run)
    app.add_routes(
        [
            web.get(PREFIX, show_state),
            web.get(f"{PREFIX}/faults", show_faults),
            web.put(f"{PREFIX}/faults", set_faults),
            web.get(f"{PREFIX}/state", show_state),
            web.post(f"{PREFIX}/events", make_event),
            web.get(f"{PREFIX}/streams", show_streams),
            web.put(f"{PREFIX}/streams/{{camera}}", set_stream),
            web.post(f"{PREFIX}/{{call}}", answer_call),
        ]
    )


async def _run(app: web.Application) -> AsyncIterator[None]:
    if app[VMS].rate > 0:
        app[VMS].start(app[VMS].happen())
    await app[RECORDER].start()
    yield
    await app[RECORDER].stop()
    await app[VMS].stop()


async def answer_call(request: web.Request) -> web.StreamResponse:
    """One call of the interface, or the present fault."""
    vms, name = request.app[VMS], request.match_info["call"]
    vms.calls[name] += 1
    fault = vms.faults.strike()
    if fault in SPOILERS:
        return await SPOILERS[fault](request, vms.faults, "")
    if fault == "code":
        return _said("500", "내부 오류")
    try:
        body = await request.json()
    except ValueError:
        return _said("400", "JSON이 아닙니다")
    if name not in CALLS or not isinstance(body, dict):
        return _said("404" if name not in CALLS else "400", "알 수 없는 요청입니다")
    if name != "Authentication" and not _is_signed_in(request, vms):
        return _said("401", "인증이 필요합니다")
    vms.look_for_cameras()
    return CALLS[name](vms, body, request.app[RECORDER].address)


def _said(code: str = "200", message: str = "성공", **more: Any) -> web.Response:
    return web.json_response({"code": code, "message": message, **more})


def _is_signed_in(request: web.Request, vms: Vms) -> bool:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return vms.tokens.get(token, 0.0) > time.monotonic()


def authenticate(vms: Vms, body: Body, rtsp: str) -> web.Response:
    """A token for the right account."""
    if (body.get("userID"), body.get("userPW")) != (USER, PASSWORD):
        return _said("401", "아이디 또는 비밀번호가 올바르지 않습니다")
    token = secrets.token_urlsafe(24)
    vms.tokens[token] = time.monotonic() + TOKEN_SECONDS
    return _said(userName="관제센터", userAff="대전광역시", accessToken=token)


def capabilities(vms: Vms, body: Body, rtsp: str) -> web.Response:
    """What it can stream and how it sends."""
    return _said(
        streamingSupport=[{"streamProtocolType": "RTSP", "streamProtocolDesc": "Unicast"}],
        transportSupport=[{"transProtocolType": "WebHook", "transProtocolDesc": ""}],
    )


def camera_profiles(vms: Vms, body: Body, rtsp: str) -> web.Response:
    """The camera list, or what a fault leaves of it."""
    listed = [one.profile for one in vms.cameras.values()]
    kept = {"half": len(listed) // 3, "empty": 0}.get(vms.faults.mode, len(listed))
    return _said(camList=listed[:kept])


def stream_urls(vms: Vms, body: Body, rtsp: str) -> web.Response:
    """Where the cameras asked for are to be seen."""
    asked = [one.get("camID") for one in body.get("camList", []) if isinstance(one, dict)]
    info = {"resolution": "{}x{}".format(*scene.SIZE), "fps": scene.FPS, "videoCodec": "H.264"}
    login = {"accessID": ACCOUNT.user, "accessPW": ACCOUNT.password}
    found = [
        {"camID": one, **login, "camURL": f"{rtsp}/{one}", "videoInfo": info}
        for one in asked if one in vms.cameras
    ]  # fmt: skip
    return _said(camList=found)


def _turning(vms: Vms, body: Body) -> Camera | web.Response:
    camera = vms.cameras.get(str(body.get("camID")))
    if camera is None:
        return _said("404", "카메라가 없습니다")
    if not camera.turns:
        return _said("405", "PTZ를 지원하지 않습니다")
    camera.settle(time.monotonic())
    return camera


def ptz_move(vms: Vms, body: Body, rtsp: str) -> web.Response:
    """Turns a camera; it stops by itself after ``timeOut`` seconds."""
    camera = _turning(vms, body)
    if isinstance(camera, web.Response):
        return camera
    velocity, seconds = body.get("velocity"), body.get("timeOut", 1)
    if not isinstance(velocity, dict) or not all(isinstance(one, int) and abs(one) <= 100 for one in velocity.values()):
        return _said("400", "velocity는 -100에서 100까지의 정수입니다")
    camera.velocity = {axis: speed / 100 * SPEED_DEGREES for axis, speed in velocity.items()}
    camera.until = time.monotonic() + float(seconds)
    vms.moves.append({"camID": body["camID"], "velocity": velocity, "timeOut": seconds})
    return _said()


def ptz_stop(vms: Vms, body: Body, rtsp: str) -> web.Response:
    """Stops a camera."""
    camera = _turning(vms, body)
    if isinstance(camera, web.Response):
        return camera
    camera.velocity = {}
    vms.moves.append({"camID": body["camID"], "stop": True})
    return _said()


def ptz_status(vms: Vms, body: Body, rtsp: str) -> web.Response:
    """Where a camera looks and what of it moves."""
    camera = _turning(vms, body)
    if isinstance(camera, web.Response):
        return camera
    moves = {axis: "이동중" if camera.velocity.get(axis) else "정지" for axis in camera.look}
    return _said(position=camera.look, moveStatus=moves)


CALLS: dict[str, Callable[[Vms, Body, str], web.Response]] = {
    "Authentication": authenticate,
    "Capabilities": capabilities,
    "CameraProfiles": camera_profiles,
    "StreamURLs": stream_urls,
    "PtzContinuousMove": ptz_move,
    "PtzStop": ptz_stop,
    "PtzStatus": ptz_status,
}


async def show_faults(request: web.Request) -> web.Response:
    """The present fault."""
    return web.json_response(request.app[VMS].faults.as_json())


async def set_faults(request: web.Request) -> web.Response:
    """Sets ``{"mode", "rate"?, "seed"?}``; 400 where there is no such mode."""
    body = await request.json()
    mode = body.get("mode") if isinstance(body, dict) else None
    if mode not in MODES:
        detail = {"detail": f"mode must be one of {', '.join(sorted(MODES))}"}
        return web.json_response(detail, status=400)
    request.app[VMS].faults = Faults(mode=mode, rate=float(body.get("rate", 1.0)), seed=int(body.get("seed", 0)))
    return web.json_response(request.app[VMS].faults.as_json())


async def show_state(request: web.Request) -> web.Response:
    """What happened here."""
    vms = request.app[VMS]
    return web.json_response({"calls": vms.calls, "moves": vms.moves[-100:], "sent": vms.sent[-100:]})


async def make_event(request: web.Request) -> web.Response:
    """Lets something happen now; 400 for a camera or a body nobody knows."""
    vms = request.app[VMS]
    try:
        body = await request.json()
        camera, name, lasts_s = body["camID"], str(body["eventName"]), float(body.get("lasts_s", 1.0))
    except (json.JSONDecodeError, KeyError, TypeError, ValueError):
        return web.json_response({"detail": "camID and eventName are needed"}, status=400)
    if camera not in vms.cameras:
        return web.json_response({"detail": "no such camera"}, status=400)
    vms.start(vms.report(camera, name, lasts_s))
    return web.json_response({"status": "begun"}, status=202)


async def show_streams(request: web.Request) -> web.Response:
    """Each stream that anybody has asked for: receivers, encoders started, fault."""
    return web.json_response({"streams": request.app[RECORDER].as_json()})


async def set_stream(request: web.Request) -> web.Response:
    """Sets ``{"mode"}`` of a camera's video; 400 where there is no such mode or camera."""
    try:
        mode = (await request.json())["mode"]
    except (ValueError, KeyError, TypeError):
        mode = None
    stream = request.app[RECORDER].find(request.match_info["camera"])
    if stream is None or mode not in encoder.MODES:
        detail = {"detail": f"a camera, and a mode of {', '.join(sorted(encoder.MODES))}"}
        return web.json_response(detail, status=400)
    stream.set_mode(mode)
    return web.json_response({"mode": mode})
