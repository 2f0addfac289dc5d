"""A storm of 10,000 events a minute, seven of ten sent before, with G1s in it that must not wait."""

import os

import pytest

from tests.chaos.room import until
from tests.chaos.storm import BATCH, PER_MINUTE, alarms, storm

pytestmark = [pytest.mark.live, pytest.mark.slow]

SECONDS = float(os.environ.get("OCENTER_CHAOS_STORM_S", "20"))


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


def test_a_storm_loses_nothing_and_hides_no_alarm(room, figures):
    """I1, I4, I9."""
    with room.socket() as heard:
        raging = room.backstage.start(storm(room.stack, room.log, room.mark, SECONDS))
        alarming = room.backstage.start(alarms(room.stack, room.mark, raging.done))
        raging.result(SECONDS + 60)
        alarm_log = alarming.result(30)
        until(lambda: heard.last >= room.auditor.head(), 15, "the socket is behind")
        balance, _ = room.expect_books_agree(heard)
        alarm_balance = room.auditor.balance(alarm_log, heard=heard)
    assert alarm_balance.broken == []
    assert {heard.grades[one] for one in alarm_log.sent} == {"G1"}
    waits = [heard.event_at[one] - alarm_log.sent_at[one] for one in alarm_log.sent]
    share = room.log.duplicates / (balance.events.sent + room.log.duplicates)
    figures(
        f"storm of {PER_MINUTE} events a minute for {SECONDS:g} s, {share:.0%} repeats: {balance.events} events; intake p99 "
        f"of a batch of {BATCH} {1000 * percentile(room.log.seconds, 0.99):.0f} ms; {len(waits)} G1 event → socket median "
        f"{1000 * percentile(waits, 0.5):.0f} ms, p95 {1000 * percentile(waits, 0.95):.0f} ms"
    )
    assert percentile(waits, 0.95) < 2
