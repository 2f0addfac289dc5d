"""The console's page and the windows of its parts."""

import json
import re

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client, town):
    client.force_login(town.kim)
    return client


def boot_of(answer):
    return json.loads(re.search(r'<script id="boot" type="application/json">(.*?)</script>', answer.content.decode()).group(1))


def test_the_whole_page_names_the_build_and_is_no_part(signed_in, settings):
    boot = boot_of(signed_in.get("/"))
    assert boot["build"] == settings.BUILD and boot["window"] == ""


@pytest.mark.parametrize("part", ["queue", "map", "panel"])
def test_each_part_has_a_page_of_its_own(signed_in, part):
    answer = signed_in.get(f"/window/{part}/?incident=30000-20261127-0001")
    assert answer.status_code == 200
    assert boot_of(answer)["window"] == part
    assert f"console apart apart-{part}" in answer.content.decode()


@pytest.mark.parametrize("part", ["nothing", "%00", "queue.html"])
def test_there_is_no_other_part(signed_in, part):
    assert signed_in.get(f"/window/{part}/").status_code == 404


def test_a_stranger_is_sent_to_the_sign_in(client):
    answer = client.get("/window/queue/")
    assert answer.status_code == 302 and answer["Location"].startswith("/login/")


@pytest.mark.parametrize(("cookie", "theme"), [("light", "light"), ("contrast", "contrast"), ("dark", "dark"), ('"><b', "dark"), (None, "dark")])
def test_the_theme_is_known_before_the_first_paint(client, cookie, theme):
    if cookie:
        client.cookies["ocenter_theme"] = cookie
    assert f'data-theme="{theme}"' in client.get("/login/").content.decode()
