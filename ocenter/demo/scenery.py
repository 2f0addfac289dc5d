"""Where the demo's cameras and devices stand: drawn by a fixed seed, denser in the centres, inside real dongs.

Names, streets and numbers are made up in the style of the national standard data; only the dongs are real.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar

import shapely

from incidents.geo import METRES_PER_DEGREE
from incidents.models import Camera, Device
from incidents.places import Place, place_of
from ocenter.accounts.models import Municipality
from ocenter.demo.cities import City

T = TypeVar("T")

SOURCE: Final = "demo"
OUTSKIRTS_SHARE: Final = 0.1  # of all sites, spread evenly over the whole city

PURPOSES: Final = {
    "생활방범": 58, "어린이보호": 12, "교통단속": 6, "교통정보수집": 6, "차량방범": 6, "쓰레기단속": 4,
    "시설물관리": 3, "재난재해": 3, "다목적": 1, "기타": 1,
}  # fmt: skip
CAMERAS_OF_A_SITE: Final = {1: 60, 2: 26, 3: 10, 4: 4}
SPOTS: Final = {
    "생활방범": ("골목 입구", "편의점 앞", "주민센터 앞", "시장 입구", "공영주차장", "마을회관 앞", "버스정류장", "공원 산책로"),
    "어린이보호": ("초등학교 정문", "초등학교 후문", "어린이공원", "유치원 앞", "놀이터"),
    "교통단속": ("네거리", "학교 앞 건널목", "시장 앞 도로"),
    "교통정보수집": ("네거리", "지하차도", "고가도로", "나들목"),
    "차량방범": ("진입로", "네거리", "다리 앞"),
    "쓰레기단속": ("공터", "골목 안", "재활용 수거함 앞"),
    "시설물관리": ("체육관", "도서관", "배수펌프장"),
    "재난재해": ("하천 둔치", "다리 밑", "배수펌프장", "급경사지"),
    "다목적": ("광장", "공원 입구"),
    "기타": ("공원 입구", "전통시장"),
}  # fmt: skip
DIRECTIONS: Final = ("360도전방면", "동측", "서측", "남측", "북측")


class DeviceStyle(NamedTuple):
    """How devices of one kind are called: the id's prefix and the Korean word."""

    prefix: str
    word: str


DEVICE_STYLES: Final = {
    Device.Kind.BELL: DeviceStyle("BELL", "비상벨"),
    Device.Kind.CRIME_SENSOR: DeviceStyle("CRIME", "방범센서"),
    Device.Kind.FIRE_SENSOR: DeviceStyle("FIRE", "화재감지기"),
    Device.Kind.TRAFFIC_DETECTOR: DeviceStyle("VDS", "차량검지기"),
    Device.Kind.RAIN_GAUGE: DeviceStyle("RAIN", "우량계"),
}


class Spot(NamedTuple):
    """A position in WGS84 degrees with its dong."""

    lat: float
    lon: float
    place: Place


def cameras(city: City, municipality: Municipality) -> Iterator[Camera]:
    """The city's cameras, not saved: the same ones at every call."""
    dice = random.Random(f"cameras {city.seed}")
    numbers: Counter[str] = Counter()
    for spot in _spots(city, municipality, dice, city.sites):
        numbers[spot.place.code] += 1
        yield from _site(municipality, spot, numbers[spot.place.code], dice)


def devices(city: City, municipality: Municipality) -> Iterator[Device]:
    """The city's devices, not saved: the same ones at every call."""
    dice = random.Random(f"devices {city.seed}")
    for kind, count in city.devices.items():
        style = DEVICE_STYLES[Device.Kind(kind)]
        for number, spot in enumerate(_spots(city, municipality, dice, count), 1):
            yield Device(
                municipality=municipality,
                device_id=f"{style.prefix}-{number:04d}",
                kind=kind,
                name=f"{spot.place.dong} {style.word} {number:03d}",
                address=f"{spot.place.address_ko} {dice.randint(1, 990)}-{dice.randint(1, 40)}",
                lat=spot.lat,
                lon=spot.lon,
            )


def _spots(city: City, municipality: Municipality, dice: random.Random, count: int) -> Iterator[Spot]:
    outline = shapely.geometry.shape(municipality.boundary)
    shapely.prepare(outline)
    made = 0
    while made < count:
        lat, lon = _draw(city, outline, dice)
        if not shapely.contains_xy(outline, lon, lat):
            continue
        place = place_of(lat, lon)
        if place:
            made += 1
            yield Spot(lat, lon, place)


def _draw(city: City, outline: shapely.Geometry, dice: random.Random) -> tuple[float, float]:
    if dice.random() < OUTSKIRTS_SHARE:
        west, south, east, north = outline.bounds
        lat, lon = dice.uniform(south, north), dice.uniform(west, east)
    else:
        hub = dice.choices(city.hubs, [hub.weight for hub in city.hubs])[0]
        spread = hub.spread_m / METRES_PER_DEGREE
        lat = dice.gauss(hub.lat, spread)
        lon = dice.gauss(hub.lon, spread / math.cos(math.radians(hub.lat)))
    return round(lat, 6), round(lon, 6)


def _site(municipality: Municipality, spot: Spot, number: int, dice: random.Random) -> Iterator[Camera]:
    place = spot.place
    stem = place.dong.removesuffix("동")
    purpose = _choose(PURPOSES, dice)
    count = _choose(CAMERAS_OF_A_SITE, dice)
    road = f"{' '.join(filter(None, (place.city, place.district)))} {stem}로{dice.randint(1, 120)}번길 {dice.randint(1, 99)}"
    lot = f"{place.address_ko} {dice.randint(1, 990)}-{dice.randint(1, 40)}"
    name = f"{place.dong} {number:03d} {dice.choice(SPOTS[purpose])}"
    installed = f"{dice.randint(2012, 2025)}-{dice.randint(1, 12):02d}"
    megapixels = dice.choice((2.0, 2.0, 2.0, 4.0, 0.41))
    rotating = dice.random() < 0.6
    for index in range(1, count + 1):
        yield Camera(
            municipality=municipality, source=SOURCE, site_number=f"{place.code}-{number:03d}", index=index,
            name=name if count == 1 else f"{name} {index}", purpose=purpose,
            manager=f"{municipality.name_ko} 통합관제센터", manager_phone="042-000-0119",
            road_address=road, lot_address=lot, lat=spot.lat, lon=spot.lon,
            direction=DIRECTIONS[0] if index == 1 else DIRECTIONS[index], megapixels=megapixels, retention_days=30,
            installed_on=installed, ptz=index == 1 and rotating,
        )  # fmt: skip


def _choose(weights: dict[T, int], dice: random.Random) -> T:
    return dice.choices(list(weights), list(weights.values()))[0]
