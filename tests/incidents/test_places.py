"""Names of positions, offline."""


import pytest

from incidents.places import NOWHERE, bounds_of, division_prefix, in_korea, place_of, places_of
from incidents.romanize import place_name
from ocenter.accounts.models import Municipality

CITY_HALL = (36.3504, 127.3845)
BOSTON = (42.36, -71.06)


def test_a_position_has_a_dong_a_district_and_a_city_in_both_languages():
    place = place_of(*CITY_HALL)
    assert place.address_ko == "대전광역시 서구 둔산동"
    assert place.address_en == "Dunsan-dong, Seo-gu, Daejeon"
    assert (place.dong, place.district, place.city) == ("둔산동", "서구", "대전광역시")
    assert place.code.startswith("30170")


def test_sejong_has_no_district():
    assert place_of(36.4801, 127.2890).address_ko == "세종특별자치시 보람동"


@pytest.mark.parametrize("position", [BOSTON, (0.0, 0.0), (37.0, 131.5), (float("nan"), 127.0), (float("inf"), 0.0)])
def test_outside_korea_and_at_sea_it_is_nowhere(position):
    assert place_of(*position) == NOWHERE
    assert not place_of(*position)


def test_a_batch_gives_the_same_in_its_order():
    positions = [CITY_HALL, BOSTON, (36.3285, 127.4270), (37.4979, 127.0276), CITY_HALL]
    assert places_of(positions) == [place_of(*one) for one in positions]
    assert places_of([]) == []


def test_between_the_borders_of_two_dongs_the_nearer_one_counts():
    """The source drew every dong by itself; no position inside the city may fall between two."""
    steps = [(36.30 + row * 0.0017, 127.33 + column * 0.0019) for row in range(50) for column in range(50)]
    assert all(place.city == "대전광역시" for place in places_of(steps))


@pytest.mark.parametrize(("code", "prefix"), [("30000", "30"), ("36110", "36110"), ("99999", None), ("US-MONT", None), ("", None)])
def test_dongs_of_a_municipality_begin_with_its_code(code, prefix):
    assert division_prefix(code) == prefix


def test_the_box_of_korea_takes_in_its_islands():
    assert in_korea(33.11, 126.27) and in_korea(37.24, 131.87) and not in_korea(*BOSTON)


def test_the_map_opens_on_the_boundary_or_around_the_centre():
    place = Municipality(code="X", lat=10.0, lon=20.0)
    south, west, north, east = bounds_of(place)
    assert south < 10 < north and west < 20 < east
    place.boundary = {"type": "Polygon", "coordinates": [[[1, 2], [3, 2], [3, 4], [1, 2]]]}
    assert bounds_of(place) == [2, 1, 4, 3]


@pytest.mark.parametrize(
    ("korean", "latin"),
    [
        ("대흥동", "Daeheung-dong"), ("유성구", "Yuseong-gu"), ("중리동", "Jungni-dong"), ("읍내동", "Eumnae-dong"),
        ("탑립동", "Tamnip-dong"), ("덕명동", "Deongmyeong-dong"), ("오류동", "Oryu-dong"), ("월평동", "Wolpyeong-dong"),
        ("문의면", "Munui-myeon"), ("신라", "Silla"), ("울릉군", "Ulleung-gun"), ("A동", "A-dong"), ("", ""),
    ],
)  # fmt: skip
def test_names_are_romanised_by_their_sound(korean, latin):
    assert place_name(korean) == latin
