"""What the services listen to; imported once, when all models are loaded."""

from incidents.signals import incidents_opened
from linkage.sweeper import register_duty
from services import rules
from services.video.operations import sessions_forget, views_expire

incidents_opened.connect(rules.relay_at_once, dispatch_uid="services.relay_at_once")
register_duty(views_expire)
register_duty(sessions_forget)
