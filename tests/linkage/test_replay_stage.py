"""Where a recording is played: never near a real agency, with a key that ends with it."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import shapely
from django.core.management import CommandError, call_command

from linkage.models import LinkedSystem, SystemKey
from linkage.replay.recording import read_recording
from linkage.replay.stage import NoStage, audience_of, borrowed_key, find_municipality, real_agencies
from ocenter.accounts import keys
from ocenter.accounts.models import Municipality, User
from tests.accounts.cast import make_city, make_system

pytestmark = pytest.mark.django_db

HEADER = "lat,lng,desc,zip,title,timeStamp,twp,addr,e"
LASTING = timedelta(hours=1)


@pytest.fixture
def demo(settings, tmp_path):
    settings.DATA_DIR, settings.DEMO = tmp_path, True
    city = make_city()
    fire = make_system(city.municipality, "fire119", endpoint="http://127.0.0.1:8100/fire119/incidents", secret="whsec_AAAA")
    (tmp_path / "demo.json").write_text(json.dumps({"municipality": "30000", "base_url": "http://127.0.0.1:1"}))
    LinkedSystem.objects.exclude(pk=fire.pk).filter(kind="agency").update(endpoint="http://localhost:8100/x")
    return city


@pytest.fixture
def calls(tmp_path):
    rows = [
        f"{40 + n / 100},{-75 - n / 90},here,19401,EMS: FALL,2015-12-{10 + n} 10:00:00,TOWN,A & B,1" for n in range(10)
    ]
    path = tmp_path / "911.csv"
    path.write_text("\n".join([HEADER, *reversed(rows), "40.0,-75.1,cut"]))
    return path


def test_a_recording_is_in_the_order_of_its_time_and_knows_its_bad_rows(calls):
    recording = read_recording(calls)
    assert [one.position for one in recording.events] == list(range(11, 1, -1))
    assert recording.duration == timedelta(days=9)
    assert [bad.position for bad in recording.bad] == [12]


class TestMunicipality:
    def test_a_recording_from_elsewhere_gets_its_own_with_the_demos_simulated_agencies(self, demo, calls):
        place = find_municipality(read_recording(calls), None)
        assert (place.code, place.lat, place.lon) == ("US-MONT", 40.045, pytest.approx(-75.05))
        fire = LinkedSystem.objects.get(municipality=place, slug="fire119")
        assert (fire.endpoint, fire.secret) == ("http://127.0.0.1:8100/fire119/incidents", "whsec_AAAA")
        outline = shapely.geometry.shape(place.boundary)
        assert all(shapely.contains_xy(outline, lon, lat) for lat, lon in read_recording(calls).positions)

    def test_somebody_may_watch_it_and_nothing_else(self, demo, calls):
        place = find_municipality(read_recording(calls), None)
        account = audience_of(place)
        user = User.objects.get(username=account.username)
        assert user.check_password(account.password)
        assert (user.municipality, user.role, user.is_staff) == (place, "operator", False)
        assert audience_of(demo.municipality) is None

    def test_the_second_time_it_is_the_same_one(self, demo, calls):
        first = find_municipality(read_recording(calls), None)
        account = audience_of(first)
        assert find_municipality(read_recording(calls), None) == first
        assert audience_of(first) == account
        assert LinkedSystem.objects.filter(municipality=first, slug="fire119").count() == 1

    def test_outside_a_demo_nothing_is_set_up(self, calls, settings, tmp_path):
        settings.DATA_DIR, settings.DEMO = tmp_path, False
        with pytest.raises(NoStage, match="Montgomery County.*--municipality"):
            find_municipality(read_recording(calls), None)
        assert not Municipality.objects.exists()

    def test_it_may_be_named_and_must_exist(self, demo, calls):
        assert find_municipality(read_recording(calls), "30000") == demo.municipality
        with pytest.raises(NoStage, match="no municipality 99999. There are: 30000"):
            find_municipality(read_recording(calls), "99999")

    @pytest.mark.parametrize("endpoint", ["https://119.go.kr/incidents", "http://10.1.2.3/incidents", "http://localhost.evil.kr/"])
    def test_nothing_is_played_where_an_agency_is_real(self, demo, calls, endpoint):
        LinkedSystem.objects.filter(slug="fire119").update(endpoint=endpoint)
        with pytest.raises(NoStage, match="fire119.*must not reach"):
            find_municipality(read_recording(calls), "30000")
        LinkedSystem.objects.filter(slug="fire119").update(enabled=False)
        assert find_municipality(read_recording(calls), "30000") == demo.municipality

    def test_a_real_agency_is_never_lent(self, demo, calls):
        LinkedSystem.objects.filter(slug="fire119").update(endpoint="https://119.go.kr/incidents")
        place = find_municipality(read_recording(calls), None)
        assert not LinkedSystem.objects.filter(municipality=place, slug="fire119").exists()
        assert real_agencies(place) == []


class TestKey:
    def test_it_works_during_the_replay_and_is_revoked_afterwards(self, demo, calls):
        feed = read_recording(calls).feed
        with borrowed_key(demo.municipality, feed, LASTING) as secret:
            row = SystemKey.objects.get(prefix=keys.prefix_of(secret))
            assert row.is_current() and row.expires_at is not None and row.system.slug == "dispatch911"
        row.refresh_from_db()
        assert not row.is_current()

    def test_it_is_revoked_also_when_the_replay_fails(self, demo, calls):
        with pytest.raises(RuntimeError), borrowed_key(demo.municipality, read_recording(calls).feed, LASTING):
            raise RuntimeError
        assert not SystemKey.objects.get().is_current()

    def test_a_disabled_feed_is_refused(self, demo, calls):
        make_system(demo.municipality, "dispatch911", kind="feed", enabled=False)
        with pytest.raises(NoStage, match="no enabled feed"), borrowed_key(
            demo.municipality, read_recording(calls).feed, LASTING
        ):
            pass


class TestCommand:
    def refuse(self, match, *args):
        with pytest.raises(CommandError, match=match):
            call_command("replay", *map(str, args), stdout=StringIO(), stderr=StringIO())

    def test_bad_files_and_options_are_refused(self, demo, calls, tmp_path):
        self.refuse("cannot be read", tmp_path / "none.csv")
        (tmp_path / "other.txt").write_text("hello")
        self.refuse("No known format", tmp_path / "other.txt")
        self.refuse("--speed", calls, "--speed=-1")
        self.refuse("--speed", calls, "--speed=nan")
        (tmp_path / "empty.csv").write_text(f"{HEADER}\n1,2,cut\n")
        self.refuse("nothing to send", tmp_path / "empty.csv")

    def test_a_key_of_another_municipality_or_installation_is_refused(self, demo, calls):
        with borrowed_key(demo.municipality, read_recording(calls).feed, LASTING) as secret:
            self.refuse("belongs to 30000, not to 36110", calls, "--key", secret, "--municipality", "36110")
            LinkedSystem.objects.filter(slug="fire119").update(endpoint="https://119.go.kr/")
            self.refuse("not simulated", calls, "--key", secret)
        self.refuse("--url", calls, "--key", keys.make_key().secret)
