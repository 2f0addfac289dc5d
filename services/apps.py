"""Services: the linked services as plug-ins."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServicesConfig(AppConfig):
    """Rules, procedures, policy and reports on top of the incidents."""

    name = "services"
    verbose_name = _("Services")

    def ready(self) -> None:
        """Lets the rules see every incident as it opens."""
        from incidents.signals import incidents_opened
        from services import rules

        incidents_opened.connect(rules.relay_at_once, dispatch_uid="services.relay_at_once")
