"""Linked systems in the admin site: made, tested, their keys and secrets shown once."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents.models import Incident
from linkage import systems
from linkage.models import Attempt, Delivery, LinkedSystem, SystemKey
from ocenter.accounts import audit, keys
from ocenter.accounts.models import AuditEntry
from tests.accounts.cast import make_city, make_superuser, make_system

ADD = "admin:linkage_linkedsystem_add"
CHANGE = "admin:linkage_linkedsystem_change"
NEW_AGENCY = {
    "kind": "agency", "slug": "fire119", "name_ko": "소방", "name_en": "Fire", "enabled": "on",
    "endpoint": "http://127.0.0.1:8100/fire119/incidents", "callback_base_url": "", "phone": "042-000-0119",
    "allowed_network": "127.0.0.0/8", "quiet_limit_s": "60", "reads": ["FIR", "RES"], "transport": "http_json",
    "secondary_endpoint": "", "max_concurrent": "8", "deadline_s": "10", "options": "{}", "feed_format": "",
    "poll_interval_s": "", "late_limit_s": "600", "noisy_limit_per_min": "0",
}  # fmt: skip


@pytest.fixture
def city(db):
    return make_city()


@pytest.fixture
def other(db):
    return make_city(code="36110", name_ko="세종특별자치시", name_en="Sejong", prefix="other-")


@pytest.fixture
def page(client, city):
    client.force_login(city.administrator)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def server():
    """A real HTTP server on this machine that answers 405 to GET, as a relay's endpoint does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(405)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}/incidents"
    found.shutdown()
    found.server_close()


def do(name, *args):
    return reverse(f"admin:linkage_linkedsystem_{name}", args=args)


def form_of(system, **changes):
    data = {
        "name_ko": system.name_ko, "name_en": system.name_en, "endpoint": system.endpoint, "phone": system.phone,
        "enabled": "on", "callback_base_url": "", "allowed_network": system.allowed_network, "reads": system.reads,
        "secondary_endpoint": system.secondary_endpoint, "transport": system.transport, "deadline_s": system.deadline_s,
        "max_concurrent": system.max_concurrent, "options": json.dumps(system.options), "initial-options": json.dumps(system.options),
        "quiet_limit_s": system.quiet_limit_s,
        "late_limit_s": system.late_limit_s, "noisy_limit_per_min": system.noisy_limit_per_min,
        "feed_format": system.feed_format, "poll_interval_s": system.poll_interval_s or "",
        "keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0",
        "windows-TOTAL_FORMS": "0", "windows-INITIAL_FORMS": "0", **changes,
    }  # fmt: skip
    return {name: value for name, value in data.items() if value is not None}


def test_an_administrator_links_an_agency(page, city):
    assert page.post(reverse(ADD), NEW_AGENCY).status_code == 302
    system = LinkedSystem.objects.get(slug="fire119")
    assert system.municipality == city.municipality and system.reads == ["FIR", "RES"] and system.enabled


def test_an_administrator_links_a_feed(page, city):
    data = {**NEW_AGENCY, "kind": "feed", "slug": "sensors", "endpoint": "", "phone": ""}
    assert page.post(reverse(ADD), data).status_code == 302
    assert LinkedSystem.objects.get(slug="sensors").kind == "feed"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoint", ""), ("endpoint", "ftp://x/"), ("allowed_network", "10.0.0"), ("allowed_network", ""),
        ("slug", "police112"), ("slug", "with space"), ("reads", ["XXX"]), ("name_ko", ""), ("kind", "spy"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_beside_its_field(page, field, value):
    answer = page.post(reverse(ADD), {**NEW_AGENCY, field: value})
    assert answer.status_code == 200
    form = answer.context["adminform"].form
    assert field in form.errors or field == "slug" and form.non_field_errors()


def test_what_counterparts_know_a_system_by_stays(page, city):
    data = form_of(city.agency, slug="renamed", kind="feed", name_en="New name")
    assert page.post(reverse(CHANGE, args=[city.agency.pk]), data).status_code == 302
    city.agency.refresh_from_db()
    assert (city.agency.slug, city.agency.kind, city.agency.name_en) == ("police112", "agency", "New name")


def test_a_change_is_audited_with_before_and_after(page, city):
    page.post(reverse(CHANGE, args=[city.agency.pk]), form_of(city.agency, enabled=None, reads=["BEL"]))
    entry = AuditEntry.objects.first()
    assert entry.action == "admin.changed" and entry.subject == f"linkedsystem:{city.agency.pk}"
    assert entry.detail["changes"] == {"enabled": [True, False], "reads": [[], ["BEL"]]}


def test_only_a_superuser_grants_further_municipalities(page, client, city, other):
    central = make_system(city.municipality, "central", kind="central")
    shown = page.get(reverse(CHANGE, args=[central.pk])).context["adminform"].form.fields
    assert "covers" not in shown
    page.post(reverse(CHANGE, args=[central.pk]), form_of(central, covers=[other.municipality.pk]))
    assert not central.covers.exists()
    client.force_login(make_superuser())
    client.post(reverse(CHANGE, args=[central.pk]), form_of(central, covers=[other.municipality.pk]))
    assert central.covers.get() == other.municipality


# --- keys ---


def test_a_key_is_shown_once_and_kept_as_a_hash(page, city):
    assert page.get(do("issue_key", city.feed.pk)).status_code == 200
    assert not SystemKey.objects.exists(), "looking issues nothing"
    answer = page.post(do("issue_key", city.feed.pk), {"label": "gateway"})
    secret = answer.context["secret"]
    key = SystemKey.objects.get()
    assert secret in answer.content.decode() and "no-store" in answer.headers["Cache-Control"]
    assert key.system == city.feed and keys.matches(secret, key.digest) and key.prefix in secret
    assert secret.split("_", 2)[2] not in str(list(SystemKey.objects.values()) + list(AuditEntry.objects.values()))
    assert secret not in str(page.session.items())
    again = page.get(reverse(CHANGE, args=[city.feed.pk])).content.decode()
    assert key.prefix in again and secret not in again and key.digest not in again


def test_issuing_and_revoking_a_key_is_audited(page, city):
    page.post(do("issue_key", city.feed.pk), {"label": "gateway"})
    key = SystemKey.objects.get()
    assert AuditEntry.objects.first().action == "key.issued"
    assert AuditEntry.objects.first().detail["prefix"] == key.prefix
    page.post(do("revoke", city.feed.pk, key.pk))
    assert AuditEntry.objects.first().action == "key.revoked"
    assert audit.verify().whole


def test_a_key_with_an_expiry_in_the_past_is_refused(page, city):
    answer = page.post(do("issue_key", city.feed.pk), {"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"})
    assert answer.status_code == 200 and not SystemKey.objects.exists()


def test_a_key_ends_at_its_expiry(page, city):
    at = timezone.localtime() + timedelta(hours=1)
    data = {"expires_at_0": at.strftime("%Y-%m-%d"), "expires_at_1": at.strftime("%H:%M:%S")}
    page.post(do("issue_key", city.feed.pk), data)
    key = SystemKey.objects.get()
    assert key.is_current() and not key.is_current(at + timedelta(seconds=1))


def test_a_revoked_key_is_dead_and_revoking_again_changes_nothing(page, city):
    systems.key_issue(system=city.feed, by=systems.By("x"))
    key = SystemKey.objects.get()
    assert page.get(do("revoke", city.feed.pk, key.pk)).status_code == 200
    key.refresh_from_db()
    assert key.is_current(), "looking revokes nothing"
    page.post(do("revoke", city.feed.pk, key.pk))
    key.refresh_from_db()
    first = key.revoked_at
    page.post(do("revoke", city.feed.pk, key.pk))
    key.refresh_from_db()
    assert not key.is_current() and key.revoked_at == first
    assert AuditEntry.objects.filter(action="key.revoked").count() == 1


def test_a_system_cannot_revoke_anothers_key(page, city):
    systems.key_issue(system=city.feed, by=systems.By("x"))
    assert page.post(do("revoke", city.agency.pk, SystemKey.objects.get().pk)).status_code == 404
    assert SystemKey.objects.get().is_current()


# --- the signing secret ---


def test_a_signing_secret_is_shown_once_and_kept_encrypted(page, city):
    assert page.get(do("renew_secret", city.agency.pk)).status_code == 200
    city.agency.refresh_from_db()
    assert city.agency.secret == ""
    answer = page.post(do("renew_secret", city.agency.pk))
    city.agency.refresh_from_db()
    secret = answer.context["secret"]
    assert secret.startswith("whsec_") and city.agency.secret == secret
    assert secret not in city.agency.sealed_secret and "no-store" in answer.headers["Cache-Control"]
    assert secret not in page.get(reverse(CHANGE, args=[city.agency.pk])).content.decode()
    assert AuditEntry.objects.first().action == "secret.renewed" and secret not in str(AuditEntry.objects.values())


# --- the test of a connection ---


def test_testing_a_connection_really_calls_and_keeps_the_contact(page, city, server):
    LinkedSystem.objects.filter(pk=city.agency.pk).update(endpoint=server, last_error="old")
    answer = page.post(do("test", city.agency.pk), follow=True)
    city.agency.refresh_from_db()
    assert city.agency.last_error == "" and timezone.now() - city.agency.last_contact_at < timedelta(seconds=30)
    shown = answer.content.decode()
    assert "Reachable (HTTP 405)" in shown and "127.0.0.1" in shown and " ms" in shown
    entry = AuditEntry.objects.first()
    assert entry.action == "system.tested" and entry.detail["ok"] is True and entry.detail["status"] == 405


def test_a_failed_test_is_kept_as_the_last_error(page, city):
    answer = page.post(do("test", city.agency.pk), follow=True)
    city.agency.refresh_from_db()
    assert "refuses the connection" in city.agency.last_error and city.agency.last_error_at
    assert "refuses the connection" in answer.content.decode()


def test_a_test_keeps_to_the_allowed_network(page, city, server):
    LinkedSystem.objects.filter(pk=city.agency.pk).update(endpoint=server, allowed_network="10.0.0.0/8")
    page.post(do("test", city.agency.pk))
    city.agency.refresh_from_db()
    assert "allowed network" in city.agency.last_error


def test_several_are_tested_from_the_list(page, city, server):
    LinkedSystem.objects.filter(pk=city.agency.pk).update(endpoint=server)
    chosen = {"action": "test_connections", "_selected_action": [city.agency.pk, city.feed.pk]}
    shown = page.post(do("changelist"), chosen, follow=True).content.decode()
    assert "Reachable" in shown and "nothing to call" in shown


def test_testing_by_get_is_refused(page, city):
    assert page.get(do("test", city.agency.pk)).status_code == 405


# --- borders ---


@pytest.mark.parametrize("name", ["test", "issue_key", "renew_secret"])
def test_nothing_is_done_to_anothers_system(page, city, other, name):
    assert page.post(do(name, other.agency.pk)).status_code == 404
    other.agency.refresh_from_db()
    assert not other.agency.keys.exists() and not other.agency.sealed_secret and not other.agency.last_error


def test_anothers_key_cannot_be_revoked(page, city, other):
    systems.key_issue(system=other.feed, by=systems.By("x"))
    assert page.post(do("revoke", other.feed.pk, SystemKey.objects.get().pk)).status_code == 404
    assert SystemKey.objects.get().is_current()


def test_anothers_system_is_not_tested_from_the_list(page, city, other):
    page.post(do("changelist"), {"action": "test_connections", "_selected_action": [other.agency.pk]})
    other.agency.refresh_from_db()
    assert other.agency.last_error == ""


@pytest.mark.parametrize("role", ["operator", "supervisor", "auditor"])
@pytest.mark.parametrize("name", ["test", "issue_key", "renew_secret"])
def test_other_roles_do_nothing_to_a_system(client, city, role, name):
    client.force_login(getattr(city, role))
    assert client.post(do(name, city.agency.pk), follow=True).status_code in (403, 404)
    assert not city.agency.keys.exists()


def test_personal_data_and_secrets_are_covered_in_deliveries_and_attempts(page, city):
    pages = [
        reverse("admin:linkage_delivery_change", args=[city.delivery.pk]),
        reverse("admin:linkage_attempt_change", args=[city.attempt.pk]),
        reverse("admin:linkage_attempt_changelist"),
        reverse("admin:incidents_event_change", args=[city.event.pk]),
    ]
    for address in pages:
        shown = page.get(address).content.decode()
        assert "010-1234-5678" not in shown and "010-****-5678" not in shown, address
        assert "whsec_abcdefgh" not in shown, address
    assert "battery" in page.get(pages[-1]).content.decode()


# --- pausing, the breaker, two secrets, maintenance, figures ---


def now_of(system):
    return LinkedSystem.objects.get(pk=system.pk)


def test_pausing_and_going_on_is_audited_and_repeating_changes_nothing(page, city):
    for _ in range(2):
        page.post(do("pause", city.agency.pk))
    paused = now_of(city.agency)
    assert paused.paused_at and paused.paused_by == "administrator"
    assert "Paused" in page.get(reverse(CHANGE, args=[city.agency.pk])).content.decode()
    for _ in range(2):
        page.post(do("resume", city.agency.pk))
    assert now_of(city.agency).paused_at is None
    done = AuditEntry.objects.filter(action__startswith="system.").order_by("number")
    assert list(done.values_list("action", flat=True)) == ["system.paused", "system.resumed"]


def test_the_breaker_is_shown_and_closed_at_once(page, city):
    until = timezone.now() + timedelta(minutes=5)
    LinkedSystem.objects.filter(pk=city.agency.pk).update(breaker_failures=7, breaker_until=until, secondary_until=until)
    shown = page.get(reverse(CHANGE, args=[city.agency.pk])).content.decode()
    assert "after 7 failures in a row" in shown and "second endpoint until" in shown
    page.post(do("close_breaker", city.agency.pk))
    closed = now_of(city.agency)
    assert (closed.breaker_failures, closed.breaker_until, closed.secondary_until) == (0, None, None)
    assert AuditEntry.objects.first().action == "breaker.closed"


def test_a_renewed_secret_leaves_the_one_before_in_force_for_a_day_until_it_is_ended(page, city):
    secrets = [page.post(do("renew_secret", city.agency.pk)).context["secret"] for _ in range(3)]
    system = now_of(city.agency)
    assert system.secrets == [secrets[2], secrets[1]], "two are in force, never three"
    assert timedelta(hours=23) < system.previous_secret_until - timezone.now() <= timedelta(hours=24)
    page.post(do("end_secret", city.agency.pk))
    assert now_of(city.agency).secrets == [secrets[2]]
    assert AuditEntry.objects.first().action == "secret.previous_ended"
    assert not any(one in str(list(AuditEntry.objects.values())) for one in secrets)


def test_the_first_secret_has_none_before_it(page, city):
    secret = page.post(do("renew_secret", city.agency.pk)).context["secret"]
    assert now_of(city.agency).secrets == [secret] and now_of(city.agency).previous_secret_until is None


def test_an_entered_secret_is_kept_encrypted_and_shown_nowhere(page, city):
    answer = page.post(do("set_secret", city.feed.pk), {"secret": "service-key-of-theirs"}, follow=True)
    system = now_of(city.feed)
    assert system.secret == "service-key-of-theirs" and "service-key" not in system.sealed_secret
    assert "service-key-of-theirs" not in answer.content.decode() + str(list(AuditEntry.objects.values()))
    assert "service-key-of-theirs" not in page.get(do("set_secret", city.feed.pk)).content.decode()


def test_a_maintenance_window_is_set_and_audited_and_a_backward_one_refused(page, city):
    window = {
        "windows-TOTAL_FORMS": "1", "windows-0-system": city.agency.pk, "windows-0-reason": "their move",
        "windows-0-starts_at_0": "2026-11-30", "windows-0-starts_at_1": "10:00:00",
        "windows-0-ends_at_0": "2026-11-30", "windows-0-ends_at_1": "09:00:00",
    }  # fmt: skip
    assert page.post(reverse(CHANGE, args=[city.agency.pk]), form_of(city.agency, **window)).status_code == 200
    assert not city.agency.windows.exists()
    window["windows-0-ends_at_1"] = "12:00:00"
    assert page.post(reverse(CHANGE, args=[city.agency.pk]), form_of(city.agency, **window)).status_code == 302
    assert city.agency.windows.get().reason == "their move"
    entry = AuditEntry.objects.get(action="maintenance.set")
    assert entry.detail["reason"] == "their move" and entry.detail["from"].startswith("2026-11-30")


def test_the_list_and_the_page_show_the_last_hours_share_and_times(page, city):
    city.attempt.delete()
    for number, (ms, error) in enumerate([(10, ""), (20, ""), (30, ""), (400, "HTTP 500")], 1):
        Attempt.objects.create(
            delivery=city.delivery, number=number, started_at=timezone.now(), duration_ms=ms, status=202, error=error
        )
    old = timezone.now() - timedelta(hours=2)
    Attempt.objects.create(delivery=city.delivery, number=9, started_at=old, duration_ms=9_999, status=500, error="x")
    for address in (do("changelist"), reverse(CHANGE, args=[city.agency.pk])):
        shown = page.get(address).content.decode()
        assert "75.0 %" in shown and "3 of 4" in shown and "p50 25 ms" in shown and "p95 344 ms" in shown


def test_the_list_asks_the_database_no_more_for_more_systems(page, city):
    def queries():
        with CaptureQueriesContext(connection) as found:
            page.get(do("changelist"))
        return len(found)

    first = queries()
    for number in range(10):
        make_system(city.municipality, f"more{number}", kind="feed" if number % 2 else "agency")
    assert queries() <= first + 1


def test_an_attempts_page_shows_where_it_went_and_the_headers_without_the_signature(page, city):
    city.agency.secret = "whsec_" + "a" * 40
    city.agency.save()
    Attempt.objects.filter(pk=city.attempt.pk).update(endpoint="http://127.0.0.1:9/second", response='{"caller_tel": "x1"}')
    shown = page.get(reverse("admin:linkage_attempt_change", args=[city.attempt.pk])).content.decode()
    assert "http://127.0.0.1:9/second" in shown and f"Idempotency-Key: {city.delivery.pk}" in shown
    assert "webhook-signature: v1,•••" in shown and "x1" not in shown and "aaaa" not in shown


# --- test events and faults ---


def test_a_test_event_goes_in_by_the_intake_and_reaches_no_agency(page, city):
    before = Delivery.objects.count()
    answer = page.post(do("test_event", city.feed.pk), follow=True)
    incident = Incident.objects.exclude(pk=city.incident.pk).get()
    assert incident.code == "SYS-02" and "TEST" in incident.summary and incident.events.get().attributes["test"] is True
    assert incident.expires_at - timezone.now() <= timedelta(minutes=10)
    assert incident.number in answer.content.decode() and Delivery.objects.count() == before
    entry = AuditEntry.objects.filter(action="system.test_event").first()
    assert entry.detail["ok"] is True and entry.detail["incident"] == incident.number
    assert now_of(city.feed).last_contact_at is None, "a test of ours is no sign of life of theirs"


def test_an_agency_gets_no_test_message(page, city):
    before = Delivery.objects.count(), Incident.objects.count()
    answer = page.post(do("test_event", city.agency.pk), follow=True)
    assert "Only a feed can report" in answer.content.decode()
    assert (Delivery.objects.count(), Incident.objects.count()) == before


@pytest.fixture
def simulator():
    """An agency that keeps the fault it is given, as the simulated ones do."""
    kept = {"mode": "none", "rate": 1.0, "seed": 0}

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            body = json.dumps(kept).encode()
            self.send_response(200 if self.path == "/fire119/faults" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self._answer()

        def do_PUT(self):
            kept.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer()

        def log_message(self, *args):
            pass

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}/fire119/incidents", kept
    found.shutdown()
    found.server_close()


def test_a_simulated_agencys_fault_is_set_in_a_demo(page, city, settings, simulator):
    settings.DEMO = True
    LinkedSystem.objects.filter(pk=city.agency.pk).update(endpoint=simulator[0])
    assert page.get(do("faults", city.agency.pk)).context["form"].initial["mode"] == "none"
    page.post(do("faults", city.agency.pk), {"mode": "error", "rate": "0.5", "seed": "3"})
    assert simulator[1] == {"mode": "error", "rate": 0.5, "seed": 3}
    assert AuditEntry.objects.first().action == "system.fault_set"
    assert page.post(do("faults", city.agency.pk), {"mode": "explode", "rate": "2", "seed": "3"}).status_code == 200
    assert simulator[1]["mode"] == "error"


@pytest.mark.parametrize(
    ("demo", "network"), [(False, "127.0.0.0/8"), (True, "10.0.0.0/8"), (True, "127.0.0.0/8, 10.0.0.0/8"), (True, "0.0.0.0/0")]
)
def test_nothing_but_a_simulator_of_a_demo_has_faults(page, city, settings, simulator, demo, network):
    settings.DEMO = demo
    LinkedSystem.objects.filter(pk=city.agency.pk).update(endpoint=simulator[0], allowed_network=network)
    assert page.post(do("faults", city.agency.pk), {"mode": "error", "rate": "1", "seed": "0"}).status_code == 404
    assert simulator[1]["mode"] == "none"
    assert do("faults", city.agency.pk) not in page.get(reverse(CHANGE, args=[city.agency.pk])).content.decode()


# --- feeds ---


def test_a_feeds_format_limits_and_options_are_set_and_a_poll_needs_an_address(page, city):
    data = form_of(city.feed, feed_format="its", poll_interval_s="60", options='{"params": {"a": "b"}}')
    assert "endpoint" in page.post(reverse(CHANGE, args=[city.feed.pk]), data).context["adminform"].form.errors
    assert page.post(reverse(CHANGE, args=[city.feed.pk]), data | {"endpoint": "http://127.0.0.1:1/its"}).status_code == 302
    feed = now_of(city.feed)
    assert (feed.feed_format, feed.poll_interval_s, feed.options) == ("its", 60, {"params": {"a": "b"}})


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"feed_format": "nonsense"}, "feed_format"), ({"feed_format": "montgomery_911"}, "feed_format"), ({"options": "[]x"}, "options"),
     ({"options": "[1]"}, "options"), ({"endpoint": "mqtt://127.0.0.1"}, "endpoint"), ({"poll_interval_s": "0"}, "poll_interval_s")],
)  # fmt: skip
def test_nonsense_about_a_feed_is_refused_beside_its_field(page, city, changes, field):
    answer = page.post(reverse(CHANGE, args=[city.feed.pk]), form_of(city.feed, **changes))
    assert answer.status_code == 200 and field in answer.context["adminform"].form.errors


def test_a_broker_is_the_address_of_a_feed_that_listens_and_its_port_is_tried(page, city, server):
    port = server.split(":")[2].split("/")[0]
    data = form_of(city.feed, feed_format="mqtt", endpoint=f"mqtt://127.0.0.1:{port}")
    assert page.post(reverse(CHANGE, args=[city.feed.pk]), data).status_code == 302
    shown = page.post(do("test", city.feed.pk), follow=True).content.decode()
    assert f"port {port} is open" in shown and now_of(city.feed).last_contact_at is None


@pytest.mark.parametrize(
    "name",
    ["pause", "resume", "close_breaker", "end_secret", "set_secret", "test_event", "faults", "mapping"],
)
def test_whatever_is_done_is_done_within_the_municipality_and_by_administrators(page, client, city, other, settings, name):
    settings.DEMO = True
    assert page.post(do(name, other.feed.pk), {"secret": "x"}).status_code == 404
    assert page.post(do(name, other.agency.pk), {"secret": "x"}).status_code == 404
    for role in ("operator", "supervisor", "auditor"):
        client.force_login(getattr(city, role))
        assert client.post(do(name, city.agency.pk), {"secret": "x"}, follow=True).status_code in (403, 404)
    assert not AuditEntry.objects.exclude(action__startswith="log").exists()


def test_an_auditor_looks_at_a_system_and_finds_nothing_to_press(client, city):
    client.force_login(city.auditor)
    shown = client.get(reverse(CHANGE, args=[city.agency.pk]))
    assert shown.status_code == 200 and client.get(do("changelist")).status_code == 200
    pressed = [do(name, city.agency.pk) for name in ("test", "pause", "issue_key", "renew_secret", "faults")]
    assert not any(address in shown.content.decode() for address in pressed)
    assert client.post(reverse(CHANGE, args=[city.agency.pk]), form_of(city.agency, name_en="x")).status_code == 403
    assert client.get(reverse(ADD)).status_code == 403
