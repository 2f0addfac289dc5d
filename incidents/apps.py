"""Incidents: the domain."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IncidentsConfig(AppConfig):
    """Cameras, devices, events, incidents and the ledger."""

    name = "incidents"
    verbose_name = _("Incidents")
