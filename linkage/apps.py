"""Linkage: the wires, knowing no incident."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LinkageConfig(AppConfig):
    """Linked systems, feeds, transports and the outbox."""

    name = "linkage"
    verbose_name = _("Linked systems")
