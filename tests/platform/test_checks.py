"""System checks refuse settings that would hurt later."""

import pytest
from django.core.checks import run_checks

from ocenter.checks import production_is_safe, settings_make_sense
from ocenter.staticfiles import NpmFinder


def ids(messages):
    return {message.id for message in messages}


def test_the_settings_of_the_tests_make_sense():
    assert ids(settings_make_sense(None)) == set()
    assert {message.id for message in run_checks() if message.id.startswith("ocenter.")} == set()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"DEMO": True, "PORT": 8100, "AGENCIES_PORT": 8100}, "ocenter.E003"),
        ({"BASEMAP": "google"}, "ocenter.E004"),
        ({"BASEMAP": "xyz:"}, "ocenter.E004"),
        ({"REDIS_URL": "http://127.0.0.1"}, "ocenter.E006"),
    ],
)
def test_nonsense_is_refused(settings, changed, expected):
    for name, value in changed.items():
        setattr(settings, name, value)
    assert expected in ids(settings_make_sense(None))


SAFE = {
    "PRODUCTION": True,
    "SECRET_KEY": "k" * 60,
    "ALLOWED_HOSTS": ["ocenter.example.go.kr"],
    "DATABASE_URL": "postgresql://db/ocenter",
    "DEMO": False,
    "SECURE_SSL_REDIRECT": True,
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"SECRET_KEY": "short"}, {"ocenter.E001"}),
        ({"ALLOWED_HOSTS": ["*"]}, {"ocenter.E002"}),
        ({"ALLOWED_HOSTS": []}, {"ocenter.E002"}),
        ({"DATABASE_URL": ""}, {"ocenter.E005"}),
        ({"DEMO": True}, {"ocenter.E008"}),
        ({"SECURE_SSL_REDIRECT": False}, {"ocenter.W001"}),
        ({"PRODUCTION": False, "SECRET_KEY": "short"}, set()),
    ],
)
def test_production_must_be_safe(settings, changed, expected):
    for name, value in (SAFE | changed).items():
        setattr(settings, name, value)
    assert ids(production_is_safe(None)) == expected


def test_missing_npm_packages_are_named(monkeypatch, tmp_path, settings):
    monkeypatch.setattr("ocenter.staticfiles.NODE_MODULES", tmp_path)
    settings.STATIC_ROOT = tmp_path / "none"
    (message,) = NpmFinder().check()
    assert message.id == "ocenter.E010"
    assert "leaflet" in message.msg
