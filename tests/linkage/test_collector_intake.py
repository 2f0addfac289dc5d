"""From a real source through a real collector process into the incidents: begun, changed, ended, and nothing twice."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest
from aiohttp import web
from django.db import connection, transaction

from incidents.models import Event, Incident
from linkage.models import LinkedSystem, Quarantined
from tests.accounts.cast import make_system
from tests.linkage.wires import ROOT, eventually, peer

pytestmark = pytest.mark.django_db(transaction=True)

KST = timezone(timedelta(hours=9))


@pytest.fixture
def town(daejeon):
    from incidents.models import LedgerHead

    LedgerHead.objects.get_or_create(municipality=daejeon)
    return daejeon


@contextmanager
def collector_process():
    """A real `manage.py collect` on the test database."""
    here = connection.settings_dict
    url = f"postgresql://{here['USER']}:{here['PASSWORD']}@{here['HOST']}:{here['PORT']}/{here['NAME']}"
    environment = os.environ | {
        "OCENTER_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "ocenter.settings.test", "OCENTER_LOG_LEVEL": "WARNING"
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "manage.py", "collect"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def ago(**more):
    return datetime.now(KST) - timedelta(**more)


class RoadSource:
    """ITS as its source would answer: what `items` holds, unless `spoilt`."""

    def __init__(self):
        self.items, self.spoilt = {}, None

    def begin(self, link, lon="127.38"):
        self.items[link] = {
            "eventType": "교통사고", "eventDetailType": "충돌사고", "startDate": f"{ago(minutes=5):%Y%m%d%H%M%S}",
            "coordX": lon, "coordY": "36.35", "linkId": link, "roadName": "계룡로", "message": "처리중",
        }  # fmt: skip

    def __call__(self, request, body):
        if self.spoilt is not None:
            return web.Response(text=self.spoilt)
        items = list(self.items.values())
        return web.json_response({"body": {"totalCount": len(items), "items": items}})


class WarningSource:
    """getPwnCd: the messages of the days asked for."""

    def __init__(self):
        self.items, self.up = [], True

    def say(self, command, **more):
        said = f"{ago(minutes=30 - len(self.items)):%Y%m%d%H%M}"
        self.items.append({
            "stnId": "133", "tmFc": said, "tmSeq": str(len(self.items) + 1), "areaCode": "L1030100",
            "areaName": "대전광역시", "warnVar": "2", "warnStress": "0", "command": command, "startTime": said, "endTime": "0",
            "allEndTime": "0", "cancel": "0", **more,
        })  # fmt: skip

    def __call__(self, request, body):
        if not self.up:
            return web.Response(status=502)
        found = [one for one in self.items if one["tmFc"][:8] >= request.query["fromTmFc"]]
        answer = {"header": {"resultCode": "00"}, "body": {"items": {"item": found}, "totalCount": len(found)}}
        return web.json_response({"response": answer})


def make_feed(town, slug, name, endpoint, **more):
    return make_system(town, slug, kind="feed", endpoint=endpoint, feed_format=name, poll_interval_s=1, **more)


def incident(**like):
    return Incident.objects.filter(**like).first()


@pytest.mark.slow
def test_a_feeds_life_from_its_source_to_the_incidents_with_kills_and_outages_between(town):
    """One process start pays for the whole story: begin, change, spoilt, kill -9 in between, outage, end."""
    roads, warnings = RoadSource(), WarningSource()
    roads.begin("1001")
    roads.begin("1002", lon="127.42")
    warnings.say("1")
    with peer(roads) as its, peer(warnings) as kma:
        feed = make_feed(town, "its", "its", its.url)
        weather = make_feed(town, "kma", "weather", kma.url, options={"areaCodes": ["L1030100"]})
        with collector_process() as process:
            eventually(lambda: Incident.objects.count() == 3, 40, "two accidents and a warning")
            assert {one.grade for one in Incident.objects.all()} == {"G3"}

            # The warning is raised; an accident says something new; both stay the incidents they were.
            warnings.say("7", warnStress="1")
            roads.items["1002"]["message"] = "2차로 통제"
            eventually(lambda: incident(code="DIS-01", grade="G2"), 15, "the raise")
            eventually(lambda: incident(summary__contains="2차로 통제"), 15, "the update")
            assert Incident.objects.count() == 3

            # An answer that is cut off ends nothing, and is kept.
            roads.spoilt = '{"body": {"totalCount": 2, "items": ['
            eventually(lambda: LinkedSystem.objects.get(pk=feed.pk).last_error, 15)
            assert Incident.objects.filter(status="open", code="TRF-1").count() == 2
            assert Quarantined.objects.get(system=feed).is_document
            roads.spoilt = None

            # What is no longer listed has ended.
            del roads.items["1001"]
            eventually(lambda: Incident.objects.filter(status="cancelled").count() == 1, 15, "the end")
            eventually(lambda: LinkedSystem.objects.get(pk=feed.pk).last_error == "", 15)

            # Killed between taking a document in and keeping the state: the row is held, so that it stops there.
            with transaction.atomic():
                LinkedSystem.objects.select_for_update(no_key=True).get(pk=weather.pk)
                state = LinkedSystem.objects.get(pk=weather.pk).state
                warnings.say("3")
                eventually(lambda: Event.objects.filter(system=weather, attributes__command="3").count() == 1, 15)
                process.send_signal(signal.SIGKILL)
                process.wait(10)
                assert LinkedSystem.objects.get(pk=weather.pk).state == state

        # While nobody collects, the warning is lifted and the source has an outage of its own.
        warnings.say("2")
        warnings.up = False
        with collector_process() as process:
            eventually(lambda: "502" in LinkedSystem.objects.get(pk=weather.pk).last_error, 40)
            warnings.up = True
            eventually(lambda: incident(code="DIS-01", status="cancelled"), 15, "the lift")
            newest = {"tmFc": warnings.items[-1]["tmFc"]}
            eventually(lambda: LinkedSystem.objects.get(pk=weather.pk).state == newest, 15, "the state")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    said = list(Event.objects.filter(system=weather).order_by("id").values_list("attributes__command", flat=True))
    assert said == ["1", "7", "3", "2"], "everything once, in order"
    assert Incident.objects.count() == 3
