"""What the wires tell the app above."""

from django.dispatch import Signal

# Sent by `linkage.relays.tell` inside the transaction that changes relays of one municipality.
# Arguments: changes (list[relays.RelayChange]); their subjects are locked. Receiver:
# `incidents.following.relays_follow`, which writes the ledger rows. A receiver that raises undoes the change.
relays_changed = Signal()
