"""The registry of emergency bells (행정안전부_안전비상벨위치정보), in a sample written as the ministry publishes it."""

import csv

import pytest
from django.core.management import call_command
from django.utils import translation

from incidents.models import Device
from ocenter.accounts.models import Municipality

pytestmark = pytest.mark.django_db

COLUMNS = {
    "개방자치단체코드": "6300000", "관리번호": "202530000000001", "안전비상벨관리번호": "DJ-BELL-001", "설치목적": "약자보호",
    "설치장소유형": "공중화장실", "설치위치": "둔산공원 화장실 여자 1칸", "소재지도로명주소": "대전광역시 서구 둔산로 100",
    "소재지지번주소": "대전광역시 서구 둔산동 1420", "WGS84위도": "36.3504", "WGS84경도": "127.3845", "연계방식": "양방향음성",
    "경찰연계유무": "Y", "경비업체연계유무": "N", "관리사무소연계유무": "", "부가기능": "경광등+사이렌", "안전비상벨설치연도": "2021",
    "최종점검일자": "2025-03-14", "최종점검결과구분": "정상", "관리기관명": "대전광역시 서구청", "관리기관전화번호": "042-000-1234",
    "데이터기준일자": "2025-06-30",
}  # fmt: skip
API = (
    "OPN_ATMY_GRP_CD,MNG_NO,SFTY_EMRGNCBLL_MNG_NO,INSTL_PRPS,INSTL_PLC_TYPE,INSTL_PSTN,LCTN_ROAD_NM_ADDR,"
    "LCTN_LOTNO_ADDR,WGS84_LAT,WGS84_LOT,LINK_MTH,POLC_LINK_EN,SECCO_LINK_EN,MNGOFC_LINK_EN,EXTRA_FWK,"
    "SFTY_EMRGNCBLL_INSTL_YR,LAST_CHCK_YMD,LAST_CHCK_RSLT_SE,MNG_INST_NM,MNG_INST_TELNO,DAT_CRTR_YMD"
).split(",")


@pytest.fixture
def city(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    with translation.override("en"):
        yield Municipality.objects.create(code="30000", name_ko="대전광역시", name_en="Daejeon", lat=36.35, lon=127.38)


@pytest.fixture
def run(city, tmp_path, capsys):
    def run(*bells, header=tuple(COLUMNS), encoding="cp949"):
        path = tmp_path / "bells.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(list({**COLUMNS, **bell}.values()) for bell in bells)
        call_command("import_cameras", str(path))
        return capsys.readouterr().out.splitlines()

    return run


def report(settings):
    newest = max((settings.DATA_DIR / "imports").iterdir(), key=lambda one: one.stat().st_mtime_ns)
    with newest.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("encoding", ["cp949", "utf-8-sig"])
@pytest.mark.parametrize("header", [tuple(COLUMNS), API], ids=["file", "api"])
def test_a_bell_keeps_what_its_registry_says(run, encoding, header):
    out = run({}, header=header, encoding=encoding)
    assert out[-1] == "created 1, updated 0, unchanged 0, rejected 0"
    assert f"{encoding}, profile emergency_bells" in out[0]
    bell = Device.objects.get()
    assert (bell.kind, bell.device_id, bell.name) == ("bell", "DJ-BELL-001", "둔산공원 화장실 여자 1칸")
    assert (bell.lat, bell.lon, bell.address) == (36.3504, 127.3845, "대전광역시 서구 둔산로 100")
    assert bell.attributes == {
        "purpose": "약자보호", "place_type": "공중화장실", "link_method": "양방향음성", "police_link": True,
        "security_link": False, "extras": "경광등+사이렌", "installed": "2021", "checked_on": "2025-03-14",
        "check_result": "정상", "manager": "대전광역시 서구청", "manager_phone": "042-000-1234", "as_of": "2025-06-30",
    }  # fmt: skip


def test_again_changes_nothing_and_a_new_check_updates_its_bell_alone(run):
    bells = [{"안전비상벨관리번호": f"B-{n}"} for n in range(3)]
    run(*bells)
    before = list(Device.objects.order_by("pk").values())
    assert run(*bells)[-1] == "created 0, updated 0, unchanged 3, rejected 0"
    assert list(Device.objects.order_by("pk").values()) == before
    bells[1] |= {"최종점검일자": "20251101", "최종점검결과구분": "고장"}
    assert run(*bells)[-1] == "created 0, updated 1, unchanged 2, rejected 0"
    assert Device.objects.get(device_id="B-1").attributes["check_result"] == "고장"
    assert Device.objects.get(device_id="B-1").attributes["checked_on"] == "2025-11-01"


def test_positions_in_another_projection_are_rejected_with_reason_and_line(run, settings):
    out = run(
        {}, {"안전비상벨관리번호": "B-TM", "WGS84위도": "316547.12", "WGS84경도": "234567.9"},
        {"안전비상벨관리번호": "B-SWAP", "WGS84위도": "127.3845", "WGS84경도": "36.3504"},
        {"안전비상벨관리번호": "B-NONE", "WGS84위도": "", "WGS84경도": ""}, {},
    )  # fmt: skip
    assert out[-1] == "created 1, updated 0, unchanged 0, rejected 4"
    assert {int(one["line"]): one["why"] for one in report(settings)} == {
        3: "no degrees: another projection than WGS84",
        4: "outside Korea: latitude and longitude look exchanged",
        5: "the coordinate is missing",
        6: "the same number as in line 2",
    }


def test_an_unreadable_extra_is_told_and_left_out_and_the_bell_stays(run, settings):
    out = run({"경찰연계유무": "미상", "최종점검일자": "2025-02-30"})
    assert out[-1] == "created 1, updated 0, unchanged 0, rejected 0"
    assert {"police_link", "checked_on"}.isdisjoint(Device.objects.get().attributes)
    assert {(one["field"], one["value"], one["why"], one["outcome"]) for one in report(settings)} == {
        ("경찰연계유무", "미상", "neither yes nor no", "imported"), ("최종점검일자", "2025-02-30", "not a day", "imported"),
    }  # fmt: skip
