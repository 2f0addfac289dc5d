"""The offline base map: whole, without cracks, small, and kept."""

import json

import pytest
import shapely

from incidents import basemap
from ocenter.accounts.models import Municipality

BYTES_AT_MOST = 300_000


@pytest.fixture
def daejeon(settings, tmp_path) -> Municipality:
    settings.DATA_DIR = tmp_path
    return Municipality(
        code="30000", name_ko="대전광역시", name_en="Daejeon", lat=36.35, lon=127.38, boundary=basemap.boundary("30000")
    )


def features(municipality: Municipality, kind: str) -> list[dict]:
    collection = json.loads(basemap.basemap(municipality))
    return [one for one in collection["features"] if one["properties"]["kind"] == kind]


def areas(found: list[dict]) -> list[shapely.Geometry]:
    return [shapely.geometry.shape(one["geometry"]) for one in found]


def test_it_holds_the_five_districts_and_their_dongs_in_both_languages(daejeon):
    districts, dongs = features(daejeon, "district"), features(daejeon, "dong")
    assert {one["properties"]["name_ko"]: one["properties"]["name_en"] for one in districts} == {
        "동구": "Dong-gu", "중구": "Jung-gu", "서구": "Seo-gu", "유성구": "Yuseong-gu", "대덕구": "Daedeok-gu",
    }  # fmt: skip
    assert len(dongs) == 177
    assert all(one["properties"]["name_en"] and one["properties"]["code"].startswith("30") for one in dongs)


def test_neighbours_do_not_crack_apart(daejeon):
    found = areas(features(daejeon, "dong"))
    assert shapely.coverage_is_valid(found)
    whole = shapely.coverage_union_all(found)
    assert all(not part.interiors for part in shapely.get_parts(whole))


def test_districts_are_made_of_their_dongs(daejeon):
    districts, dongs = areas(features(daejeon, "district")), areas(features(daejeon, "dong"))
    assert sum(one.area for one in districts) == pytest.approx(sum(one.area for one in dongs), rel=1e-6)
    assert shapely.geometry.shape(daejeon.boundary).area == pytest.approx(sum(one.area for one in dongs), rel=1e-6)


def test_it_keeps_the_citys_area(daejeon):
    # 539.7 km², as the city itself states it; a degree here is 111.2 by 89.6 km.
    assert shapely.geometry.shape(daejeon.boundary).area * 111.2 * 89.6 == pytest.approx(539.7, rel=0.01)


def test_it_is_small(daejeon):
    assert len(basemap.basemap(daejeon)) < BYTES_AT_MOST


def test_the_second_time_it_comes_from_the_file(daejeon, settings, monkeypatch):
    first = basemap.basemap(daejeon)
    monkeypatch.setattr(basemap, "_divisions", pytest.fail)
    assert basemap.basemap(daejeon) == first
    assert [one.read_bytes() for one in (settings.DATA_DIR / "basemap").iterdir()] == [first]


def test_a_data_directory_that_cannot_be_written_costs_only_time(daejeon, settings, tmp_path):
    (tmp_path / "taken").write_text("a file where a directory is wanted")
    settings.DATA_DIR = tmp_path / "taken"
    assert len(features(daejeon, "district")) == 5


def test_a_city_without_districts_is_one_district(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    sejong = Municipality(code="36110", name_ko="세종특별자치시", name_en="Sejong", lat=36.48, lon=127.29)
    assert [one["properties"]["name_en"] for one in features(sejong, "district")] == ["Sejong"]


def test_outside_korea_the_boundary_alone_is_drawn(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    place = Municipality(code="XX", name_ko="어디", name_en="Somewhere", lat=1, lon=1)
    assert json.loads(basemap.basemap(place)) == {"type": "FeatureCollection", "features": []}
    place.boundary = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 0]]]}
    assert [one["properties"]["name_en"] for one in features(place, "district")] == ["Somewhere"]
