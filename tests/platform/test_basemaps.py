"""What OCENTER_BASEMAP may say, what it opens, and the archive's bytes."""

import pytest
from django.test import Client

from ocenter.basemaps import choice_of, choice_or_builtin
from tests.accounts.cast import make_user
from tests.incidents.cast import make_town

CONTENT = b"PMTiles\x03" + bytes(range(256)) * 8


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "city.pmtiles"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("xyz:https://tiles.example.go.kr/{z}/{x}/{y}.png", "https://tiles.example.go.kr"),
        ("xyz:http://127.0.0.1:8123/{z}/{x}/{y}.png?k=1", "http://127.0.0.1:8123"),
        ("xyz:/tiles/{z}/{x}/{y}.png", ""),
        ("wms:https://gis.example.go.kr/wms?LAYERS=base", "https://gis.example.go.kr"),
        ("wms:/wms?layers=base", ""),
    ],
)
def test_tiles_open_their_own_origin_and_no_other(text, origin):
    found = choice_of(text)
    assert found.origin == origin and f"{found.kind}:{found.source}" == text


def test_an_archive_opens_nothing(archive):
    assert choice_of(f"pmtiles:{archive}") == ("pmtiles", str(archive), "")


@pytest.mark.parametrize(
    "text",
    [
        "", "google", "xyz", "xyz:", "pmtiles:", "wms:", "pmtiles:/no/such/file", "xyz:https://a/{z}/{x}.png",
        "xyz:ftp://a/{z}/{x}/{y}", "xyz:https://{s}.a/{z}/{x}/{y}", "xyz:tiles/{z}/{x}/{y}", "xyz://evil/{z}/{x}/{y}",
        "xyz:https://u:p@a/{z}/{x}/{y}", "xyz:https://a;script-src b/{z}/{x}/{y}", "wms:https://a/wms", "wms:https:///?layers=x",
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_opens_nothing(text):
    with pytest.raises(ValueError, match="."):
        choice_of(text)
    assert choice_or_builtin(text) == ("builtin", "", "")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="no PMTiles archive"):
        choice_of(f"pmtiles:{tmp_path / 'x'}")


class TestTheArchive:
    ADDRESS = "/basemap/tiles.pmtiles"

    @pytest.fixture
    def kim(self, db, settings, archive):
        settings.BASEMAP_KIND, settings.BASEMAP_SOURCE = "pmtiles", str(archive)
        client = Client()
        client.force_login(make_user("kim", make_town("11000", "서울특별시", "Seoul", prefix="x-").municipality))
        return client

    def ask(self, client, value):
        return client.get(self.ADDRESS, headers={"Range": value} if value else {})

    def test_a_range_comes_as_asked(self, kim):
        response = self.ask(kim, "bytes=8-15")
        assert response.status_code == 206 and response.content == CONTENT[8:16]
        assert response["Content-Range"] == f"bytes 8-15/{len(CONTENT)}" and response["ETag"]

    def test_a_range_beyond_the_end_is_cut_and_one_behind_it_refused(self, kim):
        assert self.ask(kim, "bytes=0-16383").content == CONTENT
        response = self.ask(kim, f"bytes={len(CONTENT)}-{len(CONTENT) + 5}")
        assert response.status_code == 416 and response["Content-Range"] == f"bytes */{len(CONTENT)}"
        assert self.ask(kim, "bytes=9-3").status_code == 416

    @pytest.mark.parametrize("value", [None, "bytes=-5", "bytes=5-", "bytes=0-1,4-5", "lines=0-1", "bytes=0-x"])
    def test_without_one_plain_range_it_is_refused(self, kim, value):
        assert self.ask(kim, value).status_code == 400

    def test_it_goes_only_to_who_is_signed_in(self, kim):
        assert self.ask(Client(), "bytes=0-9").status_code == 401

    def test_with_another_base_map_or_without_the_file_it_is_not_there(self, kim, settings, tmp_path):
        settings.BASEMAP_SOURCE = str(tmp_path / "gone")
        assert self.ask(kim, "bytes=0-9").status_code == 404
        settings.BASEMAP_KIND = "builtin"
        assert self.ask(kim, "bytes=0-9").status_code == 404
