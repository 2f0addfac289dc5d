"""The shift: who is on duty, what one crew hands to the next, and what the room must know."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShiftsConfig(AppConfig):
    """An app of its own, so that its tables change without touching those of the other services."""

    name = "services.shifts"
    label = "shifts"
    verbose_name = _("Shifts")
