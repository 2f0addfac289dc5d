"""The readers of the environment, and their documentation."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from ocenter import env

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("written", "meant"), [("1", True), ("YES", True), ("off", False), ("0", False), ("", False)])
def test_a_flag_is_read(monkeypatch, written, meant):
    monkeypatch.setenv("OCENTER_X", written)
    assert env.flag("OCENTER_X") is meant


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (lambda: env.flag("OCENTER_X"), "perhaps"),
        (lambda: env.number("OCENTER_X", 1), "eight"),
        (lambda: env.number("OCENTER_X", 1, at_least=1, at_most=65535), "70000"),
        (lambda: env.choice("OCENTER_X", "a", ("a", "b")), "c"),
    ],
)
def test_nonsense_is_refused_with_the_variables_name(monkeypatch, read, written):
    monkeypatch.setenv("OCENTER_X", written)
    with pytest.raises(ImproperlyConfigured, match="OCENTER_X"):
        read()


def test_a_value_may_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("OCENTER_X_FILE", str(tmp_path / "secret"))
    assert env.text("OCENTER_X") == "s3cret"


def test_a_value_and_a_file_together_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("OCENTER_X", "a")
    monkeypatch.setenv("OCENTER_X_FILE", str(tmp_path / "secret"))
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.text("OCENTER_X")


def test_an_unreadable_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("OCENTER_X_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ImproperlyConfigured, match="OCENTER_X_FILE"):
        env.text("OCENTER_X")


def test_words_drop_blanks(monkeypatch):
    monkeypatch.setenv("OCENTER_X", " a, ,b ")
    assert env.words("OCENTER_X") == ["a", "b"]


def variables_in_the_code():
    pattern = re.compile(r"\benv(?:\.\w+)?\(\s*\"(OCENTER_[A-Z_]+)\"")
    apps = ("ocenter", "linkage", "incidents", "services")
    files = [path for app in apps for path in (ROOT / app).rglob("*.py")]
    return {name for path in files for name in pattern.findall(path.read_text(encoding="utf-8"))}


def variables_documented():
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(OCENTER_[A-Z_]+)` \|", table, re.MULTILINE))


def test_every_setting_is_documented():
    assert len(variables_in_the_code()) > 15
    assert variables_in_the_code() - variables_documented() == set()


def test_no_documented_setting_is_gone():
    assert variables_documented() - variables_in_the_code() == set()


def test_every_check_is_documented():
    in_code = set(
        re.findall(
            r'"(ocenter\.[EW]\d+)"',
            "".join((ROOT / "ocenter" / name).read_text(encoding="utf-8") for name in ("checks.py", "staticfiles.py")),
        )
    )
    documented = set(re.findall(r"`(ocenter\.[EW]\d+)`", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")))
    assert in_code == documented
