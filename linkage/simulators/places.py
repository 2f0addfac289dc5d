"""Where things are in Daejeon: stations that send units, and the neighbourhoods of the scenario.

Names are those of real neighbourhoods and their 119 safety centres and police boxes; positions are
approximate, good enough for a drive to look right. This is scenery, not a register.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from linkage.simulators.geometry import Point, metres_between, moved

LOCAL_METRES = 40_000
"""An incident farther than this from every station is in another city: stations are made up around it."""


@dataclass(frozen=True)
class Station:
    """A place units start from."""

    name: str
    at: Point


def _stations(*rows: tuple[str, float, float]) -> tuple[Station, ...]:
    return tuple(Station(name, Point(lat, lon)) for name, lat, lon in rows)


FIRE_STATIONS = _stations(
    ("삼성", 36.3395, 127.4270), ("용운", 36.3315, 127.4590), ("가양", 36.3480, 127.4445),
    ("산내", 36.2870, 127.4590), ("부사", 36.3160, 127.4330), ("태평", 36.3230, 127.3990),
    ("도마", 36.3140, 127.3760), ("정림", 36.3010, 127.3650), ("관저", 36.3000, 127.3370),
    ("둔산", 36.3530, 127.3850), ("갈마", 36.3490, 127.3700), ("궁동", 36.3630, 127.3470),
    ("노은", 36.3740, 127.3180), ("원내", 36.3010, 127.3210), ("도룡", 36.3790, 127.3820),
    ("전민", 36.3990, 127.4030), ("관평", 36.4250, 127.3920), ("중리", 36.3610, 127.4270),
    ("비래", 36.3610, 127.4530), ("목상", 36.4450, 127.4160),
)  # fmt: skip

POLICE_STATIONS = _stations(
    ("은행선화", 36.3297, 127.4240), ("대흥", 36.3240, 127.4290), ("서대전", 36.3220, 127.4120),
    ("유천", 36.3170, 127.4010), ("산성", 36.3020, 127.3990), ("문화", 36.3140, 127.4140),
    ("대전역", 36.3320, 127.4340), ("용전", 36.3560, 127.4360), ("가양", 36.3450, 127.4480),
    ("판암", 36.3180, 127.4580), ("산내", 36.2900, 127.4570), ("내동", 36.3280, 127.3790),
    ("도마", 36.3160, 127.3800), ("구봉", 36.3020, 127.3440), ("둔산", 36.3510, 127.3790),
    ("갈마", 36.3520, 127.3690), ("월평", 36.3600, 127.3650), ("유성", 36.3560, 127.3430),
    ("노은", 36.3720, 127.3210), ("궁동", 36.3620, 127.3510), ("도룡", 36.3820, 127.3780),
    ("구즉", 36.4270, 127.3900), ("중리", 36.3620, 127.4220), ("송촌", 36.3650, 127.4400),
    ("신탄진", 36.4480, 127.4290),
)  # fmt: skip

NEIGHBOURHOODS = _stations(
    ("은행동", 36.3290, 127.4260), ("대흥동", 36.3235, 127.4275), ("선화동", 36.3300, 127.4205),
    ("문화동", 36.3120, 127.4080), ("태평동", 36.3250, 127.3960), ("유천동", 36.3180, 127.4010),
    ("중동", 36.3310, 127.4310), ("삼성동", 36.3390, 127.4240), ("용운동", 36.3290, 127.4600),
    ("가양동", 36.3470, 127.4460), ("판암동", 36.3180, 127.4560), ("용전동", 36.3560, 127.4340),
    ("탄방동", 36.3460, 127.3880), ("둔산동", 36.3510, 127.3830), ("갈마동", 36.3500, 127.3680),
    ("월평동", 36.3590, 127.3660), ("만년동", 36.3670, 127.3790), ("도마동", 36.3150, 127.3780),
    ("변동", 36.3250, 127.3790), ("관저동", 36.3000, 127.3380), ("봉명동", 36.3560, 127.3480),
    ("궁동", 36.3630, 127.3480), ("노은동", 36.3730, 127.3200), ("도룡동", 36.3800, 127.3800),
    ("전민동", 36.3980, 127.4030), ("관평동", 36.4240, 127.3900), ("중리동", 36.3620, 127.4240),
    ("송촌동", 36.3640, 127.4420), ("법동", 36.3690, 127.4310), ("신탄진동", 36.4460, 127.4290),
)  # fmt: skip


def stations_near(stations: tuple[Station, ...], place: Point) -> tuple[Station, ...]:
    """``stations`` when ``place`` is in their city, else four made-up ones in the place's ~10 km square.

    The same square always gives the same four, so a town far away keeps its stations too.
    """
    if any(metres_between(station.at, place) <= LOCAL_METRES for station in stations):
        return stations
    square = Point(round(place.lat, 1), round(place.lon, 1))
    draw = random.Random(f"stations {square.lat} {square.lon}")
    return tuple(
        Station(
            f"{square.lat:.1f}/{square.lon:.1f} 제{number}",
            moved(square, north_m=north * draw.uniform(900, 2900), east_m=east * draw.uniform(900, 2900)),
        )
        for number, (north, east) in enumerate(((1, 1), (1, -1), (-1, 1), (-1, -1)), start=1)
    )


def nearest_neighbourhood(place: Point) -> str:
    """Name of the neighbourhood whose middle is nearest to ``place``."""
    return min(NEIGHBOURHOODS, key=lambda known: metres_between(known.at, place)).name
