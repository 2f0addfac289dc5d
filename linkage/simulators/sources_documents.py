"""The simulated sources' documents, in the services' own fields, parameters, pages and encodings.

Each function takes the query and the world and gives the body as its service would. What the services are like:
`docs/feeds/`. All names and events are made up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from google.transit import gtfs_realtime_pb2 as gtfs

from linkage.simulators.sources_world import (
    CITY_ROAD,
    KOREAN_TIME,
    MESSAGE,
    ROAD,
    TRANSIT,
    WEATHER,
    Happening,
    Rhythm,
    happenings,
)

Query = Mapping[str, str]
ROWS_DEFAULT = 10
ROWS_AT_MOST = 1000
FIRST_SERIAL = 200_000


@dataclass(frozen=True)
class World:
    """What the documents tell of: the seed's story at the moment `now` (aware), `rate` times as eventful."""

    seed: int
    now: datetime
    rate: float = 1.0

    def going_on(self, rhythm: Rhythm) -> Iterator[Happening]:
        """What of the kind goes on now."""
        return self.since(rhythm, self.now)

    def since(self, rhythm: Rhythm, start: datetime) -> Iterator[Happening]:
        """What of the kind has gone on since `start`."""
        # A zone has one warning of a kind at a time, however eventful the rest is.
        rate = min(self.rate, 1.0) if rhythm is WEATHER else self.rate
        return happenings(rhythm, seed=self.seed, rate=rate, since=start, until=self.now)


@dataclass(frozen=True)
class Document:
    """An answer: its body and its Content-Type."""

    body: bytes
    content_type: str


def _json(value: Any) -> Document:
    return Document(json.dumps(value, ensure_ascii=False).encode(), "application/json;charset=UTF-8")


def _digits(at: datetime, form: str = "%Y%m%d%H%M%S") -> str:
    return at.astimezone(KOREAN_TIME).strftime(form)


# ITS: eventInfo

ROADS = (
    ("경부선", "1"),
    ("호남지선", "251"),
    ("대전남부순환선", "300"),
    ("계룡로", ""),
    ("대덕대로", ""),
    ("한밭대로", ""),
)
ROAD_KINDS = (
    ("작업", "작업", "노면보수작업중"), ("공사", "시설물보수작업", "시설물점검작업중"), ("기타돌발", "고장", "화물차고장처리중"),
    ("교통사고", "충돌사고", "승용차 추돌사고 처리중"),
)  # fmt: skip


def its(query: Query, world: World) -> Document:
    """eventInfo: everything inside the box, unpaged; a breakdown's message changes while it is dealt with."""
    items = [_its_item(one, world.now) for one in world.going_on(ROAD)]
    inside = [one for one in items if _in_box(query, float(one["coordX"]), float(one["coordY"]))]
    header = {"resultCode": 0, "resultMsg": "success"}
    # As the service does, a single result comes as an object.
    found: Any = inside[0] if len(inside) == 1 else inside
    return _json({"header": header, "body": {"totalCount": len(inside), "items": found}})


def _its_item(one: Happening, now: datetime) -> dict[str, str]:
    dice = one.draw("its")
    (road, number), (kind, detail, message) = dice.choice(ROADS), dice.choice(ROAD_KINDS)
    _, lat, lon = one.place
    lane = "(갓길)" if one.share(now) > 0.6 else f"({dice.randint(1, 2)}차로)"
    return {
        "type": "고속도로" if number else "시군도", "eventType": kind, "eventDetailType": detail,
        "startDate": _digits(one.begins), "coordX": f"{lon:.4f}", "coordY": f"{lat:.4f}",
        "linkId": str(1_850_000_000 + one.number % 100_000 * 100), "roadName": road, "roadNo": number,
        "roadDrcType": dice.choice(("기점", "종점")), "lanesBlockType": "",
        "lanesBlocked": "" if lane == "(갓길)" else f"{lane[1]}차로 차단", "message": lane + message, "endDate": "",
    }  # fmt: skip


def _in_box(query: Query, lon: float, lat: float) -> bool:
    def bound(name: str, default: float) -> float:
        try:
            return float(query.get(name, default))
        except ValueError:
            return default

    return bound("minX", -180) <= lon <= bound("maxX", 180) and bound("minY", -90) <= lat <= bound("maxY", 90)


# UTIC: imsOpenData

UTIC_KINDS = (("1", "사고", "승용차 추돌"), ("2", "공사", "상수도관 교체 공사"), ("5", "통제", "차로 부분 통제"))


def utic(query: Query, world: World) -> Document:
    """imsOpenData: all of the country at once, as XML; our city's beside another's."""
    records = "".join(_utic_record(one, world.now) for one in world.going_on(CITY_ROAD))
    body = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<result>{records}</result>'
    return Document(body.encode(), "text/xml;charset=UTF-8")


def _utic_record(one: Happening, now: datetime) -> str:
    dice = one.draw("utic")
    kind, word, what = dice.choice(UTIC_KINDS)
    near, lat, lon = one.place
    abroad = one.number % 3 == 0
    region = "서울특별시 중구 명동" if abroad else f"대전광역시 {near.name}"
    late = one.share(now) > 0.5
    fields = {
        "incidentId": f"26{one.number % 10**8:08}", "incidenteTypeCd": kind, "incidenteSubTypeCd": "00",
        "addressJibun": f"{region} {dice.randint(1, 900)}", "addressJibunCd": "", "addressNew": "",
        "linkId": str(1_870_000_000 + one.number % 100_000 * 100),
        "locationDataX": f"{126.98 if abroad else lon:.6f}", "locationDataY": f"{37.56 if abroad else lat:.6f}",
        "incidenteTrafficCd": "1" if late else "3", "incidenteGradeCd": "C" if late else "B",
        "incidentTitle": f"[{word}] {near.name} {what}" + (" (처리 중)" if late else ""),
        "startDate": _digits(one.begins, "%Y년 %m월 %d일 %H시 %M분"), "endDate": _digits(one.ends, "%Y년 %m월 %d일 %H시 %M분"),
        "lane": str(dice.randint(1, 3)), "roadName": f"{near.name} 대로", "controlType": "부분통제" if kind == "5" else "",
        "updateDate": _digits(one.after(0.5) if late else one.begins, "%Y년 %m월 %d일 %H시 %M분"),
    }  # fmt: skip
    return "<record>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items()) + "</record>"


# Weather warnings: getPwnCd

ZONES = {"L1030100": ("133", "대전광역시"), "L1030200": ("133", "세종특별자치시")}
SEASONS = (("8", "3"), ("8", "3"), ("1", "4"), ("1", "4"), ("2", "1"), ("2", "12"), ("2", "12"), ("12", "2"), ("7", "2"),
           ("1", "4"), ("3", "1"), ("8", "3"))  # fmt: skip
RAISED_SHARE = 0.15
REACH_BACK = timedelta(days=6)


def weather(query: Query, world: World) -> Document:
    """getPwnCd: messages by day, zone and kind, the newest first, in pages; nothing found is result code 03."""
    since = max(_day(query.get("fromTmFc"), world.now - timedelta(days=1)), world.now - REACH_BACK)
    until = _day(query.get("toTmFc"), world.now) + timedelta(days=1)
    told = [message for one in world.since(WEATHER, since) for message in _warning_life(one, world.now)]
    wanted = [
        one for one in told
        if f"{since.astimezone(KOREAN_TIME):%Y%m%d}" <= one["tmFc"] < f"{until.astimezone(KOREAN_TIME):%Y%m%d}"
        and query.get("areaCode", one["areaCode"]) == one["areaCode"]
        and query.get("warningType", one["warnVar"]) == one["warnVar"]
        and query.get("stnId", one["stnId"]) == one["stnId"]
    ]  # fmt: skip
    if not wanted:
        return _json({"response": {"header": {"resultCode": "03", "resultMsg": "NODATA_ERROR"}}})
    wanted.sort(key=lambda one: (one["tmFc"], int(one["tmSeq"])), reverse=True)
    number, rows, page = _page(query, wanted)
    body = {"dataType": "JSON", "items": {"item": page}, "pageNo": number, "numOfRows": rows, "totalCount": len(wanted)}
    return _json({"response": {"header": {"resultCode": "00", "resultMsg": "NORMAL_SERVICE"}, "body": body}})


def _warning_life(one: Happening, now: datetime) -> Iterator[dict[str, str]]:
    """What has been said of one warning so far: issued, extended, perhaps raised, lifted."""
    dice = one.draw("weather")
    kind = dice.choice(SEASONS[one.begins.astimezone(KOREAN_TIME).month - 1])
    raised = dice.random() < RAISED_SHARE
    steps = [(0.0, "1", "0"), (0.4, "3", "0"), *([(0.6, "8", "0"), (0.6, "7", "1")] if raised else [])]
    steps.append((1.0, "2", "1" if raised else "0"))
    for zone, (station, name) in ZONES.items():
        for turn, (share, command, stress) in enumerate(steps):
            at = one.after(share)
            if at > now:
                break
            said = _digits(at, "%Y%m%d%H%M")
            # Both halves of a change stand in one announcement.
            sequence = 1 + turn - (1 if raised and turn >= 3 else 0) + one.number % 9 * 10
            yield {
                "stnId": station, "tmFc": said, "tmSeq": str(sequence), "areaCode": zone, "areaName": name, "warnVar": kind,
                "warnStress": stress, "command": command, "startTime": said if command in "17" else "0",
                "endTime": said if command in "28" else "0", "allEndTime": "0", "cancel": "0",
            }  # fmt: skip


# Disaster messages: DSSP-IF-00247

TEXTS = (
    ("안전안내", "강풍", "[{city}] 강풍이 예상됩니다. 간판 등 낙하물에 주의하시고 외출을 자제해 주시기 바랍니다."),
    ("안전안내", "실종", "[{city}경찰청] 실종된 이○○(남, 78세)씨를 찾습니다. 170cm, 회색 점퍼. ☎182"),
    ("안전안내", "교통통제", "[{city}] {place} 일원 도로 통제 중입니다. 우회하여 주시기 바랍니다."),
    ("안전안내", "수도", "[{city}] {place} 상수도관 파손으로 단수 중입니다. 복구에 두 시간이 걸릴 예정입니다."),
)
ELSEWHERE = ("서울특별시 전체", "부산광역시 해운대구")


def disaster_message(query: Query, world: World) -> Document:
    """DSSP-IF-00247: from a day on, perhaps of one region, the newest first, in pages."""
    since = _day(query.get("crtDt"), world.now - timedelta(days=1))
    messages = [_message(one) for one in world.since(MESSAGE, since) if since <= one.begins <= world.now]
    wanted = [one for one in messages if query.get("rgnNm", "") in str(one["RCPTN_RGN_NM"])][::-1]
    number, rows, page = _page(query, wanted)
    header = {"resultMsg": "NORMAL SERVICE", "resultCode": "00", "errorMsg": None}
    return _json({"header": header, "numOfRows": rows, "pageNo": number, "totalCount": len(wanted), "body": page})


def _message(one: Happening) -> dict[str, Any]:
    dice = one.draw("message")
    near, _, _ = one.place
    step, kind, text = dice.choice(TEXTS)
    ours = one.number % 2 == 0
    region = f"대전광역시 {near.name} ,대전광역시 전체 " if ours else dice.choice(ELSEWHERE)
    day = _digits(one.begins, "%Y-%m-%d")
    return {
        "SN": FIRST_SERIAL + one.number % 10_000_000, "CRT_DT": _digits(one.begins, "%Y/%m/%d %H:%M:%S"),
        "MSG_CN": text.format(city="대전광역시" if ours else region.split(" ")[0], place=near.name),
        "RCPTN_RGN_NM": region, "EMRG_STEP_NM": step, "DST_SE_NM": kind, "REG_YMD": day, "MDFCN_YMD": day,
    }  # fmt: skip


# GTFS-realtime alerts

DETOURS = (
    ("CONSTRUCTION", "DETOUR", "{place} 도로 공사로 {route}번 버스가 우회 운행합니다", "Route {route} is diverted around road works"),
    ("WEATHER", "SIGNIFICANT_DELAYS", "기상 악화로 {route}번 버스가 지연되고 있습니다", "Route {route} is delayed by the weather"),
    ("TECHNICAL_PROBLEM", "REDUCED_SERVICE", "차량 고장으로 {route}번 버스가 감축 운행합니다", "Route {route} runs less often"),
)  # fmt: skip


def gtfs_rt(query: Query, world: World) -> Document:
    """A full data set of alerts, as protobuf, with the time it was written."""
    message = gtfs.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.incrementality = gtfs.FeedHeader.FULL_DATASET
    message.header.timestamp = int(world.now.timestamp())
    for one in world.going_on(TRANSIT):
        _add_alert(message.entity.add(), one)
    return Document(message.SerializeToString(), "application/x-protobuf")


def _add_alert(entity: gtfs.FeedEntity, one: Happening) -> None:
    dice = one.draw("transit")
    cause, effect, korean, english = dice.choice(DETOURS)
    route, near = str(dice.choice((102, 201, 311, 603, 704, 911))), one.place[0].name
    entity.id = f"alert-{one.number}"
    alert = entity.alert
    alert.active_period.add(start=int(one.begins.timestamp()), end=int(one.ends.timestamp()))
    alert.informed_entity.add(route_id=route)
    alert.cause, alert.effect = gtfs.Alert.Cause.Value(cause), gtfs.Alert.Effect.Value(effect)
    for language, text in (("ko", korean), ("en", english)):
        alert.header_text.translation.add(language=language, text=text.format(place=near, route=route))


DOCUMENTS: dict[str, Callable[[Query, World], Document]] = {
    "its": its, "utic": utic, "weather": weather, "disaster_message": disaster_message, "gtfs_rt": gtfs_rt,
}  # fmt: skip


def _day(text: str | None, default: datetime) -> datetime:
    """The beginning of a Korean day in digits."""
    try:
        return datetime.strptime(text or "", "%Y%m%d").replace(tzinfo=KOREAN_TIME)
    except ValueError:
        return default.astimezone(KOREAN_TIME).replace(hour=0, minute=0, second=0, microsecond=0)


def _page(query: Query, found: list[Any]) -> tuple[int, int, list[Any]]:
    def whole(name: str, default: int, at_most: int) -> int:
        text = query.get(name, "")
        return min(max(int(text), 1), at_most) if text.isdecimal() and len(text) < 10 else default

    number, rows = whole("pageNo", 1, 10**9), whole("numOfRows", ROWS_DEFAULT, ROWS_AT_MOST)
    return number, rows, found[(number - 1) * rows : number * rows]
