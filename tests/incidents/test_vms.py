"""Camera lists of video systems: kept in step, over real HTTP, with the simulated product and with hostile ones."""

import asyncio
import json
import re
import threading
from contextlib import contextmanager

import pytest
from aiohttp import web
from django.db import connection
from django.utils import timezone, translation

from incidents import vms
from incidents.models import Camera
from incidents.selectors import cameras_near
from linkage import quarantine
from linkage.feeds.kisa_vms.client import VmsError, client_of
from linkage.models import LinkedSystem, Quarantined
from linkage.simulators import vms as simulated
from linkage.simulators.config import InstallationFile
from linkage.simulators.videosystem import CAMERAS
from tests.accounts.cast import make_system, make_user
from tests.incidents.cast import LAT, LON, make_town
from tests.linkage.wires import peer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english(settings):
    settings.LANGUAGE_CODE = "en"  # of threads that have chosen none
    with translation.override("en"):
        yield


@pytest.fixture
def town(db):
    return make_town()


@contextmanager
def serving(app):
    """The application on a thread of its own; gives its address."""
    loop, ready, at = asyncio.new_event_loop(), threading.Event(), []

    async def start():
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        at.append(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")
        ready.set()
        return runner

    def run():
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield at[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


@pytest.fixture
def product(tmp_path):
    """The simulated video system, silent; `product.app` is what to change behind its back."""
    app = web.Application()
    simulated.add_routes(app, InstallationFile(tmp_path / "simulators.json"), rate=0)
    with serving(app) as url:
        app.url = url + simulated.PREFIX
        yield app


@pytest.fixture
def system(town, product):
    return make_system(
        town.municipality, "vms", kind="feed", feed_format="kisa_vms", endpoint=product.url, deadline_s=1,
        options={"user": simulated.USER}, secret=simulated.PASSWORD,
    )  # fmt: skip


def turn():
    """One turn of the collector's job, with every system's turn come."""
    vms._next.clear()

    async def run():
        # Whoever ran a whole collector in this process left a connection, and another test may have cut it since.
        await vms._database.run(lambda: connection.close())
        await vms.due_systems_synchronise()
        await vms._database.run(lambda: connection.close())

    asyncio.run(run())


def synchronise(system):
    """One turn; returns what was kept of it."""
    turn()
    system.refresh_from_db()
    return system.state["cameras"]


def fault(product, mode):
    product[simulated.VMS].faults.mode = mode


FAILURES = {
    "error": "HTTP 50", "timeout": "no answer within 1 s", "drip": "no answer within", "code": "500 내부 오류",
    "malformed": "Authentication", "redirect": "HTTP 307", "refuse": "Authentication", "oversize": "longer than",
}  # fmt: skip


def listed(number, lat=LAT, lon=LON, **more):
    return {"camID": number, "camName": f"cam {number}", "camLoc": {"lat": str(lat), "lon": str(lon)}, **more}


def apply(system, *cameras, streams=None):
    return vms.cameras_synchronise(system=system, listed=list(cameras), streams=streams)


@pytest.mark.django_db(transaction=True)
class TestOverHttp:
    def test_cameras_appear_with_their_streams_and_a_second_time_changes_nothing(self, system, product):
        first = synchronise(system)
        assert (first["created"], first["rejected"]) == (CAMERAS, 0)
        camera = Camera.objects.get(system=system, site_number="VMS-0001")
        at = product[simulated.RECORDER].address.replace("//", "//view:p%40ss%2F1@")
        assert (camera.ptz, camera.stream) == (True, f"{at}/VMS-0001")
        assert "rtsp" not in camera.sealed_stream
        before = list(Camera.objects.order_by("pk").values())
        assert synchronise(system)["unchanged"] == CAMERAS
        assert list(Camera.objects.order_by("pk").values()) == before
        assert system.last_contact_at and not system.last_error

    def test_a_list_that_lost_its_cameras_is_refused_and_said_so(self, system, product):
        synchronise(system)
        for mode, left in (("half", CAMERAS // 3), ("empty", 0)):
            fault(product, mode)
            said = synchronise(system)
            assert f"names {left} cameras" in said["refused"] and "least_cameras" in said["refused"]
            assert said["refused"].startswith(system.last_error[:100]) and system.last_error
            assert Camera.objects.filter(system=system, gone_at=None).count() == CAMERAS
        system.options |= {"least_cameras": 10}
        system.save()
        fault(product, "half")
        assert synchronise(system)["gone"] == CAMERAS - CAMERAS // 3

    def test_a_product_that_fails_is_told_and_nothing_changes(self, system, product):
        synchronise(system)
        for mode, why in FAILURES.items():
            fault(product, mode)
            said = synchronise(system)
            assert re.search(why, said["refused"]) and system.last_error, (mode, said)
            assert Camera.objects.filter(gone_at=None).count() == CAMERAS
        fault(product, "none")
        assert synchronise(system)["unchanged"] == CAMERAS and system.last_error == ""

    def test_a_camera_that_cannot_be_placed_comes_before_an_administrator_once(self, system, product):
        product[simulated.VMS].cameras["VMS-0007"].profile["camLoc"]["lat"] = "585"
        assert synchronise(system)["faults"] == {"VMS-0007": "no degrees: another projection than WGS84"}
        row = Quarantined.objects.get(system=system)
        assert b"VMS-0007" in bytes(row.raw) and "another projection" in row.errors[0]["message"]
        quarantine.discard(row, make_user("someone", system.municipality, "administrator"), "known")
        synchronise(system)
        assert Quarantined.objects.get().state == "discarded"
        assert "no event" in quarantine.rerun(Quarantined.objects.get()).errors[0]["message"]
        product[simulated.VMS].cameras["VMS-0007"].profile["camLoc"]["lat"] = "36.35"
        assert synchronise(system)["created"] == 1 and system.state["cameras"]["faults"] == {}

    def test_a_slow_product_holds_up_no_other(self, town, system, product):
        with peer(lambda request, body: asyncio.sleep(30)) as hung:
            other = make_system(
                town.municipality, "hung", kind="feed", feed_format="kisa_vms", endpoint=hung.url, deadline_s=1
            )
            synchronise(system)
        assert Camera.objects.filter(system=system).count() == CAMERAS
        assert "no answer within 1 s" in LinkedSystem.objects.get(pk=other.pk).last_error

    def test_a_wrong_password_and_a_foreign_network_are_refused(self, system):
        system.secret = "wrong"
        system.save()
        assert "401" in synchronise(system)["refused"]
        system.secret, system.allowed_network = simulated.PASSWORD, "10.0.0.0/8"
        system.save()
        assert "outside the allowed network" in synchronise(system)["refused"]

    def test_a_paused_or_disabled_system_is_not_asked(self, system, product):
        LinkedSystem.objects.filter(pk=system.pk).update(paused_at=timezone.now())
        turn()
        assert not product[simulated.VMS].calls

    def test_an_expired_token_is_renewed(self, system, product):
        async def twice():
            async with client_of(system) as client:
                await client.cameras()
                product[simulated.VMS].tokens.clear()
                return await client.cameras()

        assert len(asyncio.run(twice())) == CAMERAS
        assert product[simulated.VMS].calls["Authentication"] == 2

    def test_a_camera_turns_stops_and_says_where_it_looks(self, system, product):
        async def turning():
            async with client_of(system) as client:
                await client.ptz_move("VMS-0001", pan=0.5, zoom=-1, seconds=5)
                await asyncio.sleep(0.1)
                moving = await client.ptz_status("VMS-0001")
                await client.ptz_stop("VMS-0001")
                stopped = await client.ptz_status("VMS-0001")
                await asyncio.sleep(0.1)
                with pytest.raises(ValueError, match="between"):
                    await client.ptz_move("VMS-0001", pan=2, seconds=1)
                for camera, why in (("VMS-0003", "405"), ("none", "404")):
                    with pytest.raises(VmsError, match=why) as refused:
                        await client.ptz_move(camera, seconds=1)
                    assert refused.value.permanent
                return moving, stopped, await client.ptz_status("VMS-0001")

        moving, stopped, later = asyncio.run(turning())
        assert moving["moveStatus"] == {"pan": "이동중", "tilt": "정지", "zoom": "이동중"}
        assert moving["position"]["pan"] > 0 > moving["position"]["zoom"]
        assert set(stopped["moveStatus"].values()) == {"정지"} and stopped["position"] == later["position"]
        assert product[simulated.VMS].moves[0]["velocity"] == {"pan": 50, "tilt": 0, "zoom": -100}


class TestLists:
    def test_a_camera_that_leaves_is_marked_and_comes_back_as_itself(self, town, system):
        apply(system, *(listed(f"c{n}") for n in range(4)))
        first = Camera.objects.get(site_number="c3")
        left = apply(system, *(listed(f"c{n}") for n in range(3)))
        assert (left.gone, left.unchanged) == (1, 3)
        gone = Camera.objects.get(pk=first.pk)
        assert gone.gone_at and gone.name == "cam c3"
        assert len(cameras_near([town.municipality.pk], LAT, LON, limit=10)) == 3
        assert apply(system, *(listed(f"c{n}") for n in range(3))).gone == 0
        back = apply(system, *(listed(f"c{n}") for n in range(4)))
        assert (back.returned, back.updated, back.created) == (1, 1, 0)
        assert Camera.objects.get(pk=first.pk).gone_at is None

    def test_a_camera_that_changed_is_updated_and_keeps_its_stream_where_none_is_told(self, system):
        apply(system, listed("a"), listed("b"), streams={"a": "rtsp://10.0.0.1/a"})
        done = apply(system, listed("a", camName="정문", camConfig={"camType": "PTZ"}), listed("b"))
        assert (done.updated, done.unchanged) == (1, 1)
        camera = Camera.objects.get(site_number="a")
        assert (camera.name, camera.ptz, camera.stream) == ("정문", True, "rtsp://10.0.0.1/a")
        apply(system, listed("a"), listed("b"), streams={})
        assert Camera.objects.get(site_number="a").stream == ""

    def test_what_cannot_be_placed_is_told_and_neither_taken_nor_lost(self, system):
        apply(system, listed("a"), listed("b"), listed("c"))
        done = apply(
            system, listed("a"), listed("b", lat=585, lon=75), listed("c"), listed("c"), listed("d", camLoc=None),
            {"camName": "no number"}, listed("e", lat=127.38, lon=36.35),
        )  # fmt: skip
        assert (done.unchanged, done.rejected, done.gone) == (2, 5, 0)
        assert done.faults == {
            "b": "no degrees: another projection than WGS84", "c": "listed twice; the first one counts",
            "d": "the coordinate is missing", "#6": "no camID",
            "e": "outside Korea: latitude and longitude look exchanged",
        }  # fmt: skip
        assert Camera.objects.get(site_number="b").lat == LAT

    def test_two_systems_may_number_their_cameras_alike(self, town, system):
        second = make_system(town.municipality, "vms2", kind="feed", feed_format="kisa_vms")
        apply(system, listed("cam0001"))
        apply(second, listed("cam0001", lat=36.4))
        assert Camera.objects.filter(site_number="cam0001").count() == 2
        assert apply(system, listed("cam0001")).unchanged == 1

    def test_streams_sealed_under_another_key_are_mended(self, system):
        apply(system, listed("a"), streams={"a": "rtsp://10.0.0.1/a"})
        Camera.objects.update(sealed_stream="of another key")
        assert apply(system, listed("a"), streams={"a": "rtsp://10.0.0.1/a"}).updated == 1
        assert Camera.objects.get().stream == "rtsp://10.0.0.1/a"

    def test_no_payload_holds_a_stream(self, town, system, client):
        apply(system, listed("a"), streams={"a": "rtsp://view:secret@10.0.0.1/a"})
        client.force_login(town.kim)
        for path in ("/api/v1/cameras", f"/api/v1/cameras?near={LAT},{LON}", "/api/v1/map/points"):
            body = client.get(path).content.decode()
            assert "cam a" in body and "rtsp" not in body and "secret" not in body and "sealed" not in body
        client.force_login(town.admin)
        page = client.get(f"/admin/incidents/camera/{Camera.objects.get().pk}/change/").content.decode()
        assert "cam a" in page and "rtsp" not in page and "sealed" not in page


def test_the_simulated_product_reports_events_from_beginning_to_end(tmp_path):
    with peer(lambda request, body: web.json_response({}, status=202)) as centre:
        base = centre.url.removesuffix("/incidents")
        (tmp_path / "simulators.json").write_text(json.dumps({"base_url": base, "feeds": {"vms": {"key": "k"}}}))
        app = web.Application()
        simulated.add_routes(app, InstallationFile(tmp_path / "simulators.json"), rate=0)

        async def happen():
            await app[simulated.VMS].report("VMS-0001", "쓰러짐", 0.05)

        asyncio.run(happen())
    first, last = (one["camList"][0] for one in centre.messages)
    assert first["eventUUID"] == last["eventUUID"] and "endTime" not in first
    assert len(str(last["startTime"])) == len(str(last["endTime"])) == 17 and last["endTime"] > last["startTime"]
    assert centre.arrivals[0]["headers"]["Authorization"] == "Bearer k"
