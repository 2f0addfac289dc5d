"""Cases agencies open here: one relay without a message, every status once and in order, and video decided on."""

import itertools
import json
from datetime import timedelta

import pytest
from aiohttp import web
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents import intake, operations
from incidents.models import Camera, Change, Event, Incident
from incidents.reports import understand
from linkage import relays
from linkage.feeds import FEEDS
from linkage.models import Delivery, LinkedSystem, Relay
from linkage.signing import verify
from ocenter.accounts.models import AuditEntry
from tests.incidents.api.conftest import Caller, intake_door, problem_of  # noqa: F401 - a fixture
from tests.incidents.cast import LAT, LON, METRE, assert_ledger_is_whole, by, event, key_of, kinds, make_town, receive
from tests.linkage.conftest import lanes  # noqa: F401 - a fixture
from tests.linkage.wires import drain, peer

URL = "/api/v1/feeds/agency_request"
CALLBACK = "http://127.0.0.1:9/cases/status"
BEGAN = timezone.now() - timedelta(minutes=30)
REQUEST = {"radius_m": 300, "max_cams": 2, "duration_s": 600}
_messages = itertools.count(1)


def envelope(kind="NEW", case="112-0001", *, minute=0, **fields):
    body = {
        "msg_id": f"m-{next(_messages)}", "msg_type": kind, "source_org": "112", "source_event_no": case,
        "event_code": "CRM-04", "occurred_at": (BEGAN + timedelta(minutes=minute)).isoformat(),
        "lat": LAT, "lon": LON, "loc_method": "GPS", "summary": "절도 신고", "callback_url": CALLBACK, **fields,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not ...}


def video(**fields):
    return {"legal_basis": "112신고처리", "requester": {"org": "경찰청", "user_id": "112-7"}, "request": REQUEST, **fields}


def take(system, *envelopes):
    """Takes envelopes in one after another, as the intake does; returns the last receipt."""
    for one in envelopes:
        report = understand(FEEDS["agency_request"].normalise(one), timezone.now())
        (receipt,) = intake.events_receive(
            municipality=system.municipality, arrivals=[intake.Arrival(system, report)]
        )
    return receipt


def incident_of(receipt):
    return Incident.objects.get(number=receipt.incident)


def relay_to(system, receipt_or_number):
    number = getattr(receipt_or_number, "incident", receipt_or_number)
    return Relay.objects.get(subject=number, system=system)


def told(system):
    """The statuses queued for the agency, in order."""
    rows = Delivery.objects.filter(system=system, message="status").order_by("relay__created_at", "position")
    return [one.payload["status"] for one in rows]


def make_cameras(town, *metres):
    return [
        Camera.objects.create(
            municipality=town.municipality, source="test", site_number=f"{town.municipality.code}-{n}",
            name=f"cam {n}", lat=LAT + n * METRE, lon=LON,
        )
        for n in metres
    ]  # fmt: skip


def decision(number):
    return Change.objects.filter(incident__number=number, kind="video.requested").order_by("-seq").first().body["detail"]


@pytest.mark.django_db
class TestCase:
    def test_a_new_case_is_an_incident_with_a_relay_that_sends_no_message(self, town):
        receipt = take(town.police, envelope(case="112-7"))
        relay = relay_to(town.police, receipt)
        assert (relay.state, relay.reference, relay.status_url) == ("accepted", "112-7", CALLBACK)
        assert [one.message for one in relay.deliveries.all()] == ["status"]
        assert relay.deliveries.get().address == CALLBACK
        assert told(town.police) == ["RECEIVED"]
        assert kinds(incident_of(receipt)) == ["incident.opened", "relay.opened"]
        opened = Change.objects.get(kind="relay.opened").body
        assert opened["actor"] == {"kind": "agency", "name": "police112"} and opened["detail"]["reference"] == "112-7"
        assert AuditEntry.objects.filter(action="relay.opened", subject=receipt.incident).exists()
        assert_ledger_is_whole(town)

    def test_the_same_message_again_changes_nothing(self, town):
        message = envelope(**video())
        make_cameras(town, 10)
        first = take(town.police, message)
        rows = kinds(town)
        again = take(town.police, message)
        assert (first.incident, first.duplicate, again.incident, again.duplicate) == (first.incident, False, first.incident, True)
        assert kinds(town) == rows and told(town.police) == ["RECEIVED"] and Relay.objects.count() == 1

    def test_an_update_describes_the_incident_anew_and_says_nothing_twice(self, town):
        receipt = take(town.police, envelope(), envelope("UPDATE", minute=1, summary="강도로 확인", event_code="CRM-02", grade="G1"))
        incident = incident_of(receipt)
        assert (incident.summary, incident.code, incident.grade) == ("강도로 확인", "CRM-02", "G1")
        assert told(town.police) == ["RECEIVED"] and Incident.objects.count() == 1

    def test_its_close_takes_an_untouched_case_off_the_queue(self, town):
        receipt = take(town.police, envelope(), envelope("CLOSE", minute=5, result_code="RC-02"))
        relay = relay_to(town.police, receipt)
        assert incident_of(receipt).status == "cancelled"
        assert (relay.state, relay.result_code) == ("closed", "RC-02")
        assert told(town.police) == ["RECEIVED", "CLOSED"]

    def test_its_close_leaves_the_last_word_to_who_has_taken_it_up(self, town):
        receipt = take(town.police, envelope())
        operations.incident_acknowledge(number=receipt.incident, by=by(town.kim))
        take(town.police, envelope("CLOSE", minute=5, result_code="RC-02"))
        assert incident_of(receipt).status == "resolved"
        operations.incident_close(number=receipt.incident, by=by(town.kim), result_code="RC-01")
        assert told(town.police) == ["RECEIVED", "CLOSED"]

    def test_its_cancel_is_told_to_whom_we_had_told(self, town):
        receipt = take(town.police, envelope())
        operations.incident_relay(number=receipt.incident, by=by(town.kim), request=operations_request(town, receipt))
        take(town.police, envelope("CANCEL", minute=5))
        messages = list(Delivery.objects.filter(system=town.fire).order_by("position").values_list("message", flat=True))
        assert messages == ["create", "cancel"]
        assert incident_of(receipt).status == "cancelled" and relay_to(town.police, receipt).state == "cancelled"
        assert told(town.police) == ["RECEIVED", "CANCELLED"]

    def test_an_end_of_a_case_nobody_opened_opens_nothing(self, town):
        assert take(town.police, envelope("CANCEL")).incident is None
        assert not Incident.objects.exists() and not Relay.objects.exists() and told(town.police) == []

    def test_two_cases_in_one_incident_each_hear_and_the_relay_ends_with_the_last(self, town):
        take(town.police, envelope(case="A"))
        receipt = take(town.police, envelope(case="B", minute=1, callback_url=CALLBACK + "2"))
        assert Incident.objects.count() == 1
        take(town.police, envelope("CLOSE", case="A", minute=2))
        assert relay_to(town.police, receipt).state == "accepted"
        take(town.police, envelope("CLOSE", case="B", minute=3))
        assert relay_to(town.police, receipt).state == "closed"
        rows = Delivery.objects.filter(message="status").order_by("position").values_list("payload__source_event_no", "payload__status")
        assert list(rows) == [("A", "RECEIVED"), ("B", "RECEIVED"), ("A", "CLOSED"), ("B", "CLOSED")]

    def test_a_case_that_joins_what_a_sensor_reported_ends_alone(self, town):
        (opened,) = receive(town, event("CRM-04", at=BEGAN))
        receipt = take(town.police, envelope(minute=1), envelope("CLOSE", minute=2))
        assert receipt.incident == opened.incident and incident_of(receipt).status == "open"
        assert relay_to(town.police, receipt).state == "closed"

    def test_a_fire_of_119s_own_is_not_relayed_back_to_it(self, town):
        receipt = take(town.fire, envelope(event_code="FIR-01"))
        assert relay_to(town.fire, receipt).deliveries.filter(message="create").count() == 0

    def test_without_an_address_nobody_is_told(self, town):
        receipt = take(town.police, envelope(callback_url=...))
        assert told(town.police) == [] and relay_to(town.police, receipt).state == "accepted"

    def test_another_town_sees_none_of_it(self, town, other):
        receipt = take(town.police, envelope())
        assert not Change.objects.filter(municipality=other.municipality).exists()
        assert receipt.incident.startswith(town.municipality.code)


def operations_request(town, receipt):
    return operations.RelayRequest(town.fire, {"incident": {"number": receipt.incident}})


@pytest.mark.django_db
class TestUnitsAndEnds:
    def hear(self, relay, status, minute=0):
        report = relays.AgencyReport(status=status, at=BEGAN + timedelta(minutes=minute), unit="둔산 펌프1", lat=LAT, lon=LON)
        relays.relay_hear(relay_id=relay.pk, report=report)

    def test_another_agencys_unit_is_news_once_each_and_in_order(self, town):
        receipt = take(town.police, envelope())
        operations.incident_relay(number=receipt.incident, by=by(town.kim), request=operations_request(town, receipt))
        relay = relay_to(town.fire, receipt)
        for minute, status in enumerate(("accepted", "dispatched", "dispatched", "arrived", "dispatched", "arrived")):
            self.hear(relay, status, minute)
        assert told(town.police) == ["RECEIVED", "DISPATCHED", "ARRIVED"]

    def test_its_own_unit_is_no_news_to_it(self, town):
        receipt = take(town.police, envelope())
        self.hear(relay_to(town.police, receipt), "dispatched")
        assert told(town.police) == ["RECEIVED"]

    def test_a_case_that_joins_later_hears_how_far_the_units_are(self, town):
        (opened,) = receive(town, event("CRM-04", at=BEGAN))
        operations.incident_relay(number=opened.incident, by=by(town.kim), request=operations_request(town, opened))
        self.hear(relay_to(town.fire, opened.incident), "arrived")
        take(town.police, envelope(minute=1))
        assert told(town.police) == ["RECEIVED", "ARRIVED"]

    def test_a_false_alarm_is_cancelled_by_status_not_by_message(self, town):
        receipt = take(town.police, envelope())
        operations.incident_false_alarm(number=receipt.incident, by=by(town.kim), reason="FA-02")
        assert told(town.police) == ["RECEIVED", "CANCELLED"]
        assert set(Delivery.objects.values_list("message", flat=True)) == {"status"}

    def test_a_supervisor_closes_over_it_with_the_result(self, town):
        receipt = take(town.police, envelope())
        for act in (operations.incident_acknowledge, operations.incident_confirm):
            act(number=receipt.incident, by=by(town.kim))
        with pytest.raises(operations.NotAllowedNow, match="police112"):
            operations.incident_close(number=receipt.incident, by=by(town.kim), result_code="RC-01")
        operations.incident_close(
            number=receipt.incident, by=by(town.park), result_code="RC-01", override=True, note="현장 확인"
        )
        last = Delivery.objects.filter(message="status").order_by("position").last()
        assert (last.payload["status"], last.payload["result_code"]) == ("CLOSED", "RC-01")

    def test_a_joining_event_sends_no_update_message_to_who_opened_it(self, town):
        receipt = take(town.police, envelope(), envelope("UPDATE", minute=1, summary="추가 신고"))
        assert [one.message for one in relay_to(town.police, receipt).deliveries.all()] == ["status"]


@pytest.mark.django_db
class TestVideo:
    def test_the_nearest_cameras_within_the_radius_wait_for_a_grant(self, town):
        near, nearer, _third, _far = make_cameras(town, 120, -40, 200, 400)
        receipt = take(town.police, envelope(**video()))
        asked = decision(receipt.incident)
        assert asked["status"] == "pending" and [one["id"] for one in asked["cameras"]] == [nearer.pk, near.pk]
        assert (asked["legal_basis"], asked["requester"]["user_id"]) == ("112신고처리", "112-7")
        assert (asked["radius_m"], asked["max_cams"], asked["duration_s"]) == (300, 2, 600)
        assert AuditEntry.objects.filter(action="video.requested", subject=receipt.incident).count() == 1
        assert_ledger_is_whole(town)

    def test_the_fields_practice_is_the_default(self, town):
        make_cameras(town, *range(10, 600, 80))
        asked = decision(take(town.police, envelope(**video(request={}))).incident)
        assert (asked["radius_m"], asked["max_cams"], len(asked["cameras"])) == (500, 5, 5)

    def test_named_cameras_of_the_own_municipality_alone(self, town, other):
        (ours,), (theirs,) = make_cameras(town, 900), make_cameras(other, 10)
        asked = decision(take(town.police, envelope(**video(request={"camera_ids": [ours.pk, theirs.pk]}))).incident)
        assert [one["id"] for one in asked["cameras"]] == [ours.pk]

    @pytest.mark.parametrize("basis", [..., "", "   "])
    def test_without_a_legal_basis_it_is_denied_and_the_case_still_opens(self, town, basis):
        make_cameras(town, 10)
        receipt = take(town.police, envelope(**video(legal_basis=basis)))
        asked = decision(receipt.incident)
        assert (asked["status"], asked["reason"], asked["cameras"]) == ("denied", "no legal basis", [])
        assert incident_of(receipt).status == "open"
        assert AuditEntry.objects.filter(action="video.requested", detail__status="denied").exists()

    def test_an_update_with_the_same_request_asks_nothing_new_with_another_it_does(self, town):
        make_cameras(town, 10)
        take(town.police, envelope(**video()), envelope("UPDATE", minute=1, **video()))
        assert kinds(town).count("video.requested") == 1
        take(town.police, envelope("UPDATE", minute=2, **video(request={"radius_m": 100})))
        assert kinds(town).count("video.requested") == 2


class TestOrder:
    """Whatever order messages come in, the case stands as its newest message says, and every end is final."""

    @pytest.mark.django_db
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(order=st.permutations(range(4)), repeated=st.lists(st.integers(0, 3), max_size=4), end=st.sampled_from(["CLOSE", "CANCEL"]))
    def test_permutations_with_repeats_end_the_same(self, town, order, repeated, end):
        script = [
            envelope(), envelope("UPDATE", minute=1, summary="첫 추가"),
            envelope("UPDATE", minute=2, summary="둘째 추가", grade="G1"), envelope(end, minute=3),
        ]  # fmt: skip
        with transaction.atomic():
            for n in [*order, *repeated]:
                take(town.police, script[n])
            assert not Incident.objects.filter(status="open").exists()
            assert not Relay.objects.exclude(state__in=["closed", "cancelled"]).exists()
            final = {"CLOSE": "CLOSED", "CANCEL": "CANCELLED"}[end]
            assert told(town.police) in ([], ["RECEIVED", final])
            assert Incident.objects.count() <= 1 and Event.objects.count() == 4
            transaction.set_rollback(True)

    @pytest.mark.django_db
    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_the_newest_update_stands(self, town, order):
        script = [
            envelope(), envelope("UPDATE", minute=1, summary="첫 추가"),
            envelope("UPDATE", minute=2, summary="둘째 추가", grade="G1"),
        ]  # fmt: skip
        for n in order:
            receipt = take(town.police, script[n])
        incident = incident_of(receipt)
        assert (incident.summary, incident.grade, Incident.objects.count()) == ("둘째 추가", "G1", 1)
        assert told(town.police) == ["RECEIVED"]


@pytest.mark.usefixtures("intake_door")
class TestDoor:
    def post(self, caller, body):
        return caller.post(URL, json.dumps(body), content_type="application/json")

    def test_it_answers_with_the_incident_and_says_that_no_grant_is_there_yet(self, town):
        (camera,) = make_cameras(town, 10)
        caller, message = Caller(secret=key_of(town.police)), envelope(**video())
        first = self.post(caller, message)
        assert first.status_code == 202
        answer = first.json()
        number = Incident.objects.get().number
        assert (answer["incident_no"], answer["grant_id"], answer["status"]) == (number, None, "accepted")
        assert answer["video"] == {"status": "pending", "cameras": [{"id": camera.pk, "distance_m": 10}]}
        again = self.post(caller, message).json()
        same = ("incident_no", "grant_id", "status", "video")
        assert {name: again[name] for name in same} == {name: answer[name] for name in same}
        assert (again["accepted"], again["duplicates"]) == (0, 1)

    def test_one_misspelt_field_is_named_with_its_remedy(self, town):
        answer = self.post(Caller(secret=key_of(town.police)), envelope(callbak_url=CALLBACK)).json()
        assert (answer["status"], answer["incident_no"]) == ("rejected", None)
        assert "callbak_url: no such field; did you mean callback_url?" in answer["results"][0]["errors"][0]["message"]
        assert not Incident.objects.exists()

    def test_strangers_feeds_and_other_formats_are_refused(self, town):
        assert problem_of(self.post(Caller(secret="oc_forged_key"), envelope()), 401)
        assert problem_of(self.post(Caller(), envelope()), 401)
        assert problem_of(self.post(Caller(secret=key_of(town.bells)), envelope()), 403)
        assert problem_of(Caller(secret=key_of(town.police)).post("/api/v1/events", json.dumps(event()), content_type="application/json"), 403)
        assert problem_of(Caller(secret=key_of(town.police)).post("/api/v1/feeds/its", b"{}", content_type="application/json"), 403)
        assert not Incident.objects.exists()


@pytest.mark.usefixtures("lanes")
class TestCallbacks:
    """Over real HTTP: the agency's server is a stranger of a few lines."""

    @pytest.fixture
    def town(self, transactional_db):
        return make_town()

    def test_each_status_arrives_once_in_order_signed_and_bare(self, town):
        with peer(lambda request, body: web.Response(status=204)) as server:
            receipt = take(town.police, envelope(case="112-9", callback_url=server.url))
            for act in (operations.incident_acknowledge, operations.incident_confirm):
                act(number=receipt.incident, by=by(town.kim))
            operations.incident_relay(number=receipt.incident, by=by(town.kim), request=operations_request(town, receipt))
            fire = relay_to(town.fire, receipt)
            for status in ("dispatched", "arrived"):
                relays.relay_hear(relay_id=fire.pk, report=relays.AgencyReport(status=status, at=timezone.now()))
            operations.incident_close(number=receipt.incident, by=by(town.park), result_code="RC-01", override=True, note="확인")
            drain(town.police)
            assert [one["status"] for one in server.messages] == ["RECEIVED", "DISPATCHED", "ARRIVED", "CLOSED"]
            assert all(set(one) == {"source_event_no", "status", "result_code", "at"} for one in server.messages)
            assert server.messages[-1]["result_code"] == "RC-01" and server.messages[0]["source_event_no"] == "112-9"
            assert len(set(server.keys)) == 4
            for one in server.arrivals:
                verify([town.police.secret], {k.lower(): v for k, v in one["headers"].items()}, one["body"])
        relay = relay_to(town.police, receipt)
        assert (relay.state, relay.result_code) == ("closed", "RC-01")

    def test_a_status_is_tried_again_under_its_key_and_the_next_waits(self, town):
        answers = iter([500, 204, 204])
        with peer(lambda request, body: web.Response(status=next(answers))) as server:
            receipt = take(town.police, envelope(callback_url=server.url))
            operations.incident_false_alarm(number=receipt.incident, by=by(town.kim), reason="FA-02")
            drain(town.police)
            assert len(server.arrivals) == 1
            Delivery.objects.update(due_at=timezone.now())
            drain(town.police)
            assert [one["status"] for one in server.messages] == ["RECEIVED", "RECEIVED", "CANCELLED"]
            assert server.keys[0] == server.keys[1] != server.keys[2]
        assert relay_to(town.police, receipt).state == "cancelled"

    def test_an_address_outside_the_agencys_network_is_never_called(self, town):
        LinkedSystem.objects.filter(pk=town.police.pk).update(allowed_network="127.0.0.2/32")
        with peer() as server:
            receipt = take(town.police, envelope(callback_url=server.url))
            drain(town.police)
            assert server.arrivals == []
        assert "outside the allowed network" in relay_to(town.police, receipt).attention_reason


