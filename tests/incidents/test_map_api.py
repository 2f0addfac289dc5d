"""The map's REST: base map, points, cameras and devices, always within the caller's municipalities."""

import gzip
import json

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import Camera, Device
from tests.incidents.cast import LAT, LON, METRE, key_of, make_central


def add_camera(town, *, north_m=0.0, **fields):
    number = Camera.objects.count() + 1
    values = {"name": f"카메라 {number}", "purpose": "생활방범", "road_address": "둔산로 100", **fields}
    return Camera.objects.create(
        municipality=town.municipality, source="test", site_number=f"S-{number}", lat=LAT + north_m * METRE, lon=LON, **values
    )


def add_device(town, device_id, kind="bell", **fields):
    return Device.objects.create(
        municipality=town.municipality, device_id=device_id, kind=kind, name=device_id, lat=LAT, lon=LON, **fields
    )


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def machine(system) -> Client:
    return Client(headers={"Authorization": f"Bearer {key_of(system)}"})


@pytest.fixture
def kim(town):
    return browser(town.kim)


class TestPoints:
    def test_everything_comes_in_columns_with_both_names(self, town, kim):
        one, two = add_camera(town, ptz=True), add_camera(town, purpose="", north_m=100)
        add_device(town, "BELL-1")
        body = kim.get("/api/v1/map/points").json()
        assert body["cameras"]["id"] == [one.pk, two.pk]
        assert body["cameras"]["ptz"] == [1, 0]
        assert body["cameras"]["lat"] == [round(one.lat, 5), round(two.lat, 5)]
        assert [body["purposes"][index]["en"] for index in body["cameras"]["purpose"]] == ["Crime prevention", "Other"]
        assert body["devices"]["id"] == ["BELL-1"]
        (kind,) = body["kinds"]
        assert kind["slug"] == "bell" and kind["en"] == "emergency bell"

    def test_an_empty_registry_is_empty_columns(self, town, kim):
        body = kim.get("/api/v1/map/points").json()
        assert body["cameras"] == {"id": [], "name": [], "lat": [], "lon": [], "purpose": [], "ptz": []}
        assert body["kinds"] == []

    def test_it_comes_compressed_to_those_who_can_read_that(self, town, kim):
        add_camera(town)
        packed = kim.get("/api/v1/map/points", headers={"Accept-Encoding": "gzip, br"})
        plain = kim.get("/api/v1/map/points")
        assert packed["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain
        assert gzip.decompress(packed.content) == plain.content
        assert "Accept-Encoding" in packed["Vary"]

    # Row versions are numbered by transaction, so this one needs real ones.
    @pytest.mark.django_db(transaction=True)
    def test_an_unchanged_registry_answers_304_and_any_change_a_new_body(self, town, kim):
        camera = add_camera(town)
        tags = [kim.get("/api/v1/map/points")["ETag"]]
        assert kim.get("/api/v1/map/points", headers={"If-None-Match": tags[0]}).status_code == 304
        Camera.objects.filter(pk=camera.pk).update(name="새 이름")
        changes = [lambda: add_device(town, "X"), lambda: Device.objects.all().delete(), lambda: camera.delete()]
        for change in (lambda: None, *changes):
            change()
            response = kim.get("/api/v1/map/points", headers={"If-None-Match": tags[-1]})
            assert response.status_code == 200
            tags.append(response["ETag"])
        assert json.loads(response.content)["cameras"]["id"] == []

    def test_another_municipalitys_points_are_not_in_it(self, town, other, kim):
        add_camera(other)
        add_device(other, "THEIRS")
        body = kim.get("/api/v1/map/points").json()
        assert body["cameras"]["id"] == [] and body["devices"]["id"] == []

    def test_a_central_agency_gets_both(self, town, other):
        add_camera(town), add_camera(other)
        body = machine(make_central(town, other)).get("/api/v1/map/points").json()
        assert len(body["cameras"]["id"]) == 2


class TestNearCameras:
    def test_the_nearest_come_first_with_distance_and_bearing(self, town, kim):
        far, near = add_camera(town, north_m=300), add_camera(town, north_m=-100)
        add_camera(town, north_m=501)
        found = kim.get(f"/api/v1/cameras?near={LAT},{LON}").json()["cameras"]
        assert [one["id"] for one in found] == [near.pk, far.pk]
        assert found[0]["distance_m"] == pytest.approx(100, abs=0.2)
        assert found[0]["bearing_deg"] == pytest.approx(180, abs=0.1)
        assert found[1]["bearing_deg"] == pytest.approx(0, abs=0.1)
        assert found[0]["address"] == "둔산로 100" and found[0]["purpose"]["ko"] == "생활방범"

    def test_radius_and_limit_are_the_callers(self, town, kim):
        for n in range(8):
            add_camera(town, north_m=100 * n)
        assert len(kim.get(f"/api/v1/cameras?near={LAT},{LON}").json()["cameras"]) == 5
        assert len(kim.get(f"/api/v1/cameras?near={LAT},{LON}&radius_m=250&limit=50").json()["cameras"]) == 3

    def test_another_municipalitys_camera_is_not_near(self, town, other, kim):
        add_camera(other)
        assert kim.get(f"/api/v1/cameras?near={LAT},{LON}").json() == {"cameras": []}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("near=x", "near"), ("near=1", "near"), ("near=91,0", "near"), ("near=nan,1", "near"), ("near=1,2,3", "near"),
            ("near=1,2&radius_m=0", "radius_m"), ("near=1,2&radius_m=x", "radius_m"), ("near=1,2&limit=1000", "limit"),
            ("bbox=1,2,3", "bbox"), ("bbox=a,b,c,d", "bbox"), ("cursor=x", "cursor"), ("page_size=0", "page_size"),
        ],
    )  # fmt: skip
    def test_bad_parameters_are_named(self, kim, query, field):
        response = kim.get(f"/api/v1/cameras?{query}")
        assert response.status_code == 400 and response["Content-Type"] == "application/problem+json"
        assert [error["field"] for error in response.json()["errors"]] == [field]


class TestLists:
    def test_cameras_come_in_pages_that_miss_and_repeat_nothing(self, town, kim):
        ids = [add_camera(town).pk for _ in range(5)]
        seen, cursor = [], ""
        while cursor is not None:
            page = kim.get(f"/api/v1/cameras?page_size=2&cursor={cursor}").json()
            seen += [one["id"] for one in page["cameras"]]
            cursor = page["cursor"]
            assert page["more"] == (cursor is not None)
        assert seen == ids

    def test_a_box_holds_what_lies_in_it(self, town, kim):
        inside = add_camera(town)
        add_camera(town, north_m=5_000)
        box = f"{LON - 0.01},{LAT - 0.01},{LON + 0.01},{LAT + 0.01}"
        assert [one["id"] for one in kim.get(f"/api/v1/cameras?bbox={box}").json()["cameras"]] == [inside.pk]

    def test_devices_are_listed_by_kind_under_their_feeds_id(self, town, other, kim):
        add_device(town, "BELL-1")
        add_device(town, "RAIN-1", "rain_gauge")
        add_device(other, "BELL-2")
        body = kim.get("/api/v1/devices?kind=bell").json()
        assert [one["id"] for one in body["devices"]] == ["BELL-1"] and not body["more"]

    def test_an_unknown_kind_is_named(self, kim):
        response = kim.get("/api/v1/devices?kind=dragon")
        assert response.status_code == 400 and response.json()["errors"][0]["field"] == "kind"


class TestBaseMap:
    @pytest.fixture(autouse=True)
    def data_dir(self, settings, tmp_path):
        settings.DATA_DIR = tmp_path

    def test_ones_own_base_map_is_geojson_and_is_not_sent_twice(self, kim):
        response = kim.get("/basemap/30000.json")
        assert response["Content-Type"] == "application/geo+json"
        assert len(json.loads(response.content)["features"]) == 182
        assert kim.get("/basemap/30000.json", headers={"If-None-Match": response["ETag"]}).status_code == 304

    @pytest.mark.parametrize("code", ["36110", "99999", "..%2F..%2Fetc"])
    def test_anothers_is_not_found(self, kim, other, code):
        assert kim.get(f"/basemap/{code}.json").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/basemap/30000.json", "/api/v1/map/points", "/api/v1/cameras", "/api/v1/devices"])
def test_nobody_sees_anything_without_signing_in(path):
    assert Client().get(path).status_code == 401


def unpack(content):
    """The packed points as the page's worker reads them."""
    assert content[:4] == b"OCP1"
    length = int.from_bytes(content[4:8], "little")
    head, at = json.loads(content[8 : 8 + length]), 8 + length
    found = {}
    for one in head["sets"]:
        for column in one["columns"]:
            planes = [content[at + n * one["count"] : at + (n + 1) * one["count"]] for n in range(4)]
            at += 4 * one["count"]
            total, values = 0, []
            for quad in zip(*planes, strict=True):
                zigzag = int.from_bytes(bytes(quad), "little")
                total += (zigzag >> 1) ^ -(zigzag & 1)
                values.append(total)
            found[one["name"], column] = values
    assert at == len(content)
    return head, found


class TestPackedPoints:
    ACCEPT = {"Accept": "application/vnd.ocenter.points"}

    def test_it_holds_what_the_columns_hold_but_names(self, town, kim):
        cameras = [add_camera(town, north_m=-300.0 * n, purpose=purpose, ptz=n == 1) for n, purpose in enumerate(("", "생활방범", "기타"))]
        device = add_device(town, "BELL-1")
        response = kim.get("/api/v1/map/points", headers=self.ACCEPT)
        assert response["Content-Type"] == "application/vnd.ocenter.points" and "Accept" in response["Vary"]
        head, columns = unpack(response.content)
        plain = kim.get("/api/v1/map/points").json()
        assert columns["cameras", "id"] == [one.pk for one in cameras]
        assert [lat / head["per_degree"] for lat in columns["cameras", "lat"]] == plain["cameras"]["lat"]
        assert [lon / head["per_degree"] for lon in columns["cameras", "lon"]] == plain["cameras"]["lon"]
        assert columns["cameras", "group"] == plain["cameras"]["purpose"] and columns["cameras", "ptz"] == [0, 1, 0]
        assert columns["devices", "id"] == [device.pk] and head["kinds"] == plain["kinds"]
        assert head["purposes"] == plain["purposes"]

    def test_nothing_packs_too(self, town, kim):
        head, columns = unpack(kim.get("/api/v1/map/points", headers=self.ACCEPT).content)
        assert columns["cameras", "id"] == [] and head["purposes"] == []

    def test_the_two_forms_are_not_taken_for_one_another(self, town, kim):
        add_camera(town)
        plain = kim.get("/api/v1/map/points")
        packed = kim.get("/api/v1/map/points", headers=self.ACCEPT | {"If-None-Match": plain["ETag"]})
        assert packed.status_code == 200 and packed["ETag"] != plain["ETag"]
        assert kim.get("/api/v1/map/points", headers=self.ACCEPT | {"If-None-Match": packed["ETag"]}).status_code == 304

    def test_another_municipalitys_points_are_not_in_it(self, town, other, kim):
        add_camera(other), add_device(other, "THEIRS")
        _, columns = unpack(kim.get("/api/v1/map/points", headers=self.ACCEPT).content)
        assert columns["cameras", "id"] == [] and columns["devices", "id"] == []


class TestShapes:
    def square(self, metres):
        half = metres * METRE
        return "%20".join(f"{LAT + dy * half},{LON + dx * half}" for dy, dx in ((-1, -1), (-1, 1), (1, 1), (1, -1)))

    def test_a_circle_holds_what_is_within_its_radius(self, town, kim):
        inside, _ = add_camera(town, north_m=199), add_camera(town, north_m=201)
        body = kim.get(f"/api/v1/cameras?circle={LAT},{LON},200").json()
        assert [one["id"] for one in body["cameras"]] == [inside.pk] and body["count"] == 1 and not body["more"]

    def test_a_polygon_holds_what_lies_in_it(self, town, kim):
        inside, _ = add_camera(town, north_m=90), add_camera(town, north_m=110)
        body = kim.get(f"/api/v1/cameras?polygon={self.square(100)}").json()
        assert [one["id"] for one in body["cameras"]] == [inside.pk]

    def test_a_page_says_how_many_there_are_in_all(self, town, kim):
        for n in range(5):
            add_camera(town, north_m=n)
        body = kim.get(f"/api/v1/cameras?circle={LAT},{LON},200&page_size=2").json()
        assert len(body["cameras"]) == 2 and body["count"] == 5 and body["more"]

    def test_what_is_gone_or_anothers_is_not_inside(self, town, other, kim):
        add_camera(town, gone_at=timezone.now()), add_camera(other)
        assert kim.get(f"/api/v1/cameras?circle={LAT},{LON},200").json()["count"] == 0
        assert kim.get(f"/api/v1/cameras?polygon={self.square(500)}").json()["count"] == 0

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("circle=1,2", "circle"), ("circle=1,2,0", "circle"), ("circle=1,2,20001", "circle"), ("circle=91,2,5", "circle"),
            ("circle=nan,2,5", "circle"), ("circle=1,2,inf", "circle"), ("polygon=1,2", "polygon"), ("polygon=x", "polygon"),
            ("polygon=0,0%20nan,1%201,1", "polygon"), ("polygon=0,0%200,0%200,0", "polygon"), ("polygon=0,0%201,1%200,1%201,0", "polygon"),
            ("polygon=" + "%20".join(["1,1"] * 101), "polygon"), ("ids=x", "ids"), ("ids=1,", "ids"), ("ids=" + ",".join("1" * 101), "ids"),
        ],
    )  # fmt: skip
    def test_nonsense_is_named(self, kim, query, field):
        response = kim.get(f"/api/v1/cameras?{query}")
        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == [field]

    def test_rows_are_named_by_their_numbers(self, town, other, kim):
        mine, theirs, device = add_camera(town), add_camera(other), add_device(town, "BELL-1")
        found = kim.get(f"/api/v1/cameras?ids={mine.pk},{theirs.pk}").json()["cameras"]
        assert [one["id"] for one in found] == [mine.pk]
        found = kim.get(f"/api/v1/devices?ids={device.pk}").json()["devices"]
        assert [(one["key"], one["id"]) for one in found] == [(device.pk, "BELL-1")]
