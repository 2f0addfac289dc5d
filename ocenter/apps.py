"""The project as an app: it owns the `up` command and the system checks."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OcenterConfig(AppConfig):
    """Registers the system checks, and what each app listens to."""

    name = "ocenter"
    label = "ocenter"

    def ready(self) -> None:
        """Imports every app's `checks` and `receivers`, now that all models are loaded; Django calls this once."""
        autodiscover_modules("checks", "receivers")
