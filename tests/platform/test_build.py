"""The build's name: what a page that stayed open compares with the server's."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from ocenter import env
from ocenter.build import build_of


@pytest.fixture
def base(tmp_path):
    for name, text in {"static/js/main.js": "1", "static/css/base.css": "2", "templates/console.html": "3", "static/img/mark.svg": "4"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_same_files_are_the_same_build(base):
    assert build_of(base) == build_of(base)
    assert len(build_of(base)) == 12


@pytest.mark.parametrize("name", ["static/js/main.js", "static/css/base.css", "templates/console.html"])
def test_another_content_or_name_is_another_build(base, name):
    before = build_of(base)
    (base / name).write_text("other")
    changed = build_of(base)
    (base / name).rename((base / name).with_stem("renamed"))
    assert len({before, changed, build_of(base)}) == 3


def test_what_no_open_page_keeps_does_not_count(base):
    before = build_of(base)
    (base / "static/img/mark.svg").write_text("other")
    (base / "README.md").write_text("other")
    assert build_of(base) == before


def test_a_build_is_named_by_one_word(monkeypatch):
    monkeypatch.setenv("OCENTER_BUILD", " 2026.11+7 ")
    assert env.word("OCENTER_BUILD") == "2026.11+7"
    for wrong in ("", "two words", 'a"b', "x" * 65):
        monkeypatch.setenv("OCENTER_BUILD", wrong)
        with pytest.raises(ImproperlyConfigured, match="OCENTER_BUILD"):
            env.word("OCENTER_BUILD")
