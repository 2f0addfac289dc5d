"""What the wires tell the app above."""

from django.dispatch import Signal

# Sent by `linkage.relays` and `linkage.outbox` inside the transaction that changes a relay.
# Arguments: relay (Relay, as it is now), kind (str, the ledger's name: "relay.accepted", …),
# actor (principal.Actor), detail (dict). Receiver: `incidents.operations.relay_follow`, which writes
# the ledger row. A receiver that raises undoes the change.
relay_changed = Signal()
