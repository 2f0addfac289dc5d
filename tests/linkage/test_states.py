"""A relay moves forward only, whatever comes in whatever order."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.states import CALLBACK_STATES, ENDED, RANK, RelayState, leads_forward

SETTLED_BY_THE_AGENCY = {RelayState.CLOSED, RelayState.DECLINED, RelayState.CANCELLED}


def test_every_state_has_a_rank():
    assert set(RANK) == set(RelayState)


@pytest.mark.parametrize(("current", "new"), list(itertools.product(RelayState, RelayState)))
def test_no_two_states_lead_to_each_other(current, new):
    assert not (leads_forward(current, new) and leads_forward(new, current))


@pytest.mark.parametrize("current", sorted(SETTLED_BY_THE_AGENCY))
def test_nothing_follows_the_agencys_last_word(current):
    assert not any(leads_forward(current, new) for new in RelayState)


def test_after_a_call_by_hand_only_the_agencys_end_counts():
    assert {new for new in RelayState if leads_forward(RelayState.BY_HAND, new)} == SETTLED_BY_THE_AGENCY


def test_a_message_that_failed_may_still_turn_out_to_have_arrived():
    assert all(leads_forward(RelayState.FAILED, new) for new in CALLBACK_STATES)


@given(st.lists(st.sampled_from(sorted(CALLBACK_STATES)), max_size=30))
def test_any_series_of_callbacks_climbs_or_stays(series):
    state, seen = RelayState.SENT.value, [RelayState.SENT.value]
    for new in series:
        if leads_forward(state, new):
            state = new
            seen.append(state)
    assert [RANK[one] for one in seen] == sorted({RANK[one] for one in seen})
    assert all(one not in ENDED for one in seen[:-1])
