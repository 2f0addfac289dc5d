"""The map's own questions: places by name, heat, geofences; each within the caller's reach alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.heat import CELL_LAT, CELL_LON
from incidents.models import Camera, Device, Geofence, Incident
from incidents.states import Status
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from tests.incidents.api.conftest import problem_of, wrong_fields
from tests.incidents.cast import LAT, LON, ago, make_central, open_incident

SQUARE = {"type": "Polygon", "coordinates": [[[127.38, 36.34], [127.39, 36.34], [127.39, 36.36], [127.38, 36.36], [127.38, 36.34]]]}
BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.fixture
def kim(town, calls):
    return calls(town.kim)


@pytest.fixture
def park(town, calls):
    """The supervisor."""
    return calls(town.park)


class TestHeat:
    def cells(self, caller, hours=6):
        body = caller.get(f"/api/v1/heat?hours={hours}").json()
        assert body["cell"] == [CELL_LAT, CELL_LON] and body["hours"] == hours
        return {(row, column): (count, worst) for row, column, count, worst in body["cells"]}

    def test_incidents_are_counted_in_their_cell_with_the_worst_grade(self, town, kim):
        place = {"lat": LAT, "lon": LON, "apart": False}
        open_incident(town, "CRM-01", **place), open_incident(town, "ORD-01", **place), open_incident(town, "VCA-01", **place)
        found = self.cells(kim)
        assert sum(count for count, _ in found.values()) == 3
        assert found[int(LAT // CELL_LAT), int(LON // CELL_LON)] == (3, "G1")

    def test_old_ones_tests_merged_ones_and_those_without_a_place_are_not_in_it(self, town, kim):
        old, test, merged, _ = open_incident(town), open_incident(town), open_incident(town), open_incident(town, lat=None, lon=None)
        Incident.objects.filter(pk=old.pk).update(received_at=ago(hours=2))
        Incident.objects.filter(pk=test.pk).update(status=Status.TEST)
        Incident.objects.filter(pk=merged.pk).update(status=Status.MERGED)
        assert self.cells(kim, 1) == {}
        assert sum(count for count, _ in self.cells(kim, 6).values()) == 1

    def test_another_municipalitys_are_not_in_it(self, town, other, kim):
        open_incident(other)
        assert self.cells(kim) == {}

    def test_a_machine_sees_the_heat_of_what_it_may_read(self, town, calls):
        open_incident(town, "FIR-01"), open_incident(town, "ORD-01")
        assert sum(count for count, _ in self.cells(calls(make_central(town))).values()) == 1

    def test_an_earlier_moment_has_the_heat_of_its_own_hours(self, town, kim):
        for hours in (1, 3, 9):
            Incident.objects.filter(pk=open_incident(town).pk).update(received_at=ago(hours=hours))
        until = ago(hours=2)
        body = kim.get("/api/v1/heat", {"hours": 2, "until": until.isoformat()}).json()
        assert sum(count for _, _, count, _ in body["cells"]) == 1
        assert body["until"] == until.isoformat() and body["since"] == (until - timedelta(hours=2)).isoformat()

    @pytest.mark.parametrize("until", ["yesterday", "2026-11-27T10:00:00", "0001-01-01T00:00:00+09:00"])
    def test_other_moments_are_refused(self, kim, until):
        assert wrong_fields(kim.get("/api/v1/heat", {"until": until})) == ["until"]

    def test_the_first_moment_there_is_has_none(self, kim):
        assert kim.get("/api/v1/heat", {"until": "0001-01-01T00:00:00+00:00", "hours": 168}).json()["cells"] == []

    @pytest.mark.parametrize("hours", ["0", "169", "x"])
    def test_other_hours_are_refused(self, kim, hours):
        assert wrong_fields(kim.get(f"/api/v1/heat?hours={hours}")) == ["hours"]


class TestPlaces:
    def named(self, caller, text):
        response = caller.get("/api/v1/places", {"q": text})
        assert response.status_code == 200, response.content
        return response.json()["places"]

    def add_camera(self, town, **fields):
        values = {"site_number": "DJ-0042", "name": "둔산동 네거리", "road_address": "대전광역시 서구 둔산로 100", **fields}
        return Camera.objects.create(municipality=town.municipality, source="t", lat=LAT, lon=LON, **values)

    def test_coordinates_are_a_position(self, town, kim):
        for text in ("36.35,127.38", " 36.35, 127.38 ", "36.35 127.38"):
            (found,) = self.named(kim, text)
            assert (found["kind"], found["lat"], found["lon"]) == ("position", 36.35, 127.38)
        assert self.named(kim, "95.0,127.0") == []

    @pytest.mark.parametrize("text", ["둔산동", "서구 둔산동", "Dunsan", "dunsan-dong"])
    def test_a_dong_is_found_by_both_names_with_its_extent(self, town, kim, text):
        found = self.named(kim, text)[0]
        south, west, north, east = found["bounds"]
        assert found["kind"] == "dong" and found["name"]["ko"] == "둔산동" and found["detail"] == "서구"
        assert south < found["lat"] < north and west < found["lon"] < east

    def test_a_dong_of_another_district_is_not_meant(self, town, kim):
        assert [one for one in self.named(kim, "중구 둔산동") if one["kind"] == "dong"] == []

    def test_a_camera_is_found_by_number_name_and_address(self, town, kim):
        camera = self.add_camera(town)
        self.add_camera(town, site_number="XX-DJ-0042", name="다른 카메라", road_address="")
        for text in ("dj-0042", "둔산동 네거리", "둔산로 100"):
            found = [one for one in self.named(kim, text) if one["kind"] == "camera"]
            assert found[0]["id"] == camera.pk, text

    def test_a_camera_that_is_gone_is_not_found(self, town, kim):
        self.add_camera(town, gone_at=timezone.now())
        assert self.named(kim, "DJ-0042") == []

    def test_a_device_and_an_incident_are_found_by_number(self, town, kim):
        Device.objects.create(municipality=town.municipality, device_id="BELL-77", kind="bell", name="비상벨 77", lat=LAT, lon=LON)
        incident = open_incident(town)
        assert [one["kind"] for one in self.named(kim, "bell-77")] == ["device"]
        for text in (incident.number, incident.number[-4:]):
            assert [one["number"] for one in self.named(kim, text) if one["kind"] == "incident"] == [incident.number]

    def test_nothing_of_another_municipality_is_found(self, town, other, kim):
        self.add_camera(other)
        Device.objects.create(municipality=other.municipality, device_id="BELL-77", kind="bell", name="비상벨 77", lat=LAT, lon=LON)
        incident = open_incident(other)
        for text in ("DJ-0042", "BELL-77", incident.number, "조치원읍"):
            assert self.named(kim, text) == []

    def test_no_text_means_nothing_and_too_much_is_refused(self, kim):
        assert self.named(kim, "  ") == []
        assert wrong_fields(kim.get("/api/v1/places", {"q": "x" * 101})) == ["q"]

    @pytest.mark.parametrize("text", ["%", "_", "'; --", "\\", "(", "😀", "0"])
    def test_odd_texts_break_nothing(self, kim, text):
        assert self.named(kim, text) == []


class TestGeofences:
    def make(self, caller, name="축제장", area=SQUARE):
        return caller.send("/api/v1/geofences", {"name": name, "area": area})

    def names(self, caller):
        return [one["name"] for one in caller.get("/api/v1/geofences").json()["geofences"]]

    def test_a_supervisor_makes_and_removes_one_and_both_are_audited(self, town, park, kim):
        made = self.make(park, "  축제장 ")
        assert made.status_code == 201 and made.json()["name"] == "축제장" and made.json()["created_by"] == "park"
        assert kim.get("/api/v1/geofences").json()["geofences"] == [made.json()]
        assert kim.get(f"/api/v1/geofences/{made.json()['id']}").json() == made.json()
        assert park.delete(f"/api/v1/geofences/{made.json()['id']}").status_code == 204
        assert self.names(kim) == []
        entries = AuditEntry.objects.filter(subject__startswith="geofence:").order_by("number").values_list("action", "actor", "subject")
        subject = f"geofence:{made.json()['id']}"
        assert list(entries) == [("geofence.created", "user:park", subject), ("geofence.removed", "user:park", subject)]
        assert audit.verify().whole

    def test_removing_again_is_not_found_and_changes_nothing(self, park):
        made = self.make(park).json()["id"]
        park.delete(f"/api/v1/geofences/{made}")
        problem_of(park.delete(f"/api/v1/geofences/{made}"), 404)

    @pytest.mark.parametrize("who", ["kim", "admin", "auditor", "bells"])
    def test_nobody_else_may(self, town, park, calls, who):
        made = self.make(park).json()["id"]
        caller = calls(getattr(town, who))
        problem_of(self.make(caller, "다른 것"), 403)
        problem_of(caller.delete(f"/api/v1/geofences/{made}"), 403)
        assert self.names(park) == ["축제장"]

    def test_another_municipality_neither_sees_nor_removes_it(self, town, other, park, calls):
        made = self.make(park).json()["id"]
        theirs = calls(other.park)
        assert self.names(theirs) == []
        problem_of(theirs.get(f"/api/v1/geofences/{made}"), 404)
        problem_of(theirs.delete(f"/api/v1/geofences/{made}"), 404)
        assert self.make(theirs).status_code == 201  # the same name, in another town
        assert self.names(park) == ["축제장"]

    def test_a_name_is_given_once(self, park):
        self.make(park)
        assert wrong_fields(self.make(park)) == ["name"]
        assert Geofence.objects.count() == 1

    @pytest.mark.parametrize("name", ["", "  ", "x" * 61, 5, None, "a\u0000b"])
    def test_bad_names_are_refused(self, park, name):
        assert wrong_fields(self.make(park, name)) == ["name"]

    @pytest.mark.parametrize("area", [None, {}, "x", {"type": "Point", "coordinates": [127, 36]}, BOW_TIE, {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}])  # fmt: skip
    def test_bad_areas_are_refused(self, park, area):
        assert wrong_fields(self.make(park, area=area)) == ["area"]

    def test_an_unknown_field_is_named(self, park):
        assert wrong_fields(park.send("/api/v1/geofences", {"name": "x", "area": SQUARE, "warn": True})) == ["warn"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["heat", "places?q=x", "geofences"])
def test_nobody_sees_anything_without_signing_in(calls, path):
    problem_of(calls().get(f"/api/v1/{path}"), 401)
