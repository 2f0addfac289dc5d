"""The whole matrix: every action from every status, allowed and refused, with its ledger row and its audit entry."""

import pytest

from incidents import handover, operations, regrouping
from incidents.models import Incident
from incidents.operations import NotAllowedNow
from incidents.states import ACTIVE, ENDED, JOINABLE, MOVES, RELAYABLE, STEADY, UNACKNOWLEDGED, Status, moves_from
from ocenter.accounts.models import AuditEntry
from tests.incidents.cast import by, kinds, last_change, open_incident

# What an operator does, and where it leads. Written out again on purpose: the table is the contract.
EARLY = {"open", "reopened", "acked", "verifying"}
LATE = {"confirmed", "notified", "responding"}
LEADS: dict[str, tuple[set[str], str]] = {
    "acknowledge": ({"open", "reopened"}, "acked"),
    "verify": ({"acked"}, "verifying"),
    "confirm": ({"acked", "verifying"}, "confirmed"),
    "false-alarm": (EARLY | {"confirmed"}, "false_alarm"),
    "test": (EARLY, "test"),
    "respond": ({"confirmed", "notified"}, "responding"),
    "resolve": (LATE, "resolved"),
    "close": (LATE | {"resolved"}, "closed"),
    "reopen": ({"resolved", "closed", "false_alarm", "test"}, "reopened"),
    "merge": ({"received"} | EARLY | LATE, "merged"),
}
STAYS: dict[str, set[str]] = {
    "assign": {"received"} | EARLY | LATE | {"resolved"},
    "offer": {"received"} | EARLY | LATE | {"resolved"},
    "note": set(Status.values),
    "shelve": {"received"} | EARLY | LATE | {"resolved"},
    "split": {"received"} | EARLY | LATE | {"resolved"},
}
KINDS = {
    "acknowledge": "incident.acknowledged", "verify": "incident.verifying", "confirm": "incident.confirmed",
    "false-alarm": "incident.false_alarm", "test": "incident.test", "respond": "incident.responding",
    "resolve": "incident.resolved", "close": "incident.closed", "reopen": "incident.reopened",
    "merge": "incident.merged", "assign": "incident.assigned", "note": "incident.noted",
    "offer": "incident.offered", "shelve": "incident.shelved", "split": "incident.split",
}  # fmt: skip


def do(action, town, incident):
    """One try of the action, with everything else about it in order."""
    caller = {"number": incident.number, "by": by(town.kim)}
    more = {
        "false-alarm": {"reason": "FA-01"},
        "test": {"reason": "FA-06"},
        "close": {"result_code": "RC-01"},
        "reopen": {"reason": "came back"},
        "assign": {"username": "kim"}, "offer": {"username": "lee"},
        "note": {"text": "seen"},
        "shelve": {"reason": "later", "minutes": 10},
    }
    if action == "merge":
        more["merge"] = {"into": open_incident(town, "ORD-01").number}
    if action == "split":
        more["split"] = {"events": [incident.events.first().source_id]}
    operation = {
        "test": operations.incident_false_alarm, "merge": regrouping.incident_merge, "split": regrouping.incident_split,
        "offer": handover.incident_offer,
    }.get(action) or getattr(operations, f"incident_{action.replace('-', '_')}")  # fmt: skip
    return operation(**caller, **more.get(action, {}))


def one(town, status, action):
    if action != "split":
        return open_incident(town, "ORD-01", status=status)
    incident = open_incident(town, "ORD-01", status=status)
    spare = open_incident(town, "ORD-01").events.first()
    spare.incident = incident
    spare.save()
    Incident.objects.filter(pk=incident.pk).update(event_count=2)
    return incident


@pytest.mark.parametrize("status", Status.values)
@pytest.mark.parametrize("action", [*LEADS, *STAYS])
def test_matrix(town, action, status):
    incident = one(town, status, action)
    rows, audited = kinds(incident), AuditEntry.objects.count()
    sources, target = LEADS[action] if action in LEADS else (STAYS[action], status)
    if status in sources:
        do(action, town, incident)
        incident.refresh_from_db()
        assert incident.status == target
        # The other incident of a merge or a split has its row, too.
        assert kinds(incident) == [*rows, KINDS[action]]
        change = last_change(incident)
        entry = AuditEntry.objects.get(subject=incident.number)
        assert (entry.actor, entry.action, entry.address) == ("user:kim", KINDS[action], "10.1.2.3")
        assert entry.detail == change.body["detail"] and change.body["actor"] == {"kind": "user", "name": "kim"}
        assert change.body["incident"]["status"] == target
        if action in LEADS:
            assert (change.body["detail"]["from"], change.body["detail"]["to"]) == (status, target)
    else:
        with pytest.raises(NotAllowedNow) as refusal:
            do(action, town, incident)
        assert refusal.value.incident.number == incident.number and str(refusal.value.detail)
        assert refusal.value.incident.status == status
        incident.refresh_from_db()
        assert incident.status == status
        assert kinds(incident) == rows and AuditEntry.objects.count() == audited


def test_the_table_is_the_one_written_here():
    # Undoing leads where the part was before: see test_regrouping.
    system_moves, undoing = {"open", "test", "notify", "cancel", "end", "raise"}, {"unmerge", "unsplit"}
    assert set(MOVES) - system_moves - undoing == set(LEADS) - {"test"}
    for action, (sources, target) in LEADS.items():
        assert (set(MOVES[action].sources), MOVES[action].target) == (sources, target)
    for action, statuses in STAYS.items():
        assert set(STEADY[action]) == statuses
    assert set(MOVES["notify"].sources) == {"confirmed"} and MOVES["notify"].target == "notified"
    assert set(MOVES["cancel"].sources) == set(ACTIVE)


def test_every_status_is_active_or_ended_and_the_sets_nest():
    assert ACTIVE | ENDED == set(Status) and not ACTIVE & ENDED
    assert {one.value for one in ENDED} == {"merged", "false_alarm", "test", "closed", "cancelled"}
    assert UNACKNOWLEDGED < JOINABLE < ACTIVE and RELAYABLE < JOINABLE


@pytest.mark.parametrize("status", Status.values)
def test_a_screen_is_offered_exactly_what_works(status):
    offered = set(moves_from(status))
    people = {name for name, (sources, _) in LEADS.items() if status in sources and name != "test"}
    steady = {name for name, statuses in STEADY.items() if status in statuses}
    assert offered == people | steady | ({"unmerge"} if status == "merged" else set())
