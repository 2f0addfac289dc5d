"""Handing over with consent: offered, asked for, answered, withdrawn, expired; nothing changes hands without a word."""

import pytest

from incidents import handover
from incidents import operations as op
from incidents.models import Change, Incident
from incidents.relaying import compose
from incidents.work import Invalid, NotAllowedNow
from linkage import sweeper
from tests.accounts.cast import make_user
from tests.incidents.cast import ago, assert_ledger_is_whole, by, kinds, last_change, open_incident
from tests.incidents.processes import Writer, start_nursery


@pytest.fixture
def held(town):
    """An incident kim holds."""
    incident = open_incident(town)
    op.incident_acknowledge(number=incident.number, by=by(town.kim))
    return incident


def offer(incident, who, username=""):
    return handover.incident_offer(number=incident.number, by=by(who), username=username).incident


def accept(incident, who):
    return handover.incident_accept(number=incident.number, by=by(who)).incident


def decline(incident, who):
    return handover.incident_decline(number=incident.number, by=by(who)).incident


def test_the_holder_offers_and_the_colleague_accepts(town, held):
    offered = offer(held, town.kim, "lee")
    assert offered["holder"]["username"] == "kim"
    assert offered["offer"]["to"]["username"] == offered["offer"]["asked"] == "lee" and offered["offer"]["by"]["username"] == "kim"
    accepted = accept(held, town.lee)
    assert (accepted["holder"]["username"], accepted["offer"]) == ("lee", None)
    assert kinds(held)[-2:] == ["incident.offered", "incident.assigned"]
    assert last_change(held).body["detail"] == {"from": "kim", "to": "lee", "because": "accepted"}
    assert_ledger_is_whole(town)


def test_who_wants_it_asks_the_holder(town, held):
    asked = offer(held, town.lee)["offer"]
    assert (asked["to"]["username"], asked["by"]["username"], asked["asked"]) == ("lee", "lee", "kim")
    with pytest.raises(NotAllowedNow):
        accept(held, town.lee)
    assert accept(held, town.kim)["holder"]["username"] == "lee"


def test_declining_leaves_it_where_it_is(town, held):
    offer(held, town.kim, "lee")
    answer = decline(held, town.lee)
    assert (answer["holder"]["username"], answer["offer"]) == ("kim", None)
    assert last_change(held).kind == "incident.offer_declined"
    with pytest.raises(NotAllowedNow):
        accept(held, town.lee)


def test_who_offered_may_withdraw_it(town, held):
    offer(held, town.kim, "lee")
    decline(held, town.kim)
    assert last_change(held).kind == "incident.offer_withdrawn"
    with pytest.raises(NotAllowedNow):
        decline(held, town.kim)


def test_answering_twice_is_refused_and_changes_nothing(town, held):
    offer(held, town.kim, "lee"), accept(held, town.lee)
    before = last_change(held).seq
    for answer in (accept, decline):
        with pytest.raises(NotAllowedNow):
            answer(held, town.lee)
    assert last_change(held).seq == before


def test_nobody_but_who_is_asked_answers(town, held):
    offer(held, town.kim, "lee")
    for somebody in (town.park, town.kim):
        with pytest.raises(NotAllowedNow):
            accept(held, somebody)
    with pytest.raises(NotAllowedNow):
        decline(held, town.park)


def test_a_third_person_offers_nothing_of_others_and_the_holder_nothing_to_themselves(town, held):
    with pytest.raises(NotAllowedNow):
        offer(held, town.lee, "park")
    with pytest.raises(Invalid) as refusal:
        offer(held, town.kim, "kim")
    assert refusal.value.field == "username"


def test_one_offer_at_a_time_and_a_new_one_of_ones_own_replaces_it(town, held):
    offer(held, town.kim, "lee")
    with pytest.raises(NotAllowedNow):
        offer(held, town.park, "")
    assert offer(held, town.kim, "park")["offer"]["to"]["username"] == "park"
    with pytest.raises(NotAllowedNow):
        accept(held, town.lee)


def test_what_nobody_holds_is_offered_by_anybody_and_taken_without_asking(town):
    incident = open_incident(town)
    with pytest.raises(NotAllowedNow):
        offer(incident, town.kim)
    offer(incident, town.kim, "lee")
    assert accept(incident, town.lee)["holder"]["username"] == "lee"
    assert accept_status(incident) == "open", "handing over is not acknowledging"


def accept_status(incident):
    incident.refresh_from_db()
    return incident.status


def test_only_who_works_here_is_offered_anything(town, other, held):
    make_user("gone", town.municipality, is_active=False)
    for nobody in ("nobody", "gone", "auditor", other.kim.username):
        with pytest.raises(Invalid):
            offer(held, town.kim, nobody)


def test_a_supervisor_who_assigns_ends_the_offer(town, held):
    offer(held, town.kim, "lee")
    answer = op.incident_assign(number=held.number, by=by(town.park), username="park").incident
    assert (answer["holder"]["username"], answer["offer"]) == ("park", None)
    with pytest.raises(NotAllowedNow):
        accept(held, town.lee)


def test_an_ended_incident_has_no_offer(town, held):
    offer(held, town.kim, "lee")
    assert op.incident_false_alarm(number=held.number, by=by(town.kim), reason="FA-01").incident["offer"] is None
    with pytest.raises(NotAllowedNow):
        offer(held, town.kim, "lee")


def test_it_is_over_after_two_minutes_once(town, held):
    offer(held, town.kim, "lee")
    assert handover.offers_expire() == 0
    Incident.objects.filter(pk=held.pk).update(offer_until=ago(seconds=1))
    with pytest.raises(NotAllowedNow):
        accept(held, town.lee)
    assert handover.offers_expire() == 1 and handover.offers_expire() == 0
    assert last_change(held).kind == "incident.offer_expired" and last_change(held).body["incident"]["offer"] is None
    assert last_change(held).body["actor"]["kind"] == "system"


def test_the_sweeper_has_the_duty():
    assert handover.offers_expire in sweeper._duties


@pytest.mark.django_db(transaction=True)
def test_accepting_and_withdrawing_at_once_one_of_them_wins(town):
    incident = open_incident(town)
    op.incident_acknowledge(number=incident.number, by=by(town.kim))
    start_nursery()
    writers = {"lee": Writer(), "kim": Writer()}
    try:
        for _ in range(4):
            op.incident_assign(number=incident.number, by=by(town.park), username="kim")
            offer(incident, town.kim, "lee")
            for name, writer in writers.items():
                writer.send("answer", username=name, number=incident.number, word="accept" if name == "lee" else "decline")
            answers = {name: writer.result() for name, writer in writers.items()}
            assert sorted(answers.values()) == [False, True]
            incident.refresh_from_db()
            assert incident.holder.username == ("lee" if answers["lee"] else "kim") and incident.offer_until is None
    finally:
        for writer in writers.values():
            writer.stop()
    assert Change.objects.filter(kind__in=["incident.offer_withdrawn", "incident.assigned"]).count() == 8
    assert_ledger_is_whole(town)


def test_an_agency_hears_nothing_of_who_works_on_it(town, held):
    offer(held, town.kim, "lee")
    told = compose(Incident.objects.get(pk=held.pk), town.police).payload["incident"]
    assert not {"holder", "offer", "shelf", "escalation"} & set(told)
    assert not any(name in str(told) for name in ("kim", "lee"))
