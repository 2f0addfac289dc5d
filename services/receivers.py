"""What the services listen to; imported once, when all models are loaded."""

from incidents.guards import register_close_guard
from incidents.signals import incidents_changing, incidents_opened
from linkage.sweeper import register_duty
from services import rules
from services.procedures import following
from services.video.operations import sessions_forget, views_expire

incidents_opened.connect(rules.relay_at_once, dispatch_uid="services.relay_at_once")
incidents_changing.connect(following.checklists_follow, dispatch_uid="services.checklists_follow")
register_close_guard(following.require_steps_done)
register_duty(following.checklists_raise_overdue)
register_duty(views_expire)
register_duty(sessions_forget)
