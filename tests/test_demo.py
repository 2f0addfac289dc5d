"""The demo cities: the contract's file, the right things in the database, and nothing lost or doubled by repeating."""

import json
from pathlib import Path

import pytest
import shapely
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command

from incidents.models import Camera, Device, LedgerHead
from linkage.feeds import FEEDS
from linkage.models import LinkedSystem, SystemKey
from ocenter.accounts import keys
from ocenter.accounts.models import Municipality, User
from ocenter.demo.secrets import new_password

pytestmark = pytest.mark.django_db

ROLES = {"operator", "supervisor", "administrator", "auditor"}


@pytest.fixture
def demo(settings, tmp_path: Path) -> Path:
    settings.DEMO = True
    settings.DATA_DIR = tmp_path
    settings.BASE_URL = "http://127.0.0.1:8000"
    settings.AGENCIES_PORT = 8100
    call_command("seed_demo", verbosity=0)
    return tmp_path


def read(directory: Path, name: str) -> dict:
    return json.loads((directory / name).read_text())


def system_of_key(secret: str) -> LinkedSystem:
    row = SystemKey.objects.get(prefix=keys.prefix_of(secret))
    assert keys.matches(secret, row.digest)
    return row.system


def test_demo_json_is_the_contracts(demo):
    document = read(demo, "demo.json")
    assert document["base_url"] == "http://127.0.0.1:8000"
    assert document["agencies_url"] == "http://127.0.0.1:8100"
    assert document["municipality"] == "30000"
    assert set(document["users"]) == set(document["other"]["users"]) == ROLES
    assert set(document["keys"]) == {"feed", "police112", "fire119", "disaster", "central"}
    assert document["other"]["municipality"] == "36110"


def test_the_files_with_secrets_are_the_owners_alone(demo):
    for name in ("demo.json", "simulators.json"):
        assert (demo / name).stat().st_mode & 0o777 == 0o600


def test_every_account_and_key_works_in_its_own_municipality(demo):
    document = read(demo, "demo.json")
    for part in (document, document["other"]):
        for role, account in part["users"].items():
            user = User.objects.get(username=account["username"])
            assert user.role == role and user.municipality.code == part["municipality"]
            assert check_password(account["password"], user.password)
            assert user.is_staff == (role == "administrator")
        for slug in ("feed", "police112", "fire119", "disaster"):
            system = system_of_key(part["keys"][slug])
            assert (system.slug, system.municipality.code) == (slug, part["municipality"])


def test_the_central_key_reads_both_cities(demo):
    central = system_of_key(read(demo, "demo.json")["keys"]["central"])
    assert central.kind == "central"
    assert {one.code for one in central.covers.all()} == {"30000", "36110"}


def test_the_simulators_know_the_agencies_secrets_and_the_feeds_keys(demo):
    document = read(demo, "simulators.json")
    for path, agency in document["agencies"].items():
        system = LinkedSystem.objects.get(municipality__code=agency["municipality"], slug=path.removeprefix("other-"))
        assert system.secret == agency["secret"]
        assert system.endpoint == f"http://127.0.0.1:8100/{path}/incidents"
    assert {system_of_key(feed["key"]).slug for feed in document["feeds"].values()} == {
        "bells", "analytics", "traffic", "sensors", "vms",
    }  # fmt: skip


def test_the_first_city_polls_the_simulated_sources(demo):
    polled = LinkedSystem.objects.filter(poll_interval_s__isnull=False, endpoint__contains="/sources/")
    assert {one.municipality.code for one in polled} == {"30000"}
    names = ("its", "utic", "weather", "disaster_message", "gtfs_rt")
    assert set(names) <= {one.feed_format for one in polled}
    for one in polled.filter(feed_format__in=names):
        assert one.feed_format in FEEDS and one.endpoint == f"http://127.0.0.1:8100/sources/{one.feed_format}"
        assert 15 <= one.poll_interval_s <= 60


def test_cameras_and_devices_stand_inside_their_city(demo):
    for code, cameras, devices in (("30000", 1500, 300), ("36110", 100, 40)):
        city = Municipality.objects.get(code=code)
        outline = shapely.geometry.shape(city.boundary)
        for model, least in ((Camera, cameras), (Device, devices)):
            rows = list(model.objects.filter(municipality=city).values_list("lon", "lat", "name"))
            assert len(rows) >= least
            assert all(shapely.contains_xy(outline, lon, lat) and name for lon, lat, name in rows)


def test_more_cameras_stand_in_the_centre_than_outside(demo):
    cameras = Camera.objects.filter(municipality__code="30000")
    centre = cameras.filter(lat__range=(36.31, 36.37), lon__range=(127.36, 127.45)).count()
    assert centre > cameras.count() / 2


def everything() -> dict[str, list]:
    return {
        "users": list(User.objects.order_by("pk").values_list("pk", "username", "password")),
        "systems": list(LinkedSystem.objects.order_by("pk").values_list("pk", "slug", "endpoint", "sealed_secret")),
        "keys": list(SystemKey.objects.order_by("pk").values_list("pk", "prefix")),
        "cameras": list(Camera.objects.order_by("pk").values_list("pk", "lat", "lon", "name")),
        "devices": list(Device.objects.order_by("pk").values_list("pk", "device_id")),
        "ledgers": list(LedgerHead.objects.order_by("pk").values_list("pk", "epoch", "seq")),
    }


def test_repeating_changes_nothing(demo):
    before, demo_file = everything(), (demo / "demo.json").read_text()
    call_command("seed_demo", verbosity=0)
    assert everything() == before
    assert (demo / "demo.json").read_text() == demo_file


def test_new_ports_are_followed_but_an_endpoint_pointed_elsewhere_stays(demo, settings):
    LinkedSystem.objects.filter(municipality__code="30000", slug="disaster").update(endpoint="http://127.0.0.1:9/mine")
    settings.AGENCIES_PORT, settings.BASE_URL = 8200, "http://127.0.0.1:8999"
    call_command("seed_demo", verbosity=0)
    police = LinkedSystem.objects.get(municipality__code="30000", slug="police112")
    assert police.endpoint == "http://127.0.0.1:8200/police112/incidents"
    assert police.callback_base_url == "http://127.0.0.1:8999"
    assert LinkedSystem.objects.get(municipality__code="30000", slug="disaster").endpoint == "http://127.0.0.1:9/mine"
    assert read(demo, "demo.json")["agencies_url"] == "http://127.0.0.1:8200"


def test_a_lost_file_gets_new_secrets_and_the_old_ones_stop_working(demo):
    old = read(demo, "demo.json")
    (demo / "demo.json").unlink()
    call_command("seed_demo", verbosity=0)
    new = read(demo, "demo.json")
    assert new["keys"]["feed"] != old["keys"]["feed"]
    assert not SystemKey.objects.filter(prefix=keys.prefix_of(old["keys"]["feed"])).exists()
    operator = User.objects.get(username="operator")
    assert check_password(new["users"]["operator"]["password"], operator.password)


def test_an_empty_database_gets_the_remembered_secrets_back(demo):
    old = read(demo, "demo.json")
    SystemKey.objects.all().delete()
    User.objects.all().delete()
    call_command("seed_demo", verbosity=0)
    assert read(demo, "demo.json") == old
    assert system_of_key(old["keys"]["feed"]).slug == "feed"


def test_outside_a_demo_it_refuses_and_says_why(settings, tmp_path):
    settings.DEMO, settings.DATA_DIR = False, tmp_path
    with pytest.raises(CommandError, match="OCENTER_DEMO=1"):
        call_command("seed_demo")
    assert not Municipality.objects.exists() and not list(tmp_path.iterdir())


def test_passwords_are_random_and_free_of_look_alikes():
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(one) == 14 and not set(one) & set("lio01") for one in made)


def test_a_key_may_be_issued_to_a_system_named_with_its_city(demo, capsys):
    call_command("issue_key", "36110:bells")
    system = system_of_key(capsys.readouterr().out.strip())
    assert (system.municipality.code, system.slug) == ("36110", "bells")
