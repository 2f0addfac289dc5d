"""GET changes: everything once, in commit order, by a cursor that says when its past is gone."""

import pytest

from incidents import operations as op
from incidents.models import Change, LedgerHead
from incidents.relaying import compose
from tests.incidents.api.conftest import problem_of, wrong_fields
from tests.incidents.cast import by, event, make_central, open_incident, receive

URL = "/api/v1/changes"


def read_all(caller, limit, after=None):
    """Every row from the cursor on, page by page, and the cursor at the end."""
    rows, cursor = [], after
    for _ in range(1_000):
        page = caller.get(URL, {"limit": limit, **({"after": cursor} if cursor else {})}).json()
        assert len(page["changes"]) <= limit
        rows += page["changes"]
        assert page["more"] or len(page["changes"]) <= limit
        cursor = page["cursor"]
        if not page["more"]:
            return rows, cursor
    raise AssertionError("more and more")


@pytest.mark.parametrize("limit", [1, 3, 10, 1000])
def test_paging_gives_every_row_once_in_order(calls, town, limit):
    receive(town, *(event(north_m=1_000 * n) for n in range(10)))
    rows, cursor = read_all(calls(town.kim), limit)
    assert rows == list(Change.objects.order_by("seq").values_list("body", flat=True))
    assert [one["seq"] for one in rows] == list(range(1, 11))
    assert read_all(calls(town.kim), limit, cursor) == ([], cursor)


@pytest.mark.parametrize("after", ["", "0"])
def test_zero_and_nothing_mean_from_the_beginning(calls, town, after):
    open_incident(town)
    assert [one["seq"] for one in calls(town.kim).get(URL, {"after": after}).json()["changes"]] == [1]


def test_a_cursor_goes_on_where_it_stands(calls, town):
    caller = calls(town.kim)
    open_incident(town)
    cursor = caller.get(URL).json()["cursor"]
    incident = open_incident(town)
    page = caller.get(URL, {"after": cursor}).json()
    assert [one["incident"]["number"] for one in page["changes"]] == [incident.number]
    assert page["cursor"] != cursor and page["more"] is False


def test_a_cursor_works_for_whoever_reads_the_same_town(calls, town):
    open_incident(town)
    cursor = calls(town.kim).get(URL).json()["cursor"]
    open_incident(town, "RES-01")
    assert [one["seq"] for one in calls(town.fire).get(URL, {"after": cursor}).json()["changes"]] == [2]


def test_another_past_is_410(calls, town):
    caller = calls(town.kim)
    open_incident(town)
    cursor = caller.get(URL).json()["cursor"]
    LedgerHead.objects.update(epoch="restored")
    problem_of(caller.get(URL, {"after": cursor}), 410)
    assert caller.get(URL).json()["changes"]


@pytest.mark.parametrize("seq", ["2", "999", "999999999999999999", "²", "x", "-1", ""])
def test_a_cursor_ahead_or_unread_is_410(calls, town, seq):
    open_incident(town)
    epoch = LedgerHead.objects.get().epoch
    problem_of(calls(town.kim).get(URL, {"after": f"30000:{epoch}:{seq}"}), 410)


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1.5"])
def test_a_limit_out_of_bounds_is_400(calls, town, limit):
    assert wrong_fields(calls(town.kim).get(URL, {"limit": limit})) == ["limit"]


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_a_central_reader_gets_each_towns_rows_in_order(calls, town, other, limit):
    caller = calls(make_central(town, other, reads=["BEL", "ORD"]))
    for n in range(4):
        open_incident(town), open_incident(other, "ORD-01"), open_incident(town, "CRM-04")
    rows, cursor = read_all(caller, limit)
    for code in ("30000", "36110"):
        theirs = [one["seq"] for one in rows if one["municipality"] == code]
        assert theirs == sorted(theirs) and len(theirs) == 4
    open_incident(other)
    assert [one["municipality"] for one in read_all(caller, limit, cursor)[0]] == ["36110"]


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_an_agency_passes_over_what_is_not_its_own(calls, town, limit):
    for n in range(6):
        open_incident(town), open_incident(town, "RES-01")
    bell = open_incident(town)
    op.incident_relay(number=bell.number, by=by(town.kim), request=compose(bell, town.fire))
    rows, cursor = read_all(calls(town.fire), limit)
    assert [one["seq"] for one in rows] == [2, 4, 6, 8, 10, 12, 13, 14, 15]
    assert cursor == read_all(calls(town.kim), 1000)[1]
