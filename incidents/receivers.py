"""What the incidents listen to; imported once, when all models are loaded."""

from incidents import documents, operations, rates, trial
from linkage import demonstration, quarantine, standing, sweeper
from linkage.signals import relay_changed

relay_changed.connect(operations.relay_follow, dispatch_uid="incidents.relay_follow")
sweeper.register_duty(operations.incidents_return_from_shelf)
standing.register_event_counter(rates.events_since)
sweeper.register_duty(operations.incidents_expire)
quarantine.register_rerun(documents.rerun)
demonstration.register_door(trial.test_event_take)
