"""What the services listen to; imported once, when all models are loaded."""

from incidents.signals import incidents_opened
from services import rules

incidents_opened.connect(rules.relay_at_once, dispatch_uid="services.relay_at_once")
