"""What the demo's two cities consist of. Telephone numbers lie in an exchange that does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from incidents.codes import Family
from linkage.models import LinkedSystem
from ocenter.accounts.models import User

Kind = LinkedSystem.Kind
ALL_FAMILIES: Final = tuple(family.value for family in Family)
DEMO_FEED: Final = "feed"
CENTRAL: Final = "central"


@dataclass(frozen=True)
class Person:
    """One account: the user name follows the city's prefix."""

    role: str
    display_name: str


@dataclass(frozen=True)
class System:
    """One linked system as the demo sets it up. `reads` are the code families policy grants it."""

    slug: str
    kind: str
    name_ko: str
    name_en: str
    phone: str = ""
    reads: tuple[str, ...] = ()
    quiet_limit_s: int = 120


@dataclass(frozen=True)
class Hub:
    """Where a city is busy: cameras gather around it with a spread in metres."""

    lat: float
    lon: float
    spread_m: float
    weight: float


@dataclass(frozen=True)
class City:
    """One municipality of the demo. `prefix` sets its users and its agencies' addresses apart."""

    code: str
    name_ko: str
    name_en: str
    lat: float
    lon: float
    prefix: str
    seed: int
    people: tuple[Person, ...]
    sites: int
    devices: dict[str, int]
    hubs: tuple[Hub, ...]


FEEDS: Final = (
    System("bells", Kind.FEED, "비상벨", "Emergency bells", reads=("BEL",), quiet_limit_s=300),
    System("analytics", Kind.FEED, "지능형 영상분석", "Video analytics", reads=("VCA",)),
    System("traffic", Kind.FEED, "교통정보", "Traffic information", reads=("TRF",), quiet_limit_s=300),
    System("sensors", Kind.FEED, "방범·재난 센서", "Sensors", reads=("FIR", "DIS", "CRM", "SEC"), quiet_limit_s=300),
    System(DEMO_FEED, Kind.FEED, "시연용 연계", "Demo feed", reads=ALL_FAMILIES, quiet_limit_s=86_400),
)

AGENCIES: Final = (
    System(
        "police112", Kind.AGENCY, "112 종합상황실", "Police 112", "042-000-0112",
        ("CRM", "ORD", "BEL", "VCA", "VUL", "VEH", "CWD", "SEC", "JUS"),
    ),
    System("fire119", Kind.AGENCY, "119 종합상황실", "Fire 119", "042-000-0119", ("FIR", "RES", "EMS", "DIS")),
    System(
        "disaster", Kind.AGENCY, "재난안전상황실", "Disaster situation room", "042-000-0300",
        ("DIS", "CWD", "FIR", "RES"),
    ),
    System(
        "justice", Kind.AGENCY, "위치추적관제센터", "Electronic-tag monitoring centre", "042-000-0301", ("JUS",),
    ),
    System("carrier", Kind.AGENCY, "이동통신사 위치관제", "Carrier location desk", "042-000-0302", ("VUL",)),
    System("security", Kind.AGENCY, "민간보안 관제", "Private security desk", "042-000-0303", ("SEC",)),
    System(
        "ministry", Kind.AGENCY, "행정안전부 중앙상황", "Ministry of the Interior", "044-000-0304", ALL_FAMILIES,
    ),
)  # fmt: skip

CENTRAL_READER: Final = System(
    CENTRAL, Kind.CENTRAL, "중앙 통합 조회", "Central agencies", "044-000-0100", ALL_FAMILIES
)

_ROLES: Final = (User.Role.OPERATOR, User.Role.SUPERVISOR, User.Role.ADMINISTRATOR, User.Role.AUDITOR)


def _people(*names: str) -> tuple[Person, ...]:
    return tuple(Person(role.value, name) for role, name in zip(_ROLES, names, strict=True))


DAEJEON: Final = City(
    code="30000", name_ko="대전광역시", name_en="Daejeon", lat=36.3504, lon=127.3845, prefix="", seed=20181,
    people=_people("김관제", "이상황", "박관리", "최감사"),
    sites=1000,
    devices={"bell": 140, "crime_sensor": 50, "fire_sensor": 50, "traffic_detector": 40, "rain_gauge": 20},
    hubs=(
        Hub(36.3285, 127.4270, 1300, 5),  # Eunhaeng, Daeheung: the old centre and the station
        Hub(36.3515, 127.3840, 1300, 5),  # Dunsan: the new centre
        Hub(36.3560, 127.3480, 1100, 3),  # Yuseong: hot springs and the universities
        Hub(36.3730, 127.3190, 1100, 2),  # Noeun
        Hub(36.3160, 127.3810, 1300, 2.5),  # Doma
        Hub(36.3010, 127.3400, 1100, 1.5),  # Gwanjeo
        Hub(36.3540, 127.4400, 1300, 2.5),  # Yongjeon, Gayang
        Hub(36.4250, 127.3910, 1000, 1.2),  # Gwanpyeong
        Hub(36.4480, 127.4290, 1000, 1.2),  # Sintanjin
        Hub(36.3180, 127.4560, 900, 1),  # Panam
    ),
)  # fmt: skip

SEJONG: Final = City(
    code="36110", name_ko="세종특별자치시", name_en="Sejong", lat=36.4801, lon=127.2890, prefix="other-", seed=20182,
    people=_people("정관제", "강상황", "조관리", "윤감사"),
    sites=90,
    devices={"bell": 20, "crime_sensor": 8, "fire_sensor": 8, "traffic_detector": 8, "rain_gauge": 4},
    hubs=(
        Hub(36.5040, 127.2620, 1200, 3),  # the government complex
        Hub(36.4800, 127.2890, 1300, 3),  # Boram
        Hub(36.6010, 127.2980, 1000, 2),  # Jochiwon
    ),
)  # fmt: skip

CITIES: Final = (DAEJEON, SEJONG)
