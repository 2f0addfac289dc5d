"""Emergency bells and video analytics through the public door: what presses, tests, faults and endings become."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import vms
from incidents.models import Device, Event, Incident
from linkage.feeds.digits import KOREAN_TIME
from linkage.models import LinkedSystem, Quarantined, Relay
from tests.accounts.cast import make_system
from tests.incidents.api.conftest import problem_of
from tests.incidents.cast import LAT, LON, assert_ledger_is_whole

pytestmark = pytest.mark.usefixtures("intake_door")


def digits(seconds_ago=0.0):
    at = (timezone.now() - timedelta(seconds=seconds_ago)).astimezone(KOREAN_TIME)
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"


def taken(response):
    assert response.status_code == 202, response.content
    return response.json()


def status_of(answer, place=0):
    return Incident.objects.get(number=answer["results"][place]["incident"]).status


@pytest.fixture
def bells(calls, town):
    """`bells({…}, …)` posts messages of the town's bells; bell B-1 is registered."""
    Device.objects.create(
        municipality=town.municipality, device_id="B-1", kind="bell", name="공원 화장실", lat=LAT, lon=LON
    )
    caller = calls(town.bells)
    return lambda *messages: taken(caller.send("/api/v1/feeds/emergency_bell", {"bells": list(messages)}))


class TestBells:
    def test_a_press_rings_where_the_bell_stands_and_a_repeat_changes_nothing(self, bells):
        press = {"bell_no": "B-1", "kind": "press", "at": digits(), "event_no": "77", "battery_pct": 81}
        first = bells(press)
        assert bells(press)["results"][0] == {**first["results"][0], "status": "duplicate"}
        (incident,) = Incident.objects.all()
        assert (incident.code, incident.grade, incident.status) == ("BEL-01", "G2", "open")
        assert (incident.lat, incident.lon, incident.device_id) == (LAT, LON, "B-1")
        assert Event.objects.get().attributes == {"kind": "press", "event_no": "77", "battery_pct": 81}

    def test_a_cancelled_press_leaves_the_queue(self, bells):
        pressed = digits(30)
        answer = bells({"bell_no": "B-1", "at": pressed})
        assert status_of(answer) == "open"
        bells({"bell_no": "B-1", "kind": "cancel", "at": digits(), "pressed_at": pressed})
        assert status_of(answer) == "cancelled"
        # The next press is a new call for help, not part of the old one.
        again = bells({"bell_no": "B-1", "at": digits()})
        assert again["results"][0]["incident"] != answer["results"][0]["incident"] and status_of(again) == "open"

    def test_a_test_press_is_on_record_and_never_an_alarm(self, bells, town):
        answer = bells({"SFTY_EMRGNCBLL_MNG_NO": "B-1", "kind": "시험", "at": digits()})
        assert (answer["accepted"], answer["results"][0]["incident"]) == (1, None)
        assert not Incident.objects.exists() and not Relay.objects.exists()
        event = Event.objects.get()
        assert (event.device_id, event.attributes["kind"], event.incident) == ("B-1", "test", None)

    def test_a_test_beside_a_real_press_does_not_touch_it(self, bells):
        real = bells({"bell_no": "B-1", "at": digits(5)})
        bells({"bell_no": "B-1", "kind": "test", "at": digits()})
        assert status_of(real) == "open" and Incident.objects.get().event_count == 1

    @pytest.mark.parametrize(("fault", "code", "grade"), [("battery", "SYS-02", "G4"), ("tamper", "SYS-05", "G3")])
    def test_a_fault_is_a_matter_of_upkeep_until_it_is_restored(self, bells, fault, code, grade):
        answer = bells({"bell_no": "B-1", "kind": "fault", "fault": fault, "at": digits(20)})
        bells({"bell_no": "B-1", "kind": "fault", "fault": fault, "at": digits(10)})
        (incident,) = Incident.objects.all()
        assert (incident.code, incident.grade, incident.event_count) == (code, grade, 2)
        bells({"bell_no": "B-1", "kind": "restored", "fault": fault, "at": digits(5)})
        assert status_of(answer) == "cancelled"
        assert status_of(bells({"bell_no": "B-1", "kind": "fault", "fault": fault, "at": digits()})) == "open"

    def test_an_unknown_bell_is_heard_and_says_that_nobody_knows_where_it_is(self, bells):
        bells({"bell_no": "B-404", "at": digits()})
        (incident,) = Incident.objects.all()
        assert (incident.lat, incident.grade, incident.status) == (None, "G2", "open")
        assert incident.summary == "비상벨 호출 B-404 (등록되지 않은 장치 B-404, 위치 없음)"

    def test_what_is_not_understood_is_kept_and_its_neighbours_are_taken(self, bells, calls, town):
        answer = bells(
            {"bell_no": "B-1", "at": digits()}, {"kind": "press", "at": digits()}, {"bell_no": "B-1", "kind": "??", "at": digits()},
            {"bell_no": "B-1", "at": "yesterday"}, "B-1",
        )  # fmt: skip
        assert (answer["accepted"], answer["rejected"]) == (1, 4)
        why = [one["errors"][0]["message"] for one in answer["results"][1:]]
        assert why[0] == "no bell_no" and "none of cancel, fault" in why[1] and "yyyyMMddHHmmssSSS" in why[2]
        assert Quarantined.objects.filter(system=town.bells, is_document=False).count() == 4
        broken = calls(town.bells).post("/api/v1/feeds/emergency_bell", b"{", content_type="application/json")
        problem_of(broken, 400)
        assert Quarantined.objects.filter(system=town.bells, is_document=True).count() == 1


@pytest.fixture
def product(town):
    """A video system with one camera, a kilometre north of the town hall."""
    system = make_system(
        town.municipality, "vms", kind="feed", feed_format="kisa_vms", options={"codes": {"역주행": "TRF-1"}}
    )
    camera = {"camID": "cam0001", "camName": "정문", "camLoc": {"lat": str(LAT + 0.01), "lon": str(LON)}}
    vms.cameras_synchronise(system=system, listed=[camera], streams=None)
    return system


@pytest.fixture
def analytics(calls, product):
    caller = calls(product)
    return lambda *events: taken(caller.send("/api/v1/feeds/kisa_vms", {"camList": list(events)}))


def seen(name="쓰러짐", uuid="u-1", camera="cam0001", begun=20, **more):
    return {"camID": camera, "eventUUID": uuid, "eventName": name, "startTime": int(digits(begun)), **more}


class TestAnalytics:
    def test_an_event_opens_at_its_camera_and_its_end_ends_it(self, analytics, town):
        begun = seen(eventDesc="1명")
        first = analytics(begun)
        assert analytics(begun)["duplicates"] == 1
        incident = Incident.objects.get()
        assert (incident.code, incident.device_id, incident.summary) == ("VCA-06", "cam0001", "쓰러짐: 1명")
        assert (incident.lat, incident.lon) == (LAT + 0.01, LON)
        over = analytics({**begun, "endTime": int(digits())})
        assert (over["accepted"], over["duplicates"]) == (1, 1)
        assert status_of(first) == "cancelled"
        assert_ledger_is_whole(town)

    def test_an_event_told_only_when_it_is_over_is_not_lost(self, analytics):
        answer = analytics(seen(endTime=int(digits(1))))
        assert answer["accepted"] == 2
        assert Incident.objects.get().event_count >= 1 and status_of(answer) == "cancelled"

    def test_an_end_that_overtakes_its_beginning_keeps_the_queue_clean(self, analytics):
        begun = seen()
        analytics({**begun, "endTime": int(digits(1))})
        analytics(begun)
        assert set(Incident.objects.values_list("status", flat=True)) == {"cancelled"}

    def test_names_of_products_and_of_the_administrator_become_codes(self, analytics):
        names = {"Loitering": "VCA-01", "침입 감지": "VCA-02", "Fight_Detection": "VCA-04", "화재감지": "VCA-10", "역주행": "TRF-1"}
        analytics(*(seen(name, uuid=name) for name in names))
        assert dict(Event.objects.values_list("source_id", "code")) == names
        assert set(Event.objects.filter(code__in=["VCA-04", "VCA-10"]).values_list("grade", flat=True)) == {"G2"}

    def test_an_unknown_name_waits_for_a_code_and_then_runs(self, analytics, product):
        from linkage import quarantine

        answer = analytics(seen("이상행동"), seen(uuid="u-2"))
        assert (answer["accepted"], answer["rejected"]) == (1, 1)
        row = Quarantined.objects.get()
        assert "stands for no code" in row.errors[0]["message"]
        LinkedSystem.objects.filter(pk=product.pk).update(options={"codes": {"이상행동": "VCA-02"}})
        assert quarantine.rerun(Quarantined.objects.get(pk=row.pk)).understood
        assert Event.objects.filter(code="VCA-02", lat=LAT + 0.01, incident__isnull=False).exists()

    def test_a_camera_of_another_system_lends_no_position(self, analytics, town, calls):
        other = make_system(town.municipality, "vms2", kind="feed", feed_format="kisa_vms")
        taken(calls(other).send("/api/v1/feeds/kisa_vms", {"camList": [seen()]}))
        assert Incident.objects.get().lat is None and "위치 없음" in Incident.objects.get().summary

    def test_what_is_no_list_of_events_is_refused_and_kept(self, calls, product):
        caller, bodies = calls(product), [b"[]", b'{"camList": 7}', b"\xff", b'{"camList": ' + b"[" * 5000]
        for body in bodies:
            problem_of(caller.post("/api/v1/feeds/kisa_vms", body, content_type="application/json"), 400)
        assert {bytes(one.raw) for one in Quarantined.objects.all()} == set(bodies)

    def test_times_are_korean_to_the_millisecond(self, analytics):
        analytics(seen(begun=0, startTime=20261122153000250))
        assert Event.objects.get().occurred_at.isoformat() == "2026-11-22T06:30:00.250000+00:00"
        answer = analytics(seen(uuid="u-9", startTime="2026-11-22 15:30"))
        assert answer["rejected"] == 1


def test_the_json_of_both_is_what_the_door_documents(town, calls):
    one = {"bell_no": "B-9", "kind": "press", "at": digits(), "lat": LAT, "lon": LON}
    for body in (one, [one], {"bells": [one]}):
        answer = calls(town.bells).post(
            "/api/v1/feeds/emergency_bell", json.dumps(body), content_type="application/json"
        )
        assert taken(answer)["results"][0]["incident"]
