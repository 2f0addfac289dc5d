"""Views: who may look, why, for how long, and what is kept of it."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from incidents import operations as op
from incidents.models import Camera
from linkage.models import Heartbeat, LinkedSystem, VideoGateway, VideoSession, VideoStream
from linkage.video.sessions import GATEWAY, LimitReached, session_open
from linkage.video.tokens import make_token, read_token
from ocenter.accounts.models import AuditEntry
from services.video.models import VideoView
from services.video.operations import key_of, views_expire
from tests.incidents import cast
from tests.incidents.api.conftest import Caller, problem_of
from tests.incidents.cast import by, make_town, open_incident
from tests.services.video_cast import SECRET_STREAM, gateway_heard, make_camera, make_view

REASON = {"reason": "lost child near the market"}


@pytest.fixture
def town(db):
    return make_town()


@pytest.fixture
def camera(town):
    gateway_heard()
    return make_camera(town)


@pytest.fixture
def kim(town):
    return Caller(user=town.kim)


def begin(caller, camera, body=REASON):
    return caller.send(f"/api/v1/cameras/{camera.pk}/views", body)


def alive(caller, view):
    return caller.send(f"/api/v1/views/{view}/alive", {})


def chain(action="video"):
    return list(AuditEntry.objects.filter(action__startswith=action).order_by("number"))


def stream_is(camera, state, seconds_ago=0):
    since = timezone.now() - timedelta(seconds=seconds_ago)
    VideoStream.objects.update_or_create(key=key_of(camera), defaults={"state": state, "since": since})


def heard_before(view, seconds):
    VideoView.objects.filter(pk=view).update(heard_at=timezone.now() - timedelta(seconds=seconds))


class TestBeginning:
    def test_a_reason_opens_it_and_the_answer_holds_no_address_and_no_account(self, kim, camera):
        response = begin(kim, camera)
        body = response.json()
        assert response.status_code == 201 and body["camera"] == camera.pk
        assert body["hls"].startswith("/video/") and body["snapshot"].endswith("/snapshot.jpg")
        assert "rtsp" not in response.content.decode() and "s3cret" not in response.content.decode()
        assert read_token(body["hls"].split("/")[2]) == uuid.UUID(body["view"])

    def test_the_gateway_is_handed_the_address_under_seal_with_the_network(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        session = VideoSession.objects.get(pk=view)
        assert (session.key, session.allowed_network) == (f"camera:{camera.pk}", "127.0.0.0/8")
        assert "rtsp" not in session.sealed_stream

    def test_an_active_incident_opens_it(self, town, kim, camera):
        incident = open_incident(town)
        view = begin(kim, camera, {"incident": incident.number}).json()["view"]
        assert VideoView.objects.get(pk=view).incident == incident

    @pytest.mark.parametrize("body, field", [
        ({}, "incident"), ({"reason": "  x  "}, "reason"), ({"reason": "y" * 301}, "reason"), ({"reason": 5}, "reason"),
        ({"incident": "30000-20260101-9999"}, "incident"), ({"why": "so"}, "why"), ({"reason": "\x00bcdefg"}, "reason"),
    ])  # fmt: skip
    def test_without_a_purpose_nothing_opens(self, kim, camera, body, field):
        problem = problem_of(begin(kim, camera, body), 400)
        assert problem["errors"][0]["field"] == field
        assert not VideoView.objects.exists() and not VideoSession.objects.exists()

    def test_an_incident_that_is_over_is_no_purpose(self, town, kim, camera):
        incident = open_incident(town)
        op.incident_acknowledge(number=incident.number, by=by(town.kim))
        op.incident_false_alarm(number=incident.number, by=by(town.kim), reason="FA-01")
        assert problem_of(begin(kim, camera, {"incident": incident.number}), 400)["errors"][0]["field"] == "incident"

    def test_another_towns_incident_is_no_purpose(self, kim, camera):
        sejong = make_town("36110", "세종특별자치시", "Sejong", prefix="s-")
        number = open_incident(sejong).number
        assert problem_of(begin(kim, camera, {"incident": number}), 400)["errors"][0]["field"] == "incident"

    def test_another_towns_camera_is_not_there(self, camera):
        sejong = make_town("36110", "세종특별자치시", "Sejong", prefix="s-")
        problem_of(begin(Caller(user=sejong.kim), camera), 404)
        assert not chain()

    @pytest.mark.parametrize("who", ["admin", "auditor"])
    def test_some_roles_do_not_watch_and_the_denial_is_logged(self, town, camera, who):
        problem_of(begin(Caller(user=getattr(town, who)), camera), 403)
        (entry,) = chain()
        assert (entry.action, entry.actor) == ("video.denied", f"user:{getattr(town, who).username}")

    def test_a_machine_does_not_watch(self, town, camera):
        problem_of(begin(Caller(secret=cast.key_of(town.police)), camera), 403)

    @pytest.mark.parametrize("change", [
        {"sealed_stream": ""}, {"gone_at": timezone.now()}, {"system": None}, {"sealed_stream": "not ours"},
    ])  # fmt: skip
    def test_a_camera_without_video_is_409_no_stream(self, kim, camera, change):
        Camera.objects.filter(pk=camera.pk).update(**change)
        assert problem_of(begin(kim, camera), 409)["type"].endswith("no-stream")

    def test_nor_one_whose_system_is_switched_off(self, kim, camera):
        LinkedSystem.objects.filter(pk=camera.system_id).update(enabled=False)
        assert problem_of(begin(kim, camera), 409)["type"].endswith("no-stream")

    def test_without_a_gateway_it_says_so(self, kim, camera):
        Heartbeat.objects.filter(name=GATEWAY).update(at=timezone.now() - timedelta(seconds=11))
        response = begin(kim, camera)
        assert problem_of(response, 503)["type"].endswith("video-away") and response["Retry-After"]

    def test_the_cameras_row_says_whether_it_has_video(self, town, kim, camera):
        bare = make_camera(town, stream="")
        rows = {one["id"]: one["video"] for one in kim.get("/api/v1/cameras").json()["cameras"]}
        assert (rows[camera.pk], rows[bare.pk]) == (True, False)


class TestTheLimit:
    def test_one_stream_too_many_is_refused_and_counted_and_a_second_viewer_is_none(self, town, kim, camera, settings):
        settings.VIDEO_STREAMS = 2
        other, third = make_camera(town), make_camera(town)
        assert [begin(kim, one).status_code for one in (camera, other)] == [201, 201]
        response = begin(kim, third)
        problem = problem_of(response, 503)
        assert (problem["limit"], problem["in_use"], response["Retry-After"]) == (2, 2, "5")
        assert problem["type"].endswith("video-limit")
        assert begin(Caller(user=town.lee), camera).status_code == 201
        assert VideoGateway.objects.get().refused == 1

    def test_room_is_free_again_when_a_view_ends(self, town, kim, camera, settings):
        settings.VIDEO_STREAMS = 1
        view = begin(kim, camera).json()["view"]
        other = make_camera(town)
        assert begin(kim, other).status_code == 503
        kim.delete(f"/api/v1/views/{view}")
        assert begin(kim, other).status_code == 201

    @pytest.mark.django_db(transaction=True)
    def test_many_at_once_never_pass_it(self, town, settings):
        settings.VIDEO_STREAMS = 3
        gateway_heard()
        outcomes, gate = [], threading.Barrier(8)

        def ask(number):
            gate.wait()
            try:
                expires_at = timezone.now() + timedelta(hours=1)
                session_open(session=uuid.uuid4(), key=f"camera:{number}", stream="rtsp://x", allowed_network="", expires_at=expires_at)  # fmt: skip
                outcomes.append("open")
            except LimitReached as full:
                outcomes.append(full.in_use)
            finally:
                connection.close()

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes, key=str) == [3, 3, 3, 3, 3, "open", "open", "open"]


class TestGoingOn:
    def test_it_hears_how_the_stream_is(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        assert alive(kim, view).json()["state"] == "connecting"
        for state in ("live", "frozen", "lost"):
            stream_is(camera, state)
            assert alive(kim, view).json()["state"] == state

    def test_a_silent_gateway_means_lost(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        stream_is(camera, "live")
        Heartbeat.objects.filter(name=GATEWAY).update(at=timezone.now() - timedelta(seconds=11))
        assert alive(kim, view).json()["state"] == "lost"

    def test_only_seconds_with_a_picture_count_and_gaps_do_not(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        heard_before(view, 5)
        assert alive(kim, view).json()["seconds"] == 0  # connecting
        VideoView.objects.filter(pk=view).update(begun_at=timezone.now() - timedelta(seconds=60))
        stream_is(camera, "live", seconds_ago=50)
        heard_before(view, 5)
        assert alive(kim, view).json()["seconds"] == pytest.approx(5, abs=0.5)
        heard_before(view, 19)
        assert alive(kim, view).json()["seconds"] == pytest.approx(15, abs=0.5)

    def test_a_picture_that_came_a_second_ago_was_seen_for_a_second(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        heard_before(view, 5)
        stream_is(camera, "live", seconds_ago=1)
        VideoView.objects.filter(pk=view).update(begun_at=timezone.now() - timedelta(seconds=5))
        assert alive(kim, view).json()["seconds"] == pytest.approx(1, abs=0.3)

    def test_nobody_else_keeps_it_up_or_ends_it(self, town, kim, camera):
        view, lee = begin(kim, camera).json()["view"], Caller(user=town.lee)
        problem_of(alive(lee, view), 404)
        problem_of(lee.delete(f"/api/v1/views/{view}"), 404)
        assert VideoView.objects.get(pk=view).ended_at is None

    def test_the_token_is_worth_nothing_altered_or_late(self, camera):
        now = timezone.now()
        token = make_token(uuid.uuid4(), now + timedelta(minutes=1))
        assert read_token(token)
        for wrong in (token[:-1] + "0", "x" + token[1:], token.upper(), "", "a-b-c", make_token(uuid.uuid4(), now)):
            assert read_token(wrong) is None or wrong == token


class TestEnding:
    def test_the_viewer_ends_it_twice_with_the_same_answer_and_one_entry(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        stream_is(camera, "live")
        assert [kim.delete(f"/api/v1/views/{view}").status_code for _ in range(2)] == [204, 204]
        assert [one.action for one in chain()] == ["video.begin", "video.end"]
        session = VideoSession.objects.get(pk=view)
        assert session.ended_at and session.sealed_stream == ""
        problem_of(alive(kim, view), 404)

    def test_a_page_that_is_gone_ends_it_after_twenty_seconds(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        heard_before(view, 19)
        assert views_expire() == 0
        heard_before(view, 21)
        assert (views_expire(), views_expire()) == (1, 0)
        row = VideoView.objects.get(pk=view)
        assert row.ended_by == "silence" and VideoSession.objects.get(pk=view).ended_at
        assert chain()[-1].detail["by"] == "silence"

    def test_its_time_being_over_ends_it(self, kim, camera):
        view = begin(kim, camera).json()["view"]
        VideoView.objects.filter(pk=view).update(expires_at=timezone.now())
        problem_of(alive(kim, view), 404)
        views_expire()
        assert VideoView.objects.get(pk=view).ended_by == "expiry"

    @pytest.mark.parametrize("change", [{"is_active": False}, {"role": "auditor"}, {"expires_at": timezone.now()}])
    def test_a_right_withdrawn_ends_it_at_the_next_sweep(self, town, kim, camera, change):
        view = begin(kim, camera).json()["view"]
        type(town.kim).objects.filter(pk=town.kim.pk).update(**change)
        views_expire()
        assert VideoView.objects.get(pk=view).ended_by == "access"
        assert VideoSession.objects.get(pk=view).ended_at

    def test_the_chain_says_who_what_why_from_where_and_how_long(self, town, kim, camera):
        incident = open_incident(town)
        view = begin(kim, camera, {"incident": incident.number, "reason": "caller says smoke"}).json()["view"]
        kim.delete(f"/api/v1/views/{view}")
        first, last = chain()
        assert first.actor == last.actor == "user:kim" and first.subject == f"camera:{camera.pk}"
        assert first.detail["incident"] == incident.number and first.detail["reason"] == "caller says smoke"
        assert first.address == "127.0.0.1" and last.detail["seconds"] == 0
        assert SECRET_STREAM not in str([one.detail for one in chain("")])


class TestWhoWatchedWhat:
    @pytest.fixture
    def views(self, town, camera):
        """Three looks at one camera, at ten, eight and six o'clock ago; the last still goes on."""
        rows = []
        for hours, user in ((10, town.kim), (8, town.lee), (6, town.kim)):
            view = make_view(user, camera)
            at = timezone.now() - timedelta(hours=hours)
            view.begun_at, view.ended_at = at, None if hours == 6 else at + timedelta(hours=1)
            view.save()
            rows.append(view)
        return rows

    def ask(self, town, **params):
        rows = Caller(user=town.auditor).get("/api/v1/views", params).json()["views"]
        return [one["view"] for one in rows]

    def test_who_watched_this_camera_at_that_time_and_why(self, town, camera, views):
        ten, eight, six = (str(one.pk) for one in views)
        at = (timezone.now() - timedelta(hours=9.5)).isoformat()
        assert self.ask(town, camera=camera.pk) == [six, eight, ten]
        assert self.ask(town, camera=camera.pk, since=at, until=at) == [ten]
        assert self.ask(town, since=(timezone.now() - timedelta(minutes=1)).isoformat()) == [six]
        assert self.ask(town, user="lee") == [eight]
        assert self.ask(town, camera=camera.pk + 1) == []
        row = Caller(user=town.auditor).get("/api/v1/views").json()["views"][0]
        assert row["reason"] == "looking around" and row["user"] == "kim" and row["ended_at"] is None

    def test_pages_follow_each_other(self, town, views):
        auditor = Caller(user=town.auditor)
        first = auditor.get("/api/v1/views?page_size=2").json()
        second = auditor.get(f"/api/v1/views?page_size=2&cursor={first['cursor']}").json()
        assert (len(first["views"]), len(second["views"]), second["more"]) == (2, 1, False)

    @pytest.mark.parametrize("who", ["kim", "park", "admin"])
    def test_only_auditors_ask(self, town, views, who):
        problem_of(Caller(user=getattr(town, who)).get("/api/v1/views"), 403)

    def test_another_towns_auditor_sees_nothing(self, views):
        sejong = make_town("36110", "세종특별자치시", "Sejong", prefix="s-")
        assert Caller(user=sejong.auditor).get("/api/v1/views").json()["views"] == []

