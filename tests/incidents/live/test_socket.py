"""The live socket on a real server: snapshot, changes, ticks, and resuming without a gap."""

import asyncio
import json

import pytest
import websockets
from django.conf import settings

from incidents import operations as op
from incidents import regrouping
from incidents.live import routing
from incidents.models import Change, LedgerHead
from incidents.payloads import incident_payloads
from incidents.relaying import compose
from incidents.selectors import active_incidents, relays_by_subject
from linkage.models import Relay
from tests.incidents.cast import assert_ledger_is_whole, by, event, hear, make_central, open_incident, receive
from tests.incidents.live.serving import Screen, seq_of

pytestmark = pytest.mark.django_db(transaction=True)


def fresh(who):
    """What the server would show this caller now, read anew."""
    found = list(active_incidents(by(who)))
    relays = relays_by_subject([one.number for one in found])
    return {one["number"]: one for one in incident_payloads(found, relays)}


def bodies(town):
    return list(Change.objects.filter(municipality=town.municipality).order_by("seq").values_list("body", flat=True))


# ── Snapshot, changes, ticks ───────────────────────────────────────────────────────────────────────


async def test_a_snapshot_holds_what_is_active_at_its_cursor(screen, desk, town):
    open_one, ended = await desk.run(lambda: (open_incident(town), open_incident(town)))
    await desk.run(lambda: op.incident_false_alarm(number=ended.number, by=by(town.kim), reason="FA-01"))
    async with screen(town.kim) as kim:
        first = await kim.take()
        assert first["type"] == "snapshot" and seq_of(first["cursor"]) == 3
        assert [one["number"] for one in first["incidents"]] == [open_one.number] and first["total"] == 1
        assert kim.incidents == await desk.run(fresh, town.kim)
        links = {one["slug"]: (one["kind"], one["state"]) for one in first["feeds"]}
        assert links["bells"] == ("feed", "never") and links["police112"] == ("agency", "never") and len(links) == 5


async def test_the_most_urgent_comes_first_in_a_snapshot(screen, desk, town):
    await desk.run(lambda: [open_incident(town, code) for code in ("ORD-01", "CRM-01", "TRF-5", "BEL-01")])
    async with screen(town.kim) as kim:
        assert [one["grade"] for one in (await kim.take())["incidents"]] == ["G1", "G2", "G4", "G5"]


async def test_a_change_arrives_at_once_as_the_row_that_get_changes_gives(screen, desk, town):
    async with screen(town.kim) as kim:
        await kim.take()
        started = asyncio.get_running_loop().time()
        incident = await desk.run(open_incident, town)
        await kim.until(lambda it: it.rows)
        assert asyncio.get_running_loop().time() - started < 1.0, "the bell wakes it, not the second's poll"
        assert kim.rows == await desk.run(bodies, town)
        assert seq_of(kim.cursor) == 1 and set(kim.incidents) == {incident.number}


async def test_a_tick_every_two_seconds_says_where_the_ledger_stands(screen, desk, town):
    await desk.run(open_incident, town)
    async with screen(town.kim) as kim:
        await kim.until(lambda it: len(it.ticks) == 3)
        times = [at for at, _ in kim.ticks]
        assert all(1.8 < later - sooner < 3.0 for sooner, later in zip(times, times[1:], strict=False))
        for _, tick in kim.ticks:
            assert seq_of(tick["cursor"]) == 1 and tick["at"].endswith("+00:00") and tick["build"] == settings.BUILD and len(tick["feeds"]) == 5


async def test_a_screen_that_applies_changes_shows_what_a_new_one_is_shown(screen, desk, town):
    def day():
        receive(town, *(event("VCA-02", north_m=1_000 * n) for n in range(3)), event("FIR-01", north_m=9_000))
        numbers = [row["incident"]["number"] for row in bodies(town)]
        op.incident_acknowledge(number=numbers[0], by=by(town.kim))
        regrouping.incident_merge(number=numbers[1], by=by(town.kim), into=numbers[0])
        op.incident_false_alarm(number=numbers[2], by=by(town.kim), reason="FA-03")
        op.incident_acknowledge(number=numbers[3], by=by(town.kim))
        op.incident_confirm(number=numbers[3], by=by(town.kim))
        hear(Relay.objects.get(), "dispatched", unit="7", lat=36.3, lon=127.4)

    async with screen(town.kim) as old:
        await old.take()
        await desk.run(day)
        last = (await desk.run(bodies, town))[-1]["seq"]
        await old.until(lambda it: seq_of(it.cursor) == last)
        assert old.seqs == list(range(1, last + 1))
        assert old.incidents == await desk.run(fresh, town.kim)
        await asyncio.sleep(1.1)  # a snapshot is shared for a second
        async with screen(town.lee) as new:
            await new.take()
            assert new.incidents == old.incidents and new.cursor == old.cursor


async def test_a_shared_snapshot_is_made_whole_by_the_changes_after_it(screen, desk, town):
    async with screen(town.kim) as first:
        await first.take()
        incident = await desk.run(open_incident, town)
        async with screen(town.lee) as second:
            await second.until(lambda it: incident.number in it.incidents, seconds=3)
            assert second.seqs in ([], [1])


async def test_what_a_client_says_is_not_heard_and_too_much_of_it_ends_the_socket(screen, desk, town):
    async with screen(town.kim) as kim:
        await kim.take()
        await kim._socket.send("hello"), await kim._socket.send(b"\0" * 100), await kim._socket.send('{"type":"close"}')
        await desk.run(open_incident, town)
        await kim.until(lambda it: it.rows)
        await kim._socket.send("x" * 70_000)
        assert await kim.until_closed() == 1009


# ── Cursors ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cursor_resumes_without_a_snapshot(screen, desk, town):
    await desk.run(lambda: [open_incident(town) for _ in range(5)])
    async with screen(town.kim) as kim:
        await kim.take()
    await desk.run(lambda: [open_incident(town) for _ in range(3)])
    async with screen(town.kim, after=kim.cursor) as again:
        await again.until(lambda it: seq_of(it.cursor) == 8)
        assert not again.snapshots and again.seqs == [6, 7, 8]


async def test_a_cursor_from_long_ago_is_caught_up_in_portions(screen, desk, town):
    epoch = await desk.run(lambda: (open_incident(town), LedgerHead.objects.get().epoch)[1])
    await desk.run(lambda: receive(town, *(event(north_m=n * 400) for n in range(1_000))))
    async with screen(town.kim, after=f"30000:{epoch}:0") as kim:
        await kim.until(lambda it: it.seqs and it.seqs[-1] == 1_001)
        assert kim.seqs == list(range(1, 1_002))
        assert max(len(one["changes"]) for one in kim.messages if one["type"] == "changes") <= 500


@pytest.mark.parametrize("after", ["nonsense", "0", "30000:zzzz:1", "30000:{epoch}:999", "30000:{epoch}:%C2%B2", "%00", "a" * 3000])
async def test_a_cursor_that_leads_nowhere_gets_a_snapshot(screen, desk, town, after):
    incident = await desk.run(open_incident, town)
    epoch = await desk.run(lambda: LedgerHead.objects.get().epoch)
    async with screen(town.kim, after=after.format(epoch=epoch)) as kim:
        first = await kim.take()
        assert first["type"] == "snapshot" and set(kim.incidents) == {incident.number}


async def test_screens_that_come_and_go_while_events_pour_in_miss_nothing_and_see_nothing_twice(screen, desk, town):
    async def pour():
        for turn in range(60):
            await desk.run(lambda turn=turn: receive(town, *(event(north_m=(turn * 5 + n) * 400) for n in range(5))))

    async def watch(patience):
        """Drops the socket after every `patience` messages and resumes by cursor."""
        async with screen(town.kim) as begin:
            await begin.take()
        rows, cursor = [], begin.cursor
        start = seq_of(cursor)
        while seq_of(cursor) < 300:
            async with screen(town.kim, after=cursor) as it:
                for _ in range(patience):
                    await it.take()
                    if seq_of(it.cursor) >= 300:
                        break
            assert not it.snapshots
            rows, cursor = rows + it.seqs, it.cursor
        assert rows == list(range(start + 1, 301))

    pouring = asyncio.create_task(pour())
    await asyncio.wait_for(asyncio.gather(*(watch(patience) for patience in (1, 2, 5, 1_000))), 60)
    await pouring
    await desk.run(assert_ledger_is_whole, town)


# ── Who hears what ─────────────────────────────────────────────────────────────────────────────────


async def test_nobody_hears_another_town(screen, desk, town, other):
    async with screen(town.kim) as ours, screen(other.kim) as theirs, screen(other.fire) as agency:
        for one in (ours, theirs, agency):
            await one.take()
        await desk.run(lambda: [open_incident(town, "FIR-01"), open_incident(other, "ORD-01")])
        await ours.until(lambda it: len(it.rows) == 2)
        await theirs.until(lambda it: it.rows and it.ticks)
        await agency.until(lambda it: seq_of(it.cursor) == 1)
        assert {row["municipality"] for row in ours.rows} == {"30000"}
        assert {row["municipality"] for row in theirs.rows} == {"36110"}
        assert agency.rows == [] and "30000" not in json.dumps(agency.messages)


async def test_an_agency_hears_its_families_and_what_is_relayed_to_it_from_then_on(screen, desk, town):
    bell = await desk.run(open_incident, town)
    async with screen(town.fire) as fire, screen(town.police) as police, screen(town.bells) as feed:
        for one in (fire, police, feed):
            assert (await one.take())["incidents"] == []
        await desk.run(open_incident, town, "RES-01")
        await desk.run(
            lambda: op.incident_relay(number=bell.number, by=by(town.kim), request=compose(bell, town.police))
        )
        last = len(await desk.run(bodies, town))
        for one in (fire, police, feed):
            await one.until(lambda it: seq_of(it.cursor) == last)
        assert [row["incident"]["family"] for row in fire.rows] == ["RES"]
        assert [row["kind"] for row in police.rows][-1] == "relay.requested"
        assert {row["incident"]["number"] for row in police.rows} == {bell.number}
        assert feed.rows == []


async def test_a_central_agency_hears_every_town_it_covers_and_resumes_in_each(screen, desk, town, other):
    central = await desk.run(lambda: make_central(town, other, reads=["BEL"]))
    async with screen(central) as first:
        await first.take()
        await desk.run(lambda: [open_incident(town), open_incident(other), open_incident(town, "ORD-01")])
        await first.until(lambda it: len(it.rows) == 2)
        # By the numbers alone: an epoch may begin with a 2 as well.
        await first.until(lambda it: sorted(part.split(":")[2] for part in it.cursor.split(",")) == ["1", "2"])
    await desk.run(lambda: [open_incident(other), open_incident(town)])
    async with screen(central, after=first.cursor) as again:
        await again.until(lambda it: len(it.rows) == 2)
        assert not again.snapshots
        assert {(row["municipality"], row["seq"]) for row in again.rows} == {("36110", 2), ("30000", 3)}


# ── Getting in ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("bad", [{}, {"session": "x" * 32}, {"secret": "oc_000000000000_x"}, {"secret": "nonsense"}])
async def test_who_brings_nothing_that_holds_is_closed_with_4401(live, town, bad):
    async with Screen(live.port, **bad) as nobody:
        assert await nobody.until_closed() == 4401
        assert nobody.messages == []


async def test_an_account_without_a_municipality_has_nothing_to_watch(live, desk, sessions, town):
    def lose_it():
        town.lee.municipality = None
        town.lee.save()
        return sessions(town.lee)

    async with Screen(live.port, session=await desk.run(lose_it)) as nobody:
        assert await nobody.until_closed() == 4401


async def test_a_browser_must_come_from_our_own_origin(live, desk, sessions, town, monkeypatch):
    monkeypatch.setattr(routing._browsers, "allowed_origins", ["127.0.0.1"])
    headers = {"Cookie": f"sessionid={await desk.run(sessions, town.kim)}"}
    for origin in ("https://evil.example", None, "null"):
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await websockets.connect(f"ws://127.0.0.1:{live.port}/ws/live/", additional_headers=headers, origin=origin)
        assert refusal.value.response.status_code == 403
