"""What incidents tell the app above."""

from django.dispatch import Signal

# Sent by `intake` inside the transaction that opens incidents, after their ledger rows are written.
# Arguments: incidents (list[Incident]). Receiver: `services.rules.relay_at_once`. A receiver that
# raises undoes the intake, so it raises only when the database is gone.
incidents_opened = Signal()

# Sent by `intake` inside its transaction for messages that carry a subject, after everything is written.
# Arguments: reported (list[tuple[Arrival, Incident | None]]); the incidents' subjects are locked. What a receiver
# raises undoes the intake.
subjects_reported = Signal()

# Sent by `work.finish_all` inside the transaction of every change to incidents, before their rows are numbered: the
# incidents are locked and as they will be. Arguments: works (Sequence[Work]); `Work.kinds` says what happens to each.
# Receiver: `services.procedures.following.checklists_follow`. What a receiver raises undoes the change; it must be quick
# where nothing concerns it, and lock nothing that another locks before an incident.
incidents_changing = Signal()
