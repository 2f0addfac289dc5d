"""What an agency is sent, read strictly: a body that is not right is refused, never half understood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from linkage.simulators.geometry import Point

KINDS = ("create", "update", "cancel", "close")


class BadMessage(ValueError):
    """A body is not a relay message; ``problems`` says where, by field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = problems


@dataclass(frozen=True)
class Message:
    """One message of one relay, as it arrived under one Idempotency-Key."""

    key: str
    relay: str
    kind: str
    incident: str
    code: str
    place: Point | None
    result_code: str | None
    callback_url: str | None

    @classmethod
    def read(cls, key: str, body: Any) -> Message:
        """Read a request body. Raises BadMessage naming every field that is wrong."""
        if not isinstance(body, dict):
            raise BadMessage({"body": "must be a JSON object"})
        incident = body.get("incident")
        if not isinstance(incident, dict):
            incident = {}  # its number is then what is missing
        problems = _problems(body, incident)
        if problems:
            raise BadMessage(problems)
        return cls(
            key=key,
            relay=body["relay"],
            kind=body["message"],
            incident=incident["number"],
            code=str(incident.get("code") or ""),
            place=_place(incident),
            result_code=incident.get("result_code"),
            callback_url=body.get("callback_url"),
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2000


def _is_web_address(value: Any) -> bool:
    return _is_text(value) and value.startswith(("http://", "https://"))


def _problems(body: dict[str, Any], incident: dict[str, Any]) -> dict[str, str]:
    """Every field that is not as the contract has it, with what it must be."""
    needs_callback = body.get("message") == "create" or body.get("callback_url") is not None
    checks: list[tuple[str, Callable[[], bool], str]] = [
        ("relay", lambda: _is_text(body.get("relay")), "must be the relay's id"),
        ("message", lambda: body.get("message") in KINDS, f"must be one of {', '.join(KINDS)}"),
        ("incident.number", lambda: _is_text(incident.get("number")), "must be the incident's number"),
        ("incident.lat", lambda: _is_degrees(incident.get("lat"), 90), "must be null or degrees"),
        ("incident.lon", lambda: _is_degrees(incident.get("lon"), 180), "must be null or degrees"),
        ("cameras", lambda: isinstance(body.get("cameras", []), list), "must be a list"),
        (
            "callback_url",
            lambda: not needs_callback or _is_web_address(body.get("callback_url")),
            "must be an http(s) address",
        ),
    ]
    return {field: problem for field, is_right, problem in checks if not is_right()}


def _is_degrees(value: Any, limit: int) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and -limit <= value <= limit


def _place(incident: dict[str, Any]) -> Point | None:
    lat, lon = incident.get("lat"), incident.get("lon")
    return None if lat is None or lon is None else Point(float(lat), float(lon))
