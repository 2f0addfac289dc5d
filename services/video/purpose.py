"""Why somebody looks: an incident of the room that is going on, or a reason in words. Without one, no look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from incidents.models import Camera, Incident
from incidents.selectors import active_incidents
from incidents.work import Invalid
from ocenter.accounts.principal import Principal
from services.video.models import REASON_LENGTH

REASON_AT_LEAST: Final = 5


@dataclass(frozen=True)
class Purpose:
    """An incident, or a reason, or both."""

    incident: Incident | None
    reason: str

    def as_json(self) -> dict[str, str]:
        """As the audit chain gets it."""
        said = {"incident": self.incident.number if self.incident else "", "reason": self.reason}
        return {name: text for name, text in said.items() if text}


def purpose_of(camera: Camera, by: Principal, *, incident: str, reason: str) -> Purpose:
    """The purpose named. Raises Invalid where it is none: no active incident of the camera's municipality that the
    caller may see, or fewer than `REASON_AT_LEAST` characters."""
    reason = " ".join(reason.split())
    if not incident and not reason:
        raise Invalid("incident", _("Name the incident, or a reason."))
    if reason and not REASON_AT_LEAST <= len(reason) <= REASON_LENGTH:
        raise Invalid(
            "reason",
            _("A reason of %(least)d to %(most)d characters is needed.")
            % {"least": REASON_AT_LEAST, "most": REASON_LENGTH},
        )
    found = None
    if incident:
        found = active_incidents(by).filter(number=incident, municipality_id=camera.municipality_id).first()
        if found is None:
            raise Invalid("incident", _("No active incident of that number."))
    return Purpose(found, reason)
