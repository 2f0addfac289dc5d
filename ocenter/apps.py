"""The project as an app: it owns the `up` command and the system checks."""

from django.apps import AppConfig


class OcenterConfig(AppConfig):
    """Registers the project's system checks and its logging."""

    name = "ocenter"
    label = "ocenter"

    def ready(self) -> None:
        """Import for registration; Django calls this once."""
        from ocenter import checks  # noqa: F401,PLC0415 (apps must be loaded first)
