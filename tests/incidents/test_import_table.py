"""Files as cities export them: encodings, delimiters, torn rows."""

import codecs

import pytest

from incidents.imports.profiles import UnknownProfile, detect, named
from incidents.imports.table import Unreadable, decode, read_table

HEADER = "관리번호,카메라대수,WGS84위도,WGS84경도"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (HEADER.encode("utf-8"), "utf-8"),
        (HEADER.encode("utf-8-sig"), "utf-8-sig"),
        (HEADER.encode("cp949"), "cp949"),
        (codecs.BOM_UTF16_LE + HEADER.encode("utf-16-le"), "utf-16"),
    ],
)
def test_every_usual_encoding_is_found(content, encoding):
    assert decode(content) == (encoding, HEADER)


def test_bytes_of_no_encoding_are_refused_with_their_line():
    with pytest.raises(Unreadable, match="Line 2"):
        decode(b"name\n\xff\xff\xff")


def write(tmp_path, text):
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_know_the_line_they_begin_on_also_after_lines_inside_quotes(tmp_path):
    table = read_table(write(tmp_path, 'a,b\n1,"two\nlines\t here"\n\n3,4\n'))
    assert [(row.line, row.cells) for row in table.rows] == [(2, ["1", "two lines here"]), (5, ["3", "4"])]


def test_tabs_and_semicolons_separate_too(tmp_path):
    assert read_table(write(tmp_path, "a\tb\n1\t2,5\n")).rows[0].cells == ["1", "2,5"]
    assert read_table(write(tmp_path, "a;b\n1;2\n")).header == ["a", "b"]


@pytest.mark.parametrize("content", ["", "\n\n", "a,b\x00\n", 'a,b\n1,"never closed' + "x" * 30_000])
def test_what_is_no_table_is_refused(tmp_path, content):
    with pytest.raises(Unreadable):
        read_table(write(tmp_path, content))


@pytest.mark.parametrize(
    ("header", "profile"),
    [
        ("개방자치단체코드,관리번호,관리기관명,카메라대수,설치연월,WGS84위도,WGS84경도", "standard"),
        ('관리기관명,설치목적구분,카메라대수,설치년월,위도,경도', "standard"),
        ("MNG_NO,CAM_CNTOM,WGS84_LAT,WGS84_LOT", "standard"),
        (" 카메라 대수 ,위도,경도", "standard"),
        ("분류명,번호,예전주소,현재주소,경도,위도,업데이트일시", "daejeon_2015"),
        ("안전비상벨관리번호,설치위치,WGS84위도,WGS84경도", "emergency_bells"),
    ],
)
def test_the_profile_is_found_from_the_header(header, profile):
    assert detect(header.split(",")).name == profile


def test_a_header_of_no_profile_is_refused_with_what_each_one_misses():
    with pytest.raises(UnknownProfile, match="standard misses 카메라대수"):
        detect(["관리번호", "위도", "경도"])
    with pytest.raises(UnknownProfile, match="daejeon_2015, emergency_bells, standard"):
        named("nothing")
