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
