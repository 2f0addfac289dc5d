"""What a CAP message says. Times are aware, positions WGS84 degrees, radii kilometres, absent texts ""."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
NAMESPACE_1_1: Final = "urn:oasis:names:tc:emergency:cap:1.1"

STATUSES: Final = ("Actual", "Exercise", "System", "Test", "Draft")
MESSAGE_TYPES: Final = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES: Final = ("Public", "Restricted", "Private")
CATEGORIES: Final = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
)  # fmt: skip
RESPONSES: Final = (
    "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
)  # fmt: skip
URGENCIES: Final = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES: Final = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")  # the gravest first
CERTAINTIES: Final = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")


class Named(NamedTuple):
    """An event code, geocode or parameter: whose list it is of, and its value."""

    name: str
    value: str


class Position(NamedTuple):
    """A point on the globe."""

    lat: float
    lon: float


class Circle(NamedTuple):
    """A centre with a radius in kilometres, which may be 0."""

    centre: Position
    radius_km: float


class Reference(NamedTuple):
    """A message's identity: the three together name it, and it alone."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True)
class Area:
    """Where: the union of its shapes. Polygons are closed."""

    description: str
    polygons: tuple[tuple[Position, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Info:
    """One telling of the event, in one language."""

    event: str
    categories: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    language: str = "en-US"
    responses: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[Named, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[Named, ...] = ()
    resources: tuple[Named, ...] = ()  # description and address
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One message."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    message_type: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: str = ""
    infos: tuple[Info, ...] = ()
    version: str = "1.2"

    @property
    def identity(self) -> Reference:
        """What other messages name it by."""
        return Reference(self.sender, self.identifier, self.sent)
