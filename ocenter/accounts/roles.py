"""What each role may do: one table, read by the REST, the page and the admin.

Actions are the operator actions of the public contract. `administrate` opens the
admin site for configuring linked systems, `audit` the audit chain. `shift` is being on duty and handing over,
`notice` telling the room something.
"""

from typing import Final

OPERATOR_ACTIONS: Final = frozenset(
    {
        "register", "acknowledge", "verify", "confirm", "false-alarm", "test", "relay", "called-by-hand",
        "respond", "resolve", "close", "reopen", "assign", "offer", "accept", "decline", "note", "shelve", "unshelve",
        "merge", "split", "unmerge", "unsplit", "watch", "ptz", "procedure",
    }
)  # fmt: skip

ACTIONS_BY_ROLE: Final[dict[str, frozenset[str]]] = {
    "operator": OPERATOR_ACTIONS | {"shift"},
    # A supervisor may also close over an agency that has not closed its own case, waive the rest of a procedure, put an
    # incident into anybody's hands, and suppress a source that chatters.
    "supervisor": OPERATOR_ACTIONS | {"override", "direct", "suppress", "geofence", "shift", "notice"},
    "administrator": frozenset({"administrate"}),
    "auditor": frozenset({"audit"}),
}


def actions_of(role: str) -> frozenset[str]:
    """The actions `role` may do; an unknown role may do nothing."""
    return ACTIONS_BY_ROLE.get(role, frozenset())
