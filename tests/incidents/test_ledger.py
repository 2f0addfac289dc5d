"""The ledger: numbered without holes, read by cursor, told apart by epoch, and never rewritten."""

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents import ledger, regrouping
from incidents import operations as op
from incidents.ledger import CursorGone, Position
from incidents.live.reading import visible_rows
from incidents.models import Change, Incident, LedgerHead
from incidents.payloads import incident_payload
from incidents.relaying import compose
from incidents.selectors import active_incidents, relays_by_subject
from linkage.models import Relay
from tests.incidents.cast import (
    assert_ledger_is_whole,
    by,
    event,
    hear,
    make_central,
    open_incident,
    receive,
    seqs,
)

NOW = {"30000": Position("aaaa", 10), "36110": Position("bbbb", 5)}


# ── Cursors ────────────────────────────────────────────────────────────────────────────────────────


def test_a_cursor_reads_back_as_it_was_written():
    assert ledger.write_cursor(NOW) == "30000:aaaa:10,36110:bbbb:5"
    assert ledger.read_cursor("36110:bbbb:5,30000:aaaa:10", NOW) == NOW


@pytest.mark.parametrize("text", [None, "", "0"])
def test_no_cursor_means_from_the_beginning(text):
    assert ledger.read_cursor(text, NOW) is None
    assert ledger.beginning(NOW) == {"30000": Position("aaaa", 0), "36110": Position("bbbb", 0)}


@pytest.mark.parametrize(
    "text",
    [
        "30000:zzzz:3", "30000:aaaa:11", "30000:aaaa:-1", "30000:aaaa:", "30000:aaaa", "30000", "x", ",", "::", "30000:aaaa:1:2",
        "30000:aaaa:1,", "30000:aaaa:²", "30000:aaaa:٣", "30000:aaaa: 3", "30000:aaaa:" + "9" * 5000, "1", "00", "\0",
        "30000:aaaa:3,36110:aaaa:1",
    ],
)  # fmt: skip
def test_a_cursor_of_another_past_or_of_none_is_gone(text):
    with pytest.raises(CursorGone):
        ledger.read_cursor(text, NOW)


def test_a_new_municipality_is_read_from_its_beginning_and_one_that_left_is_dropped():
    read = ledger.read_cursor("30000:aaaa:7,99999:cccc:1000000", NOW)
    assert read == {"30000": Position("aaaa", 7), "36110": Position("bbbb", 0)}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"\A(30000|36110|):?(aaaa|bbbb|):?\d{0,30}(,.{0,9})?\Z"))
def test_whatever_a_client_sends_is_a_cursor_or_gone(text):
    try:
        read = ledger.read_cursor(text, NOW)
    except CursorGone:
        return
    assert read is None or all(0 <= read[code].seq <= at.seq and read[code].epoch == at.epoch for code, at in NOW.items())


def test_a_renewed_epoch_ends_every_cursor(town):
    open_incident(town)
    before = ledger.write_cursor(ledger.heads([town.municipality.pk]))
    LedgerHead.objects.update(epoch="restored")
    with pytest.raises(CursorGone):
        ledger.read_cursor(before, ledger.heads([town.municipality.pk]))


# ── Numbers ────────────────────────────────────────────────────────────────────────────────────────


def test_each_municipality_counts_for_itself(town, other):
    for _ in range(3):
        open_incident(town), open_incident(other)
    assert seqs(town) == seqs(other) == [1, 2, 3]
    assert_ledger_is_whole(town), assert_ledger_is_whole(other)


def test_a_transaction_undone_gives_its_numbers_back(town):
    open_incident(town)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        open_incident(town)
        1 / 0
    open_incident(town)
    assert seqs(town) == [1, 2]
    numbers = Incident.objects.order_by("pk").values_list("number", flat=True)
    assert [one[-4:] for one in numbers] == ["0001", "0002"]


@pytest.mark.django_db(transaction=True)
def test_a_row_outside_a_transaction_is_refused(town):
    incident = open_incident(town)
    draft = ledger.Draft("incident.noted", incident, {"kind": "system", "name": "x"})
    with pytest.raises(transaction.TransactionManagementError):
        ledger.append(town.municipality, [draft])


def test_appending_nothing_takes_no_number(town):
    open_incident(town)
    assert ledger.append(town.municipality, []) == 1 and seqs(town) == [1]


def test_a_batch_is_numbered_in_its_order(town):
    receive(town, *(event("ORD-01", north_m=1_000 * n) for n in range(5)))
    rows = Change.objects.order_by("seq")
    assert [row.seq for row in rows] == [row.body["seq"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row.body["incident"]["version"] for row in rows] == [1, 2, 3, 4, 5]


def test_reading_stops_at_the_limit_and_goes_on_after_it(town):
    receive(town, *(event("ORD-01", north_m=1_000 * n) for n in range(5)))
    pk = town.municipality.pk
    assert [row.seq for row in ledger.read_rows(pk, 0, 2)] == [1, 2]
    assert [row.seq for row in ledger.read_rows(pk, 2, 10)] == [3, 4, 5]
    assert ledger.read_rows(pk, 5, 10) == []


@pytest.mark.parametrize("write", ["UPDATE incidents_change SET kind = 'x'", "DELETE FROM incidents_change"])
def test_the_database_refuses_to_rewrite_it(town, write):
    open_incident(town)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(write)
    assert Change.objects.get().kind == "incident.opened"


# ── Applying changes is the same as reading anew ───────────────────────────────────────────────────


def busy_day(town):
    """A bit of everything that writes a row."""
    receive(town, *(event("VCA-02", north_m=1_000 * n, attributes={"n": n}) for n in range(4)))
    receive(town, event("VCA-02", north_m=10), event("FIR-01", lat=None, lon=None), event("ORD-01", lat=1, lon=-0.0))
    fire = Incident.objects.get(code="FIR-01")
    first, second, third, fourth = Incident.objects.filter(code="VCA-02").order_by("pk")
    caller = by(town.kim)
    op.incident_shelve(number=first.number, by=caller, reason="known", minutes=5)
    op.incident_acknowledge(number=first.number, by=caller)
    regrouping.incident_merge(number=second.number, by=caller, into=first.number)
    op.incident_assign(number=first.number, by=by(town.park), username="lee")
    op.incident_false_alarm(number=third.number, by=caller, reason="FA-03")
    op.incident_reopen(number=third.number, by=caller, reason="no")
    regrouping.incident_split(number=first.number, by=caller, events=[first.events.order_by("pk").last().source_id])
    op.incident_relay(number=fire.number, by=caller, request=compose(fire, town.police))
    op.incident_confirm(number=fire.number, by=caller)
    for relay in Relay.objects.filter(subject=fire.number):
        for word in ("accepted", "dispatched", "dispatched", "arrived"):
            hear(relay, word, unit="7", eta_s=60, lat=36.3, lon=127.4)
    op.incident_note(number=fire.number, by=caller, text="먹구름 ☁ \\u0000 \"quoted\"")
    hear(Relay.objects.first(), "closed", result_code="RC-03", note="out")
    op.incident_close(number=fire.number, by=by(town.park), result_code="RC-03", override=True, note="out")


def test_applying_the_rows_gives_what_a_fresh_reading_gives(town):
    busy_day(town)
    shown = {}
    for row in Change.objects.filter(municipality=town.municipality).order_by("seq"):
        shown[row.body["incident"]["number"]] = row.body["incident"]
    relays = relays_by_subject(shown)
    fresh = {one.number: incident_payload(one, relays.get(one.number, ())) for one in Incident.objects.all()}
    assert shown == fresh
    queue = {number for number, body in shown.items() if body["status"] not in {"merged", "false_alarm", "test", "closed", "cancelled"}}
    assert queue == set(active_incidents(by(town.kim)).values_list("number", flat=True))
    assert_ledger_is_whole(town)


# ── Who may read which rows ────────────────────────────────────────────────────────────────────────


def rows_for(system, town):
    rows = ledger.read_rows(town.municipality.pk, 0, 1000)
    return [row.seq for row in rows if visible_rows(by(system), [row])]


def test_an_agency_reads_its_families_and_what_was_relayed_to_it(town):
    open_incident(town, "RES-01")  # 1: fire119's family
    bell, theft = open_incident(town), open_incident(town, "CRM-04")  # 2, 3
    op.incident_relay(number=bell.number, by=by(town.kim), request=compose(bell, town.fire))  # 4, 5
    assert rows_for(town.fire, town) == [1, 2, 4, 5]
    assert rows_for(town.police, town) == [3]
    assert rows_for(town.disaster, town) == []
    assert rows_for(town.bells, town) == []
    assert rows_for(town.kim, town) == [1, 2, 3, 4, 5]
    assert theft.pk


def test_one_agencys_relay_is_not_anothers_permission(town, other):
    bell, theirs = open_incident(town), open_incident(other)
    op.incident_relay(number=theirs.number, by=by(other.kim), request=compose(theirs, other.fire))
    assert rows_for(town.fire, town) == [] and bell.pk


def test_a_central_agency_reads_its_families_in_every_town_it_covers(town, other):
    central = make_central(town, other)
    open_incident(town), open_incident(town, "CRM-04"), open_incident(other, "RES-01"), open_incident(other)
    assert rows_for(central, town) == [1] and rows_for(central, other) == [2]
    assert by(central).municipalities == {town.municipality.pk, other.municipality.pk}
