"""The documents name what exists: every command, every endpoint, every action."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import get_resolver

from incidents.api.incidents import ACTIONS

ROOT = Path(__file__).resolve().parents[1]
APPS = ("ocenter", "ocenter.accounts", "linkage", "incidents", "services")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "agency-api.md").read_text(encoding="utf-8")


def our_commands():
    return sorted(name for name, app in get_commands().items() if app in APPS)


def api_routes():
    api = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/")
    return sorted({re.sub(r"<[^>]+>", "{}", str(one.pattern)) for one in api.url_patterns})


@pytest.mark.parametrize("name", our_commands())
def test_operations_names_every_command(name):
    assert f"`{name}" in OPERATIONS


@pytest.mark.parametrize("action", ACTIONS)
def test_the_api_page_names_every_action(action):
    assert f"`{action}`" in API


@pytest.mark.parametrize("route", api_routes())
def test_the_api_page_names_every_endpoint(route):
    """By its last fixed word: `incidents/{}/timeline` is found as `timeline`."""
    words = [part for part in route.split("/") if part != "{}"]
    assert re.search(rf"\b{re.escape(words[-1])}\b", API), f"docs/agency-api.md does not mention {route}"


def shift_routes():
    shift = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/shift/")
    return sorted({re.sub(r"<[^>]+>", "{}", str(one.pattern)) for one in shift.url_patterns})


@pytest.mark.parametrize("route", shift_routes())
def test_the_shift_page_names_every_endpoint(route):
    text = (ROOT / "docs" / "shifts.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{re.escape([part for part in route.split('/') if part != '{}'][-1])}\b", text), route


def test_the_readme_points_at_files_that_exist():
    links = re.findall(r"\]\((?!http|#)([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links and [one for one in links if not (ROOT / one).exists()] == []
