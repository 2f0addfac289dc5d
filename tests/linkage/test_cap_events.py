"""CAP messages as events: what they are about, how grave, where, until when, and which earlier ones they continue."""

import random
import time
from datetime import UTC, datetime

import pytest
import shapely

from incidents.reports import understand
from linkage.feeds import FEEDS, recognise
from linkage.feeds.base import Link, NotADocument, NotUsable
from tests.linkage.caps import SENT, alert, area, info, sample

KOREA = "TTAS.KO-07.0046/R5 재난 종류 코드"
CAP = FEEDS["cap"]
NOW = datetime(2026, 11, 23, 1, 1, tzinfo=UTC)


def link(**options):
    return Link("http://127.0.0.1:9/index.atom", NOW, options=options)


def event_of(document, **options):
    """The one event of a document; whatever comes out is an event of the public contract."""
    (record,) = CAP.split(document, link(**options))
    event = CAP.normalise(record.raw, link(**options))
    understand(event, NOW)
    return event


def told(*areas, **fields):
    return event_of(alert(info(*areas, **fields)))


class TestDocuments:
    @pytest.mark.parametrize(
        ("name", "code", "grade"),
        [
            ("australia.cap", "DIS-99", "G4"), ("earthquake.cap", "DIS-07", "G4"), ("weather.cap", "DIS-09", "G2"),
            ("earthquake-iso8859-1.cap", "DIS-07", "G4"), ("oasis_example1.xml", "DIS-99", "G2"), ("oasis_example2.xml", "DIS-04", "G2"),
        ],
    )  # fmt: skip
    def test_a_real_file_becomes_an_event(self, name, code, grade):
        event = event_of(sample(name))
        assert recognise(sample(name)).name == "cap"
        assert (event["code"], event["grade"]) == (code, grade)
        assert event["summary"] and event["address"] and event["attributes"]["identifier"]

    @pytest.mark.parametrize("name", ["invalid.cap", "canada_errors.cap", "weather_index.atom"])
    def test_what_is_invalid_is_no_document(self, name):
        with pytest.raises(NotADocument):
            list(CAP.records(sample(name)))
        with pytest.raises(NotUsable):
            CAP.normalise(sample(name))

    def test_a_message_without_info_is_still_looked_at(self):
        event = event_of(sample("no_optional_fields.cap"))
        assert event["code"] == "DIS-99" and event["lat"] is None and event["summary"].startswith("USGS-earthquakes")

    def test_the_same_document_is_the_same_event_and_another_offset_the_same_moment(self):
        here, there = alert(info()), alert(info(), sent="2026-11-22T20:00:00-05:00")
        assert event_of(here) == event_of(here)
        assert event_of(here)["id"] == event_of(there)["id"] == "alerts@kma.example,KMA-1,2026-11-23T01:00:00+00:00"

    def test_an_identity_too_long_to_keep_is_shortened_and_stays_one(self):
        ids = {event_of(alert(info(), identifier="K" * 300 + tail))["id"] for tail in ("1", "2", "1")}
        assert len(ids) == 2 and all(len(one) <= 200 for one in ids)

    def test_the_longest_message_fits_an_event(self):
        long = "가" * 30_000
        event = told(area(long), headline=long, more=f"<description>{long}</description><instruction>{long}</instruction>" + "".join(
            f"<parameter><valueName>{long[:400]}{n}</valueName><value>{long[:400]}</value></parameter>" for n in range(50)))  # fmt: skip
        assert len(event["summary"]) == 500 and len(event["address"]) == 300
        assert event["attributes"]["description"]


class TestNothingReal:
    @pytest.mark.parametrize("status", ["Exercise", "System", "Test", "Draft"])
    @pytest.mark.parametrize("kind", ["Alert", "Update", "Cancel"])
    def test_no_test_or_exercise_ever_becomes_an_event(self, status, kind):
        document = alert(info(severity="Extreme"), status=status, kind=kind, references=f"a,b,{SENT}")
        assert list(CAP.split(document, link())) == []
        with pytest.raises(NotUsable, match="reports nothing real"):
            CAP.normalise(document, link())

    @pytest.mark.parametrize("code", ["NPT", "RMT", "RWT", "STT", "DMO"])
    def test_nor_does_what_its_event_code_calls_a_test(self, code):
        assert list(CAP.records(alert(info(codes=((KOREA, code),))))) == []
        assert list(CAP.records(alert(info(codes=(("SAME", code),))))) == []

    @pytest.mark.parametrize("kind", ["Ack", "Error"])
    def test_acknowledgements_and_errors_are_taken_note_of(self, kind):
        assert list(CAP.records(alert(kind=kind, references=f"a,b,{SENT}"))) == []


class TestCodes:
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("HRA", "DIS-01"), ("HRW", "DIS-01"), ("CWW", "DIS-06"), ("FLW", "DIS-09"), ("EQW", "DIS-07"), ("AVW", "DIS-08"),
            ("MFW", "DIS-99"), ("RTW", "TRF-5"), ("CAE", "CRM-05"), ("HUW", "DIS-04"), ("HAS", "DIS-03"), ("TRW", "DIS-02"),
        ],
    )  # fmt: skip
    def test_korean_codes(self, value, code):
        assert told(codes=((KOREA, value),), event="무엇")["code"] == code
        assert told(codes=(("TTAS.KO-07.0046/R6 재난 종류 코드", value),), event="무엇")["code"] == code

    def test_a_code_means_what_its_list_says(self):
        assert told(codes=(("SAME", "HUW"),), event="x")["code"] == "DIS-02"
        assert told(codes=(("SAME", "CWW"),), event="x")["code"] == "DIS-99"
        assert told(codes=(("somebody's", "EQW"),), event="x")["code"] == "DIS-99"
        assert told(codes=(("urn:ocenter:event-code", "BEL-01"),), event="x")["code"] == "BEL-01"

    @pytest.mark.parametrize(
        ("event", "code"),
        [
            ("지진", "DIS-07"), ("Flash Flood Watch", "DIS-09"), ("대설주의보", "DIS-03"), ("폭염경보", "DIS-05"), ("산사태", "DIS-08"),
            ("즉시대피", "DIS-99"), ("유해물질 누출", "DIS-10"), ("태풍경보", "DIS-02"), ("High Wind Warning", "DIS-04"),
        ],
    )  # fmt: skip
    def test_words_speak_where_no_code_does(self, event, code):
        assert told(codes=(), event=event)["code"] == code

    def test_a_fire_seen_now_calls_the_fire_brigade(self):
        assert told(codes=(), category="Fire", event="건물 화재", headline="둔산동 화재")["code"] == "FIR-01"
        assert told(codes=((KOREA, "FRW"),), category="Fire", event="화재경보", headline="둔산동 화재")["code"] == "FIR-01"

    @pytest.mark.parametrize(
        "fields",
        [
            {"urgency": "Expected"}, {"certainty": "Likely"}, {"category": "Met"}, {"event": "화재 위험"}, {"event": "Red Flag Warning"},
            {"headline": "Extreme fire danger"}, {"codes": ((KOREA, "MFW"),)}, {"codes": ((KOREA, "EVI"),)}, {"codes": (("SAME", "FWW"),)},
        ],
    )  # fmt: skip
    def test_a_fire_feared_forecast_or_elsewhere_does_not(self, fields):
        fire = {"codes": (), "category": "Fire", "event": "화재", "headline": "화재"}
        assert told(**{**fire, **fields})["code"] != "FIR-01"


class TestGrades:
    @pytest.mark.parametrize(
        ("severity", "urgency", "grade"),
        [
            ("Extreme", "Future", "G1"), ("Severe", "Immediate", "G2"), ("Moderate", "Immediate", "G3"), ("Minor", "Immediate", "G4"),
            ("Unknown", "Immediate", "G3"), ("Unknown", "Expected", "G3"), ("Unknown", "Past", "G4"), ("Unknown", "Unknown", "G4"),
        ],
    )  # fmt: skip
    def test_severity_is_the_grade(self, severity, urgency, grade):
        assert told(severity=severity, urgency=urgency)["grade"] == grade

    def test_the_gravest_of_several_leads(self):
        event = event_of(alert(info(severity="Minor", headline="약한 비"), info(severity="Severe", headline="거센 비")))
        assert (event["grade"], event["summary"]) == ("G2", "거센 비")


class TestLanguages:
    def test_korean_is_told_wherever_it_stands_and_the_others_headlines_are_kept(self):
        event = event_of(alert(info(language="en-US", headline="Heavy rain"), info(language="ja-JP", headline="大雨"), info()))
        assert event["summary"] == "대전 호우경보"
        assert event["attributes"]["headlines"] == {"en-US": "Heavy rain", "ja-JP": "大雨"}
        assert event["attributes"]["language"] == "ko-KR"

    def test_without_korean_the_first_is_told(self):
        event = event_of(alert(info(language="fr-CA", headline="Pluie"), info(language="en-CA", headline="Rain")))
        assert event["summary"] == "Pluie" and event["attributes"]["headlines"] == {"en-CA": "Rain"}

    def test_without_a_headline_event_and_description_are_told(self):
        assert told(headline="", more="<description>큰 비</description>")["summary"] == "호우경보: 큰 비"


class TestAreas:
    def test_a_polygon(self):
        event = told(area(polygon="36.30,127.30 36.40,127.30 36.40,127.40 36.30,127.40 36.30,127.30"))
        assert shapely.geometry.shape(event["area"]).bounds == (127.3, 36.3, 127.4, 36.4)
        assert (event["lat"], event["lon"]) == (pytest.approx(36.35), pytest.approx(127.35))

    def test_a_circle_is_as_wide_as_it_says_in_every_direction(self):
        event = told(area(circle="36.35,127.38 10"))
        west, south, east, north = shapely.geometry.shape(event["area"]).bounds
        assert (event["lat"], event["lon"]) == (36.35, 127.38)
        assert (north - south) / 2 * 111.195 == pytest.approx(10, rel=0.01)
        assert (east - west) / 2 * 111.195 * 0.8055 == pytest.approx(10, rel=0.01)

    def test_a_circle_without_extent_is_a_place_without_area(self):
        event = told(area(circle="36.35,127.38 0.0"))
        assert (event["lat"], event["lon"]) == (36.35, 127.38) and "area" not in event

    @pytest.mark.parametrize(
        ("geocode", "bounds"),
        [
            ("3000000000", (127.25, 36.18, 127.56, 36.50)), ("3017000000", (127.28, 36.18, 127.40, 36.37)),
            ("3017011200", (127.37, 36.34, 127.40, 36.36)), ("4311000000", (127.37, 36.58, 127.56, 36.72)),
        ],
    )  # fmt: skip
    def test_a_division_is_drawn_from_its_code(self, geocode, bounds):
        event = told(area(geocode=geocode))
        assert shapely.geometry.shape(event["area"]).bounds == pytest.approx(bounds, abs=0.02)
        assert shapely.geometry.shape(event["area"]).contains(shapely.Point(event["lon"], event["lat"]))

    def test_a_new_province_number_is_the_old_area(self):
        assert told(area(geocode="5111000000"))["area"] == told(area(geocode="4211000000"))["area"]

    def test_several_areas_are_one_and_never_too_much_for_a_ledger_row(self):
        event = told(area("가", geocode="3017000000"), area("나", geocode="4800000000"), area("다", circle="35.1,129.0 3"))
        assert event["area"]["type"] == "MultiPolygon" and event["address"] == "가; 나; 다"
        assert sum(len(ring) for part in event["area"]["coordinates"] for ring in part) <= 400

    def test_a_polygon_that_crosses_itself_is_drawn_around(self):
        event = told(area(polygon="36,127 37,128 37,127 36,128 36,127"))
        assert shapely.geometry.shape(event["area"]).bounds == (127, 36, 128, 37)

    def test_no_drawing_however_wild_takes_long(self):
        seeded = random.Random(7)

        def corner():
            return f"{36 + seeded.random():.4f},{127 + seeded.random():.4f}"

        def comb(turn):
            teeth = [(n / 9000, 0.1 + 0.8 * (n // 2 % 2)) for n in range(9000)] + [(1, 0), (0, 0), (0, 0.1)]
            return " ".join(f"{36 + (y if turn else x):.5f},{127 + (x if turn else y):.5f}" for x, y in teeth)

        strips = [f"36.{n:03},127 36.{n:03}5,127 36.{n:03}5,128 36.{n:03},128 36.{n:03},127" for n in range(400)]
        strips += [f"36,127.{n:03} 36,127.{n:03}5 37,127.{n:03}5 37,127.{n:03} 36,127.{n:03}" for n in range(400)]
        tangle = [corner() for _ in range(40_000)]
        wild = [
            [area(polygon=" ".join([*tangle, tangle[0]]))], [area(polygon=comb(False)), area(polygon=comb(True))],
            [area(polygon=one) for one in strips], [area(circle=f"{corner()} 30") for _ in range(5000)],
            [area(geocode=f"{n:08}00") for n in range(11_110_101, 11_112_500)],
        ]  # fmt: skip
        for areas in wild:
            began = time.process_time()
            event = told(*areas)
            assert time.process_time() - began < 5 and (event["lat"] is not None or areas is wild[-1])

    def test_what_cannot_be_drawn_is_left_to_words(self):
        event = told(area("전국", geocode="9999999999"))
        assert event["lat"] is None and "area" not in event and event["address"] == "전국"
        assert event["attributes"]["geocodes"] == {"행정구역코드": ["9999999999"]}


class TestTimes:
    def test_it_began_when_it_says_where_that_is_past(self):
        assert told(times="<onset>2026-11-23T09:30:00+09:00</onset>")["occurred_at"] == "2026-11-23T09:30:00+09:00"
        assert told(times="<onset>2026-11-23T18:00:00+09:00</onset>")["occurred_at"] == SENT

    def test_it_is_over_when_the_last_of_it_is(self):
        ends = [f"<expires>2026-11-23T{hour}:00:00+09:00</expires>" for hour in (18, 21)]
        assert event_of(alert(*(info(times=one) for one in ends)))["expires_at"] == "2026-11-23T21:00:00+09:00"
        assert "expires_at" not in event_of(alert(info(times=ends[0]), info()))


class TestThreads:
    FIRST = f"alerts@kma.example,KMA-1,{SENT}"
    SECOND = "alerts@kma.example,KMA-2,2026-11-23T02:00:30+01:00"

    def test_an_update_continues_the_oldest_message_it_names(self):
        event = event_of(
            alert(info(), identifier="KMA-3", kind="Update", references=f"{self.SECOND} {self.FIRST}", sent="2026-11-23T10:01:00+09:00")
        )
        first = event_of(alert(info()))
        assert first["subject"] == first["id"] and first["action"] == "report"
        assert event["subject"] == first["id"] == event["refers_to"][0] and len(event["refers_to"]) == 2
        assert event["id"] not in event["refers_to"] and event["action"] == "report"
        assert event["occurred_at"] == "2026-11-23T10:01:00+09:00"

    def test_a_cancel_withdraws_with_or_without_info(self):
        for infos in ((), (info(),)):
            event = event_of(alert(*infos, identifier="KMA-9", kind="Cancel", references=self.FIRST))
            assert event["action"] == "cancel" and event["subject"] == event_of(alert(info()))["id"]

    def test_an_update_that_all_is_clear_ends(self):
        event = event_of(alert(info(response="AllClear"), identifier="KMA-9", kind="Update", references=self.FIRST))
        assert event["action"] == "end"
        some = event_of(alert(info(response="AllClear"), info(), identifier="KMA-9", kind="Update", references=self.FIRST))
        assert some["action"] == "report"


class TestRegions:
    """A national source linked by one city: `options.areas`."""

    def test_what_is_elsewhere_is_no_event_here(self):
        busan = alert(info(area(geocode="2600000000")))
        assert list(CAP.split(busan, link(areas=["3000000000"]))) == []
        assert len(list(CAP.split(busan, link(areas=["26"])))) == len(list(CAP.split(busan, link()))) == 1

    def test_what_says_no_place_may_be_here(self):
        assert event_of(alert(info(area("전국"))), areas=["3000000000"])

    def test_a_wide_area_is_shown_where_it_touches_the_region(self):
        event = event_of(alert(info(area(geocode="3000000000"), area(geocode="4400000000"))), areas=["3020000000"])
        assert 36.25 < event["lat"] < 36.45 and 127.27 < event["lon"] < 127.42

    def test_an_update_that_has_moved_away_ends_here(self):
        moved = alert(info(area(geocode="2600000000")), identifier="KMA-2", kind="Update", references=f"a,b,{SENT}")
        assert event_of(moved, areas=["3000000000"])["action"] == "end"
        assert event_of(moved)["action"] == "report"

    @pytest.mark.parametrize("areas", ["30", [], ["대전"], ["3000000000", "9900000000"], [None]])
    def test_a_region_that_is_none_lets_nothing_pass_unseen(self, areas):
        with pytest.raises(NotADocument, match="options.areas"):
            list(CAP.split(alert(info()), link(areas=areas)))
