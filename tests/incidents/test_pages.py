"""The pages that look: the big screen and windows of their own."""

import re

import pytest
from django.contrib.staticfiles import finders

PAGES = ("/wall/", "/window/")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_for_people_who_signed_in(client, page):
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ["kim", "auditor"])
def test_a_page_comes_with_its_own_scripts_alone(client, town, page, role):
    client.force_login(getattr(town, role))
    answer = client.get(page)
    content = answer.content.decode()
    assert answer.status_code == 200
    assert "http://" not in content.replace("http://www.w3.org/", "") and "https://" not in content
    assert "'unsafe-eval'" not in answer["Content-Security-Policy"]


def test_the_player_is_fetched_only_when_it_is_needed(client, town):
    client.force_login(town.kim)
    content = client.get("/").content.decode()
    assert '"hls.js":' in content
    assert 'modulepreload" href="/static/vendor/hls' not in content


def test_the_page_loads_ahead_what_it_imports_and_no_more(client, town):
    client.force_login(town.kim)
    ahead = re.findall(r'modulepreload" href="/static/js/([^"]+)"', client.get("/").content.decode())
    assert {"main.js", "queue.js", "map/index.js", "video/tile.js"} <= set(ahead)
    assert not {"wall-page.js", "window.js", "shift/page.js", "health.js", "points-worker.js"} & set(ahead)
    assert len(ahead) == len(set(ahead))


def test_every_slice_of_the_font_is_published():
    """The package's own style sheet names the slices; one missing would be letters missing."""
    with open(finders.find("vendor/pretendard/pretendardvariable-dynamic-subset.css"), encoding="utf-8") as file:
        slices = re.findall(r"url\(\./([^)]+)\)", file.read())
    assert len(slices) > 50
    assert all(finders.find(f"vendor/pretendard/{slice}") for slice in slices)
