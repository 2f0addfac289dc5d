"""The tables of the services, each part's own in its folder."""

from services.video.models import VideoView

__all__ = ["VideoView"]
