"""Services: the linked services as plug-ins."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServicesConfig(AppConfig):
    """Rules, procedures, policy and reports on top of the incidents."""

    name = "services"
    verbose_name = _("Services")
