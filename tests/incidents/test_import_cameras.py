"""`import_cameras`: what is taken, what is rejected and why, and that repeating never doubles."""

import csv
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from incidents.imports.fields import Damaged, month
from incidents.models import Camera, Device
from ocenter.accounts.models import Municipality

pytestmark = pytest.mark.django_db

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HEADER = (
    "관리번호,관리기관명,소재지도로명주소,소재지지번주소,설치목적구분,카메라대수,카메라화소수,촬영방면정보,"
    "보관일수,설치연월,관리기관전화번호,WGS84위도,WGS84경도,데이터기준일자"
)
OLD_HEADER = HEADER.removeprefix("관리번호,").replace("설치연월", "설치년월").replace("WGS84", "")


def line(number="C-1", count="1", installed="2019-05", lat="36.3504", lon="127.3845", **more):
    cells = {
        "number": number, "manager": "대전광역시청", "road": "대전광역시 서구 둔산로 100", "lot": "대전광역시 서구 둔산동 1420",
        "purpose": "생활방범", "count": count, "pixels": "200", "direction": "회전형", "days": "30",
        "installed": installed, "phone": "042-000-1111", "lat": lat, "lon": lon, "on": "2024-11-28", **more,
    }  # fmt: skip
    return ",".join(cells.values())


def old_line(**more):
    return line(**more).partition(",")[2]


@pytest.fixture
def city(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    with translation.override("en"):
        yield Municipality.objects.create(code="30000", name_ko="대전광역시", name_en="Daejeon", lat=36.35, lon=127.38)


@pytest.fixture
def run(city, tmp_path, capsys):
    def run(*lines, header=HEADER, encoding="utf-8", **options):
        path = tmp_path / "cctv.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
        call_command("import_cameras", str(path), **options)
        return capsys.readouterr().out.splitlines()

    return run


def report(settings) -> list[dict]:
    newest = max((settings.DATA_DIR / "imports").iterdir(), key=lambda one: one.stat().st_mtime_ns)
    with newest.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_site_becomes_as_many_cameras_as_it_has(run):
    assert run(line(count="3"))[-1] == "created 3, updated 0, unchanged 0, rejected 0"
    first, *others = Camera.objects.order_by("index")
    assert [one.index for one in (first, *others)] == [1, 2, 3]
    assert (first.site_number, first.purpose, first.megapixels, first.retention_days) == ("C-1", "생활방범", 2.0, 30)
    assert (first.name, first.installed_on, first.ptz) == ("둔산동 1420 1", "2019-05", True)
    assert (first.lat, first.lon, first.manager_phone) == (36.3504, 127.3845, "042-000-1111")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_the_encoding_does_not_matter(run, encoding):
    run(line(), encoding=encoding)
    assert Camera.objects.get().manager == "대전광역시청"


def test_twice_changes_nothing(run):
    run(line("A"), line("B", count="4"))
    before = list(Camera.objects.order_by("pk").values())
    assert run(line("A"), line("B", count="4"))[-1] == "created 0, updated 0, unchanged 5, rejected 0"
    assert list(Camera.objects.order_by("pk").values()) == before


def test_a_changed_row_updates_its_cameras_and_a_grown_site_gains_one(run):
    run(line("A", count="2"), line("B"))
    assert run(line("A", count="3", days="60"), line("B"))[-1] == "created 1, updated 2, unchanged 1, rejected 0"
    assert set(Camera.objects.filter(site_number="A").values_list("retention_days", flat=True)) == {60}


def test_cameras_no_longer_listed_stay_and_are_told(run):
    run(line("A"), line("B"))
    out = run(line("A"))
    assert "1 further cameras of this registry are not in this file; they stay" in out
    assert Camera.objects.count() == 2


def test_the_old_header_without_numbers_is_as_safe_to_repeat(run):
    rows = [old_line(), old_line(), old_line(lat="36.36", count="2")]
    assert run(*rows, header=OLD_HEADER, encoding="cp949")[-1] == "created 4, updated 0, unchanged 0, rejected 0"
    assert run(*rows, header=OLD_HEADER, encoding="utf-8")[-1] == "created 0, updated 0, unchanged 4, rejected 0"
    assert run(*reversed(rows), header=OLD_HEADER)[-1] == "created 0, updated 0, unchanged 4, rejected 0"


@pytest.mark.parametrize(
    ("damage", "field", "value", "why"),
    [
        ({"lat": "0", "lon": "0"}, "WGS84위도,WGS84경도", "0,0", "never entered"),
        ({"lat": "48.85", "lon": "2.35"}, "WGS84위도,WGS84경도", "48.85,2.35", "outside Korea"),
        ({"lat": "127.38", "lon": "36.35"}, "WGS84위도,WGS84경도", "127.38,36.35", "exchanged"),
        ({"lat": "316547.1", "lon": "234567.9"}, "WGS84위도,WGS84경도", "316547.1,234567.9", "another projection"),
        ({"lat": "북위"}, "WGS84위도", "북위", "not a number"),
        ({"lat": "nan"}, "WGS84위도", "nan", "not a number"),
        ({"lon": ""}, "WGS84경도", "", "missing"),
        ({"count": ""}, "카메라대수", "", "missing"),
        ({"count": "0"}, "카메라대수", "0", "not a number of cameras"),
        ({"count": "many"}, "카메라대수", "many", "not a number of cameras"),
        ({"installed": "1905-07"}, "설치연월", "1905-07", "2009 to 2039"),
        ({"installed": "2019-13"}, "설치연월", "2019-13", "no such month"),
        ({"installed": "unknown"}, "설치연월", "unknown", "not a year and month"),
    ],
)
def test_a_bad_row_is_rejected_alone_with_its_line_field_value_and_reason(run, settings, damage, field, value, why):
    out = run(line("A"), line("B", **damage), line("C"))
    assert out[-1] == "created 2, updated 0, unchanged 0, rejected 1"
    (entry,) = report(settings)
    assert (entry["line"], entry["field"], entry["value"], entry["outcome"]) == ("3", field, value, "rejected")
    assert why in entry["why"]
    assert set(Camera.objects.values_list("site_number", flat=True)) == {"A", "C"}


def test_every_fault_of_a_row_is_reported_and_the_row_counts_once(run, settings):
    assert run(line(count="x", installed="1905-07", lat="0", lon="0"))[-1].endswith("rejected 1")
    assert {entry["field"] for entry in report(settings)} == {"카메라대수", "설치연월", "WGS84위도,WGS84경도"}


def test_a_torn_row_and_a_repeated_number_are_rejected(run, settings):
    assert run(line("A"), line("A"), "B,only,three")[-1] == "created 1, updated 0, unchanged 0, rejected 2"
    repeated, torn = report(settings)
    assert "line 2" in repeated["why"] and "3 cells where the header has 14" in torn["why"]


def test_a_row_far_from_all_others_is_rejected_as_misplaced(run, settings):
    rows = [line(f"A{n}", lat=f"36.35{n}") for n in range(9)]
    assert run(*rows, line("B", lat="37.5463", lon="126.8355"))[-1].endswith("rejected 1")
    assert "far from 대전광역시" in report(settings)[0]["why"]


def test_optional_numbers_that_cannot_be_read_cost_a_warning_not_the_camera(run, settings):
    assert run(line(pixels="HD", days=""))[-1] == "created 1, updated 0, unchanged 0, rejected 0"
    (entry,) = report(settings)
    assert (entry["field"], entry["value"], entry["outcome"]) == ("카메라화소수", "HD", "imported")
    assert Camera.objects.get().megapixels is None


def test_damaged_dates_may_be_kept_on_request(run, settings):
    out = run(line(installed="1905-07"), keep_damaged_dates=True)
    assert out[-1] == "created 1, updated 0, unchanged 0, rejected 0"
    assert Camera.objects.get().installed_on == ""
    assert report(settings)[0]["outcome"] == "imported"


def test_values_a_spreadsheet_would_run_are_made_harmless_in_the_report(run, settings):
    run(line(count="=HYPERLINK(1)"))
    assert report(settings)[0]["value"] == "'=HYPERLINK(1)"


def test_a_dry_run_counts_and_writes_nothing(run):
    assert run(line(count="2"), dry_run=True)[-1] == "created 2, updated 0, unchanged 0, rejected 0"
    assert not Camera.objects.exists()


class TestWhoseCameras:
    @pytest.fixture
    def sejong(self, city):
        return Municipality.objects.create(code="36110", name_ko="세종특별자치시", name_en="Sejong", lat=36.48, lon=127.29)

    def boundary(self, west, south, east, north):
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"type": "Polygon", "coordinates": [ring]}

    def test_the_municipality_may_be_named(self, run, sejong):
        run(line(), municipality="36110")
        assert Camera.objects.get().municipality == sejong

    def test_it_is_found_from_the_boundary_that_holds_the_positions(self, run, city, sejong):
        city.boundary, sejong.boundary = self.boundary(127.3, 36.2, 127.5, 36.45), self.boundary(127.2, 36.45, 127.4, 36.7)
        city.save(), sejong.save()
        run(line("A", lat="36.48", lon="127.29"), line("B", lat="36.49", lon="127.29"), line("C"))
        assert {one.municipality for one in Camera.objects.all()} == {sejong}

    def test_an_unclear_one_is_refused_with_the_choices(self, run, sejong):
        with pytest.raises(CommandError, match="대전광역시 서구.*--municipality.*30000 대전광역시, 36110"):
            run(line())
        assert not Camera.objects.exists()

    def test_in_a_demo_an_unclear_one_is_the_demos_and_said_so(self, run, sejong, settings):
        settings.DATA_DIR.mkdir()
        (settings.DATA_DIR / "demo.json").write_text(json.dumps({"municipality": "30000"}))
        out = run(line(lat="37.5", lon="127.04"))
        assert any("imported into 30000" in one for one in out)
        assert Camera.objects.get().municipality.code == "30000"

    def test_an_unknown_one_is_refused_with_those_there_are(self, run):
        with pytest.raises(CommandError, match="no municipality 99999. There are: 30000"):
            run(line(), municipality="99999")


def test_a_missing_file_a_wrong_header_and_a_wrong_profile_are_refused(city, run, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_cameras", str(tmp_path / "none.csv"))
    with pytest.raises(CommandError, match="fits no profile"):
        run("1,2", header="a,b")
    with pytest.raises(CommandError, match="needs the columns 분류명"):
        run(line(), profile="daejeon_2015")


@pytest.mark.parametrize("text", ["2013-12", "201312", "2013.12", "2013년 12월", "2013-12-01", "20131205"])
def test_dates_are_read_in_every_usual_form(text, today):
    assert month(text, today) == "2013-12"


@pytest.mark.parametrize("text", ["1900-01", "2099-01", "12", "2013-00"])
def test_impossible_dates_are_damaged(text, today):
    with pytest.raises(Damaged):
        month(text, today)


@pytest.fixture
def today():
    from datetime import date

    return date(2026, 11, 23)


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the sample file {name} is not beside the repository")
    return path


class TestRealFiles:
    def test_gangnam_2019(self, city, capsys, settings):
        """1,880 rows of 5,301 cameras; twelve rows (fourteen cameras) carry a date a spreadsheet has damaged."""
        path = real("kr_cctv_gangnam_2019.csv")
        call_command("import_cameras", str(path))
        assert capsys.readouterr().out.splitlines()[-1] == "created 5287, updated 0, unchanged 0, rejected 12"
        assert {(entry["field"], entry["value"]) for entry in report(settings)} == {("설치년월", "1905-07")}
        call_command("import_cameras", str(path))
        assert capsys.readouterr().out.splitlines()[-1] == "created 0, updated 0, unchanged 5287, rejected 12"
        call_command("import_cameras", str(path), keep_damaged_dates=True)
        assert capsys.readouterr().out.splitlines()[-1] == "created 14, updated 0, unchanged 5287, rejected 0"

    def test_daejeon_2015(self, city, capsys, settings):
        path = real("kr_cctv_daejeon_2015.csv")
        call_command("import_cameras", str(path))
        assert capsys.readouterr().out.splitlines()[-1] == "created 3291, updated 0, unchanged 0, rejected 2333"
        entries = report(settings)
        assert sum(entry["value"] == "0,0" for entry in entries) == 2328
        assert len({entry["line"] for entry in entries}) == 2333
        assert Camera.objects.count() == 1799
        kinds = {kind: Device.objects.filter(kind=kind).count() for kind in Device.Kind.values}
        assert {kind: count for kind, count in kinds.items() if count} == {
            "bus_terminal": 955, "roadside_unit": 377, "traffic_detector": 115, "traffic_sign": 45,
        }  # fmt: skip
        call_command("import_cameras", str(path))
        assert capsys.readouterr().out.splitlines()[-1] == "created 0, updated 0, unchanged 3291, rejected 2333"

    def test_the_current_header(self, city, capsys):
        call_command("import_cameras", str(real("kr_cctv_standard_2024_sample.csv")))
        assert capsys.readouterr().out.splitlines()[-1] == "created 5, updated 0, unchanged 0, rejected 0"
        assert Camera.objects.filter(site_number="202451300000803452", installed_on="2009-10").exists()
