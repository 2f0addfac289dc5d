"""What each agency is: its name, its words, and what the cases of its own look like from opening to end.

A *script* is a case before it happens: its messages with the seconds between them (at the demo's pace) and
the envelope's fields that each changes. The same draw gives the same script. DOMAIN.md §2 has the services.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from linkage.simulators.geometry import Point, along, metres_between, moved
from linkage.simulators.places import (
    FIRE_STATIONS,
    NEIGHBOURHOODS,
    POLICE_STATIONS,
    Station,
    nearest_neighbourhood,
    stations_near,
)
from linkage.simulators.units import drive_seconds, route

DAEJEON = Point(36.3504, 127.3845)
CITY_METRES = 10_000
LEGAL_112 = "개인정보 보호법 제18조제2항·112신고 처리"
LEGAL_119 = "119법 긴급구조 현장 확인"
LEGAL_DISASTER = "재난 및 안전관리 기본법 상황관리"
LEGAL_TAG = "전자장치부착법 경보 대응"
LEGAL_LOCATION = "위치정보법 긴급구조·실종아동법"
LEGAL_MINISTRY = "재난 및 안전관리 기본법 중앙 상황관리"

Draw = random.Random
Fields = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One message of a script: so long after the one before, changing these fields of the envelope."""

    after_s: float
    type: str
    """NEW, UPDATE, CANCEL or CLOSE; ASK is a question over REST and no message."""
    fields: Fields = field(default_factory=dict)


Script = list[Step]


@dataclass(frozen=True)
class Ground:
    """The city an agency works in."""

    centre: Point = DAEJEON

    def spot(self, draw: Draw) -> Point:
        """Somewhere people are: by a known neighbourhood, else within two kilometres of the centre."""
        middle, spread = (draw.choice(NEIGHBOURHOODS).at, 400) if self._is_known else (self.centre, 2000)
        return moved(middle, north_m=draw.uniform(-spread, spread), east_m=draw.uniform(-spread, spread))

    def named(self, spot: Point) -> str:
        """What a caller would call the spot."""
        return f"{nearest_neighbourhood(spot)} 인근" if self._is_known else "시내"

    @property
    def _is_known(self) -> bool:
        """Whether it is the city whose neighbourhoods we know."""
        return metres_between(self.centre, DAEJEON) < CITY_METRES


@dataclass(frozen=True)
class Service:
    """One kind of agency. ``weight`` is its share of a city's own cases."""

    org: str
    ko: str
    en: str
    weight: float
    script: Callable[[Draw, Ground], Script]


def share_of(slug: str) -> float:
    """The agency's share of its city's cases; the second city calls a fifth as often."""
    service = SERVICES.get(base_of(slug))
    if service is None:
        return 0.0
    share = service.weight / sum(one.weight for one in SERVICES.values())
    return share if base_of(slug) == slug else share / 5


def base_of(slug: str) -> str:
    """The kind of agency a slug names: the second municipality's are called ``other-…``."""
    return slug.removeprefix("other-")


def _located(spot: Point, method: str, accuracy_m: float) -> Fields:
    return {"lat": spot.lat, "lon": spot.lon, "loc_method": method, "loc_accuracy_m": accuracy_m}


def _video(legal_basis: str | None, org: str, user: str, *, cameras: int = 5, seconds: int = 1800) -> Fields:
    """The part of an envelope that asks for video."""
    request = {"radius_m": 500, "max_cams": cameras, "duration_s": seconds}
    asked: Fields = {"requester": {"org": org, "user_id": user}, "request": request}
    return asked | ({"legal_basis": legal_basis} if legal_basis else {})


def _user(draw: Draw, prefix: str) -> str:
    return f"{prefix}-{draw.randint(1000, 9999)}"


def _nearest(stations: tuple[Station, ...], spot: Point) -> Station:
    return min(stations_near(stations, spot), key=lambda one: metres_between(one.at, spot))


def _approach(draw: Draw, start: Point, spot: Point) -> tuple[Point, float]:
    """Where a unit from ``start`` is half way to ``spot``, and how long each half takes."""
    path = route(start, spot, draw)
    return along(path, 0.5), drive_seconds(path, draw) / 2


CALLS_112: Sequence[tuple[str, int, str, str, str]] = (
    ("CRM-02", 0, "강도", "편의점에서 흉기로 위협하고 도주", "검은 모자, 회색 후드, 도보"),
    ("CRM-03", 1, "날치기", "오토바이가 가방을 채어 감", "흰색 오토바이 2인"),
    ("CRM-04", 1, "절도", "주차 차량을 털고 있음", "30대 남성, 남색 점퍼"),
    ("CRM-05", 0, "납치", "여성을 차에 강제로 태움", "은색 승합차, 번호 일부 확인"),
    ("CRM-07", 1, "가정폭력", "옆집에서 비명과 부수는 소리", "40대 남성"),
    ("CRM-08", 0, "스토킹", "전 연인이 집 앞에서 기다림", "20대 남성, 검은 마스크"),
    ("CRM-09", 0, "흉기소지", "흉기를 들고 거리를 배회", "50대 남성, 등산복"),
    ("ORD-01", 3, "주취자", "주취자가 도로에 누워 있음", "60대 남성"),
)


def _police(draw: Draw, ground: Ground) -> Script:
    code, level, kind, what, suspect = draw.choice(CALLS_112)
    spot = ground.spot(draw)
    station = _nearest(POLICE_STATIONS, spot)
    half, seconds = _approach(draw, station.at, spot)
    patrol = f"{station.name} 순{draw.randint(1, 2)}호"
    opened = {
        "event_code": code, "code_112": level, "type_112": kind, "summary": f"{what} ({ground.named(spot)})",
        "suspect_desc": suspect, "caller_tel_masked": f"010-****-{draw.randint(0, 9999):04d}",
        **_located(spot, "CELL", draw.choice((150, 300, 500))),
        **_video(LEGAL_112, "경찰청 112", _user(draw, "112")),
    }  # fmt: skip
    if draw.random() < 0.08:
        return [Step(0, "NEW", opened), Step(draw.uniform(20, 50), "CANCEL", {"summary": "오인 신고로 확인"})]
    return [
        Step(0, "NEW", opened),
        Step(draw.uniform(5, 12), "UPDATE", {"patrol_id": patrol, "patrol": station.at._asdict()}),
        Step(seconds, "UPDATE", {"patrol": half._asdict(), **_located(spot, "GPS", 15)}),
        Step(seconds, "UPDATE", {"patrol": spot._asdict(), "summary": f"{what} — 순찰차 도착"}),
        Step(draw.uniform(40, 90), "CLOSE", {"result_code": draw.choices(("RC-01", "RC-02", "RC-05"), (5, 3, 2))[0]}),
    ]


CALLS_119: Sequence[tuple[str, str, str, str]] = (
    ("FIR-01", "단독주택에서 연기와 불꽃", "LPG 용기 2개", "RC-03"),
    ("FIR-01", "음식점 주방 화재 신고", "도시가스", "RC-03"),
    ("RES-01", "승강기에 갇힘", "", "RC-01"),
    ("RES-01", "교통사고로 차량에 끼임", "유류 누출", "RC-04"),
    ("EMS-01", "길에서 쓰러져 의식 없음", "", "RC-04"),
    ("EMS-01", "가슴 통증 호소", "", "RC-04"),
)


def _fire(draw: Draw, ground: Ground) -> Script:
    code, what, hazard, result = draw.choice(CALLS_119)
    spot = ground.spot(draw)
    station = _nearest(FIRE_STATIONS, spot)
    half, seconds = _approach(draw, station.at, spot)
    vehicles = [f"{station.name} {one}" for one in (("구급1",) if code == "EMS-01" else ("펌프1", "구급1"))]
    opened = {
        "event_code": code, "summary": f"{what} ({ground.named(spot)})", "station": f"{station.name}119안전센터",
        "vehicle_ids": vehicles, "alley_width_m": round(draw.uniform(2.5, 8), 1),
        "hazards": [hazard] if hazard else [], "traffic": [{"road": ground.named(spot), "speed_kmh": draw.randint(12, 45)}],
        **_located(spot, "CELL", draw.choice((50, 100, 200))),
        **_video(LEGAL_119, "소방청 119", _user(draw, "119")),
    }  # fmt: skip
    return [
        Step(0, "NEW", opened),
        Step(seconds, "UPDATE", {"patrol_id": vehicles[0], "patrol": half._asdict()}),
        Step(
            seconds,
            "UPDATE",
            {"patrol": spot._asdict(), "summary": f"{what} — 선착대 도착", **_located(spot, "GPS", 5)},
        ),
        Step(draw.uniform(50, 100), "CLOSE", {"result_code": result}),
    ]


def _area(middle: Point, radius_m: float) -> Fields:
    """A closed GeoJSON ring of eight corners."""
    corners = [
        moved(middle, north_m=radius_m * math.sin(turn * math.pi / 4), east_m=radius_m * math.cos(turn * math.pi / 4))
        for turn in range(8)
    ]
    return {"type": "Polygon", "coordinates": [[[at.lon, at.lat] for at in (*corners, corners[0])]]}


def _disaster(draw: Draw, ground: Ground) -> Script:
    code, kind, what = draw.choice(
        (
            ("DIS-01", "호우", "시간당 50 mm 호우, 저지대 침수 우려"),
            ("DIS-09", "홍수", "하천 수위 상승, 둔치 통제"),
            ("DIS-08", "산사태", "급경사지 토사 유출 신고"),
            ("CWD-01", "인파", "축제 구역 인파 밀집"),
        )
    )
    spot = ground.spot(draw)
    opened = {
        "event_code": code, "grade": "G3", "disaster_type": kind, "alert_stage": "주의", "camera_group": "재난재해",
        "summary": f"{what} ({ground.named(spot)})", "area_polygon": _area(spot, draw.uniform(500, 900)),
        **_located(spot, "MANUAL", 100),
        **_video(LEGAL_DISASTER, "재난안전상황실", _user(draw, "DSR"), cameras=10, seconds=7200),
    }  # fmt: skip
    raised = {"grade": "G2", "alert_stage": "경계", "area_polygon": _area(spot, 1200)}
    return [
        Step(0, "NEW", opened),
        Step(draw.uniform(30, 60), "UPDATE", raised),
        Step(draw.uniform(90, 150), "CLOSE", {"alert_stage": "해제", "result_code": "RC-07"}),
    ]


def _walk(draw: Draw, spot: Point, legs: int) -> list[Point]:
    """Where somebody on foot is at ``legs`` moments, from ``spot`` on."""
    turn = draw.uniform(0, 2 * math.pi)
    away = moved(spot, north_m=900 * math.sin(turn), east_m=900 * math.cos(turn))
    path = route(spot, away, draw)
    return [along(path, n / (legs - 1)) for n in range(legs)]


def _justice(draw: Draw, ground: Ground) -> Script:
    """The law allows it for four conditions only: tampering, curfew, exclusion zone, approach to the victim."""
    code, what = draw.choice(
        (
            ("JUS-01", "전자장치 훼손 경보"),
            ("JUS-02", "외출제한 위반"),
            ("JUS-03", "출입금지구역 진입"),
            ("JUS-04", "피해자 접근 경보"),
        )
    )
    way = _walk(draw, ground.spot(draw), 4)
    opened = {
        "event_code": code, "summary": what, "subject_id": f"P-{draw.randrange(16**6):06x}", "violation_code": code,
        "victim_alert": code == "JUS-04", "track": [], **_located(way[0], "GPS", 10),
        **_video(LEGAL_TAG, "법무부 위치추적관제센터", _user(draw, "MOJ")),
    }  # fmt: skip
    moves = [Step(draw.uniform(15, 25), "UPDATE", _located(at, "GPS", 10)) for at in way[1:]]
    return [Step(0, "NEW", opened), *moves, Step(draw.uniform(20, 60), "CLOSE", {"result_code": "RC-06"})]


def _carrier(draw: Draw, ground: Ground) -> Script:
    code, subject, what = draw.choice(
        (
            ("VUL-01", "child", "아동 SOS 버튼"),
            ("VUL-02", "dementia", "치매 어르신 SOS"),
            ("VUL-03", "woman", "여성 안심 SOS"),
            ("VUL-04", "dementia", "치매 어르신 안심구역 이탈"),
        )
    )
    way = _walk(draw, ground.spot(draw), 6)
    opened = {
        "event_code": code, "summary": f"{what} ({ground.named(way[0])})", "subject_type": subject, "track": [],
        "guardian_tel": f"010-****-{draw.randint(0, 9999):04d}", **_located(way[0], "CELL", 400),
        **_video(LEGAL_LOCATION, "이동통신사", _user(draw, "LOC")),
    }  # fmt: skip
    methods = (("WIFI", 60), ("WIFI", 40), ("GPS", 12), ("GPS", 8), ("GPS", 8))
    moves = [Step(draw.uniform(10, 18), "UPDATE", _located(at, *how)) for at, how in zip(way[1:], methods, strict=True)]
    found = {"summary": f"{what} — 발견, 보호자 인계", "result_code": "RC-06"}
    return [Step(0, "NEW", opened), *moves, Step(draw.uniform(15, 40), "CLOSE", found)]


FALSE_ALARMS = 0.85
"""Of a guarded site's alarms."""


def _security(draw: Draw, ground: Ground) -> Script:
    """A company has no legal basis for public cameras: its request is made, and denied."""
    spot = ground.spot(draw)
    company = draw.choice(("한밭시큐리티", "가디언텍", "유성보안"))
    opened = {
        "event_code": "SEC-01", "summary": f"무인경비 침입 경보 ({ground.named(spot)})", "company": company,
        "site_id": f"S-{draw.randint(10000, 99999)}", **_located(spot, "MANUAL", 5),
        **_video(None, company, _user(draw, "SEC")),
    }  # fmt: skip
    if draw.random() < FALSE_ALARMS:
        return [Step(0, "NEW", opened), Step(draw.uniform(25, 70), "CANCEL", {"summary": "출동 확인 결과 오작동"})]
    seen = {"grade": "G2", "summary": "침입 흔적 확인, 용의자 도주"}
    return [
        Step(0, "NEW", opened),
        Step(draw.uniform(20, 40), "UPDATE", seen),
        Step(draw.uniform(60, 120), "CLOSE", {"result_code": "RC-06"}),
    ]


def _ministry(draw: Draw, ground: Ground) -> Script:
    """A central request: cameras and figures, no emergency of its own."""
    spot = ground.spot(draw)
    near = f"{spot.lat},{spot.lon}"
    opened = {
        "event_code": "CWD-01", "grade": "G4", "summary": f"중앙 영상 열람 요청 ({ground.named(spot)})",
        "camera_search": {"near": [spot.lat, spot.lon], "radius_m": 1000}, **_located(spot, "MANUAL", 200),
        **_video(LEGAL_MINISTRY, "행정안전부", _user(draw, "MOIS"), cameras=10, seconds=600),
    }  # fmt: skip
    return [
        Step(0, "ASK", {"what": "카메라 검색", "path": "/api/v1/cameras", "params": {"near": near, "radius_m": "1000", "limit": "10"}}),
        Step(2, "NEW", opened),
        Step(5, "ASK", {"what": "사건 통계", "path": "/api/v1/incidents", "params": {"page_size": "200"}}),
        Step(draw.uniform(60, 120), "CLOSE", {"result_code": "RC-05"}),
    ]  # fmt: skip


SERVICES: dict[str, Service] = {
    "police112": Service("112", "112 종합상황실", "Police 112", 5, _police),
    "fire119": Service("119", "119 종합상황실", "Fire 119", 4, _fire),
    "disaster": Service("DISASTER", "재난안전상황실", "Disaster situation room", 1, _disaster),
    "justice": Service("MOJ", "위치추적관제센터", "Electronic-tag monitoring centre", 2, _justice),
    "carrier": Service("CARRIER", "이동통신사 위치관제", "Carrier location desk", 3, _carrier),
    "security": Service("SECURITY", "민간보안 관제", "Private security desk", 4, _security),
    "ministry": Service("MOIS", "행정안전부 중앙상황", "Ministry of the Interior", 1, _ministry),
}
