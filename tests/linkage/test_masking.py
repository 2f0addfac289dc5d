"""What a screen may show of a payload: its shape, and nobody's data."""

import json

import pytest

from linkage.masking import COVER, masked, masked_body, masked_text


@pytest.mark.parametrize(
    "secret",
    ["010-1234-5678", "01012345678", "02-123-4567", "042)123-4567", "900101-1234567", "12가 3456", "123가4567", "kim@example.kr",
     "whsec_abcdefgh12345678", "oc_0a1b2c3d4e5f_abcdefgh", "Bearer abcdefgh.ijkl"],
)  # fmt: skip
def test_telling_parts_of_a_text_are_covered(secret):
    shown = masked_text(f"신고 {secret} 접수")
    assert secret not in shown and COVER in shown and shown.startswith("신고") and shown.endswith("접수")


@pytest.mark.parametrize(
    "plain",
    ["2026-11-23T20:04:13+09:00", "36.3504, 127.3845", "30000-20261123-0042", "HTTP 500", "제2차로 350m 구간", "20221220091000",
     "fda4fe98-37c9-4846-b14b-c1da724ab92c", "1795408859509"],
)  # fmt: skip
def test_what_tells_nobody_stays(plain):
    assert masked_text(plain) == plain


def test_a_service_key_in_an_address_is_covered():
    assert "abc%2F" not in masked_text("http://x/api?pageNo=1&serviceKey=abc%2Fdef&type=json")


def test_telling_fields_are_covered_whatever_they_hold_and_the_shape_stays():
    found = masked({"caller_tel": 1, "성명": "홍길동", "guardian": {"a": 1}, "list": [{"plate": "x"}], "lat": 36.5, "token": ""})
    assert found == {"caller_tel": COVER, "성명": COVER, "guardian": COVER, "list": [{"plate": COVER}], "lat": 36.5, "token": ""}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"caller_name": "홍길동", "event": "화재"}, ensure_ascii=False),
        '{"event": "화재", "caller_name": "홍길동", "cut',
        '{"event": "화재", "caller_name": "홍길동',
        "<a><event>화재</event><callerName>홍길동</callerName></a>",
        '<a><event>화재</event><v:phoneOwner kind="x">홍길동</v:phoneOwner></a>',
    ],
)
def test_bodies_are_covered_whether_a_parser_takes_them_or_not(body):
    shown = masked_body(body)
    assert "홍길동" not in shown and "화재" in shown
