"""Incidents: the domain."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IncidentsConfig(AppConfig):
    """Cameras, devices, events, incidents and the ledger."""

    name = "incidents"
    verbose_name = _("Incidents")

    def ready(self) -> None:
        """Follows what happens to relays, and gives the sweeper its duty."""
        from incidents import operations
        from linkage import sweeper
        from linkage.signals import relay_changed

        relay_changed.connect(operations.relay_follow, dispatch_uid="incidents.relay_follow")
        sweeper.register_duty(operations.incidents_return_from_shelf)
