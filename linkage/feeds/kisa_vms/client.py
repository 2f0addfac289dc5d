"""A video system's own interface, KISA style: camera list, stream addresses, PTZ. Every call is a POST of JSON.

`Authentication {userID, userPW}` gives a token for the calls after it; `CameraProfiles`, `StreamURLs`,
`PtzContinuousMove`, `PtzStop`, `PtzStatus` stand beside each other below the endpoint. Every answer carries
`code` ("200" is success, whatever the HTTP status says) and `message`. The rules of `transports.wire` hold: allowed
networks only, one deadline a call, bounded answers, no redirects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypedDict
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp
import orjson

from linkage.models import LinkedSystem
from linkage.transports import wire
from linkage.transports.base import NotSent, Target

# 41,000 cameras (the largest centre) are some 8 MB.
LIST_LIMIT: Final = 16 * 1024 * 1024
STREAMS_A_CALL: Final = 500
SUCCESS: Final = "200"
NOT_SIGNED_IN: Final = "401"
FULL_SPEED: Final = 100  # the wire counts percent of a camera's top speed, in whole numbers
HEADERS: Final = {"Content-Type": "application/json"}


class VmsError(Exception):
    """The video system did not do it; the message says why. `permanent`: asking again will not help."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class CameraProfile(TypedDict, total=False):
    """One entry of a camera list, as it comes; nothing in it has been checked."""

    camID: str
    camName: str
    camLoc: Mapping[str, Any]
    camConfig: Mapping[str, Any]


@dataclass
class VmsClient:
    """One system's interface; use it as an async context manager. `user` "" means that it asks for no sign-in."""

    target: Target
    endpoint: str
    user: str = ""
    _session: aiohttp.ClientSession | None = None
    _token: str = field(default="", repr=False)

    async def __aenter__(self) -> Self:
        self._session = wire.open_session(self.target)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    async def cameras(self) -> list[CameraProfile]:
        """The whole camera list. Raises VmsError, also where the answer is no list of cameras."""
        found = (await self._ask("CameraProfiles", {}, limit=LIST_LIMIT)).get("camList")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise VmsError("CameraProfiles: camList is no list of cameras")
        return found

    async def streams(self, camera_ids: Sequence[str]) -> dict[str, str]:
        """camID → address of its video (RTSP), the account inside, for those that have one. Raises VmsError."""
        found: dict[str, str] = {}
        for some in _portions(camera_ids, STREAMS_A_CALL):
            asked = [{"camID": one, "streamProtocolType": "RTSP"} for one in some]
            answer = await self._ask("StreamURLs", {"camList": asked}, limit=LIST_LIMIT)
            listed = answer.get("camList")
            found |= dict(_addresses(listed if isinstance(listed, list) else [], set(some)))
        return found

    async def ptz_move(self, camera_id: str, *, pan: float = 0, tilt: float = 0, zoom: float = 0, seconds: int) -> None:
        """Moves the camera, each speed −1 to 1, until `seconds` have passed or `ptz_stop`. Raises VmsError.

        Repeating is safe: it renews the movement. The camera stops by itself, so that a lost stop turns none away.
        """
        speeds = {"pan": pan, "tilt": tilt, "zoom": zoom}
        if not all(-1 <= one <= 1 for one in speeds.values()):
            raise ValueError("a speed lies between -1 and 1")
        velocity = {name: round(one * FULL_SPEED) for name, one in speeds.items()}
        await self._ask("PtzContinuousMove", {"camID": camera_id, "velocity": velocity, "timeOut": seconds})

    async def ptz_stop(self, camera_id: str) -> None:
        """Stops every movement. Raises VmsError. Repeating is safe."""
        await self._ask("PtzStop", {"camID": camera_id, "pan": True, "tilt": True, "zoom": True})

    async def ptz_status(self, camera_id: str) -> dict[str, Any]:
        """Where the camera looks and what moves: `{"position", "moveStatus"}` as the product says it. Raises VmsError."""
        answer = await self._ask("PtzStatus", {"camID": camera_id})
        return {name: answer.get(name) for name in ("position", "moveStatus")}

    async def _ask(self, name: str, body: Mapping[str, Any], *, limit: int = wire.RESPONSE_LIMIT) -> dict[str, Any]:
        if self.user and not self._token:
            await self._sign_in()
        code, answer = await self._call(name, body, limit)
        if code == NOT_SIGNED_IN and self.user:  # the token has run out
            await self._sign_in()
            code, answer = await self._call(name, body, limit)
        return _accepted(name, code, answer)

    async def _sign_in(self) -> None:
        self._token = ""
        body = {"userID": self.user, "userPW": self.target.secrets[0] if self.target.secrets else ""}
        answer = _accepted("Authentication", *await self._call("Authentication", body, wire.RESPONSE_LIMIT))
        self._token = str(answer.get("accessToken") or "")

    async def _call(self, name: str, body: Mapping[str, Any], limit: int) -> tuple[str, dict[str, Any]]:
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        headers = {**HEADERS, "Authorization": f"Bearer {self._token}"} if self._token else HEADERS
        address = f"{self.endpoint.rstrip('/')}/{name}"
        try:
            reply = await wire.call(
                self._session, self.target, address, body=orjson.dumps(body), headers=headers, limit=limit
            )
        except NotSent as error:
            if str(error.status) == NOT_SIGNED_IN:
                return NOT_SIGNED_IN, {"message": error.reason}
            raise VmsError(f"{name}: {error.reason}", permanent=error.permanent) from error
        return _read(name, reply.body, limit)


def client_of(system: LinkedSystem) -> VmsClient:
    """The client of a linked video system: its password is the system's secret, its account `options["user"]`."""
    target = Target(
        system.pk, system.slug, "kisa_vms", tuple(system.secrets), system.allowed_network, float(system.deadline_s)
    )
    return VmsClient(target, system.endpoint, str((system.options or {}).get("user") or ""))


def _read(name: str, body: bytes, limit: int) -> tuple[str, dict[str, Any]]:
    if len(body) > limit:
        raise VmsError(f"{name}: the answer is longer than {limit // 1024} KiB", permanent=True)
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise VmsError(f"{name}: the answer is no JSON: {error}") from error
    if not isinstance(answer, dict):
        raise VmsError(f"{name}: the answer is no object")
    # Some products wrap the answer in the call's name, and some write "code " with a blank.
    answer = answer[name] if isinstance(answer.get(name), dict) else answer
    answer = {key.strip(): value for key, value in answer.items()}
    return str(answer.get("code", SUCCESS)), answer


def _accepted(name: str, code: str, answer: dict[str, Any]) -> dict[str, Any]:
    if code != SUCCESS:
        permanent = code.startswith("4") and code not in ("408", "429")
        raise VmsError(f"{name}: {code} {str(answer.get('message') or '')[:120]}".rstrip(), permanent=permanent)
    return answer


def _addresses(listed: Iterable[Any], asked: set[str]) -> Iterator[tuple[str, str]]:
    for one in listed:
        if isinstance(one, dict) and str(one.get("camID")) in asked and (address := _address(one)):
            yield str(one["camID"]), address


def _address(one: Mapping[str, Any]) -> str:
    """The RTSP address with the account the list gives beside it; "" for anything that is none."""
    try:
        parts = urlsplit(str(one.get("camURL") or ""))
        if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
            return ""
    except ValueError:
        return ""
    user, password = str(one.get("accessID") or ""), str(one.get("accessPW") or "")
    if user and "@" not in parts.netloc:
        parts = parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}")
    return urlunsplit(parts)


def _portions(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
