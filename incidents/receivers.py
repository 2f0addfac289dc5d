"""What the incidents listen to; imported once, when all models are loaded."""

from incidents import (
    agency_cases,
    documents,
    escalation,
    flood,
    following,
    handover,
    operations,
    rates,
    suppression,
    trial,
    vms,
)
from incidents.signals import subjects_reported
from linkage import demonstration, quarantine, standing, sweeper
from linkage.feeds import collector
from linkage.signals import relays_changed

relays_changed.connect(following.relays_follow, dispatch_uid="incidents.relays_follow")
relays_changed.connect(agency_cases.units_follow, dispatch_uid="incidents.units_follow")
subjects_reported.connect(agency_cases.cases_follow, dispatch_uid="incidents.cases_follow")
sweeper.register_duty(operations.incidents_return_from_shelf)
standing.register_event_counter(rates.events_since)
sweeper.register_duty(operations.incidents_expire)
sweeper.register_duty(escalation.incidents_escalate)
sweeper.register_duty(handover.offers_expire)
sweeper.register_duty(suppression.suppressions_expire)
sweeper.register_duty(flood.floods_decide)
quarantine.register_rerun(documents.rerun)
demonstration.register_door(trial.test_event_take)
collector.register_job(vms.JOB_NAME, vms.JOB_SECONDS, vms.due_systems_synchronise)
