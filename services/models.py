"""The tables of the services, each part's own in its folder."""

from services.procedures.models import Checklist, Procedure, StepMark
from services.video.models import VideoView

__all__ = ["Checklist", "Procedure", "StepMark", "VideoView"]
