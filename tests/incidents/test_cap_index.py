"""The whole way of a polled warning: a publisher's index, the collector, the intake, the queue of incidents."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from incidents.documents import document_take
from incidents.intake_queue import IntakeQueue
from incidents.models import Event, Incident
from linkage.cap.writing import KOREAN_TIME
from linkage.feeds import collector
from linkage.models import Quarantined
from tests.accounts.cast import make_system
from tests.linkage.caps import alert, area, info
from tests.linkage.wires import eventually, peer

pytestmark = pytest.mark.django_db(transaction=True)


def at(minutes):
    return (timezone.now().astimezone(KOREAN_TIME) + timedelta(minutes=minutes)).isoformat(timespec="seconds")


@contextmanager
def collecting():
    """A collector in this process, on a thread, that hands over to a real intake."""
    queue, stop, loop = IntakeQueue(), asyncio.Event(), asyncio.new_event_loop()

    def take_for(system):
        return lambda document, content_type: document_take(
            queue, system=system, format_name="cap", document=document, content_type=content_type
        )

    thread = threading.Thread(target=lambda: loop.run_until_complete(collector.collect(stop, take_for)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        queue._database._executor.submit(lambda: connection.close()).result()
        loop.run_until_complete(sync_to_async(lambda: connection.close())())  # the quarantine's
        loop.close()


def test_a_publishers_index_becomes_incidents_and_one_bad_message_stands_in_no_ones_way(town, monkeypatch):
    monkeypatch.setattr(collector, "_jobs", {})
    sent = {name: at(minutes) for name, minutes in (("A", -30), ("bad", -25), ("U", -20), ("gone", -15), ("C", -10))}
    told = info(area(circle="36.35,127.38 5"))
    named = f"alerts@kma.example,A,{sent['A']}"
    messages = {
        "A": alert(told, identifier="A", sent=sent["A"]),
        "bad": alert(info(severity="terrible"), identifier="bad", sent=sent["bad"]),
        "U": alert(info(area(circle="36.35,127.38 9"), severity="Extreme"), identifier="U", sent=sent["U"], kind="Update", references=named),
        "C": alert(identifier="C", sent=sent["C"], kind="Cancel", references=named),
    }
    listed = ["C", "gone", "U", "bad", "A"]  # the newest first, as indexes are

    def publish(request, body):
        name = request.path.rpartition("/")[2]
        if name == "incidents":
            rows = "".join(f'<entry><id>{n}</id><updated>{sent[n]}</updated><link href="m/{n}"/></entry>' for n in listed)
            return web.Response(text=f'<feed xmlns="http://www.w3.org/2005/Atom">{rows}</feed>', content_type="application/atom+xml")
        return web.Response(body=messages[name]) if name in messages else web.Response(status=404)

    with peer(publish) as there:
        system = make_system(
            town.municipality, "kma", kind="feed", feed_format="cap", endpoint=there.url, poll_interval_s=1
        )
        with collecting():
            eventually(lambda: Event.objects.filter(action="cancel").exists())
            eventually(lambda: system.__class__.objects.get(pk=system.pk).last_error)
    incident = Incident.objects.get()
    assert (incident.status, incident.grade, incident.event_count) == ("cancelled", "G1", 2)
    kept = Quarantined.objects.get()
    assert bytes(kept.raw) == messages["bad"] and kept.times == 1
    system.refresh_from_db()
    assert "404" in system.last_error and len(system.state["taken"]) == 4
