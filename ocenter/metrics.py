"""`GET /metrics`: who may scrape what, and that a scraper cannot hurt."""

from __future__ import annotations

import threading
import time
from typing import Final

from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from incidents import ledger
from incidents.api.authentication import SCHEME, bearer_of
from linkage.access import access_of_key
from linkage.metrics import LinkageCollector, OwnProcessCollector
from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality, User
from ocenter.accounts.roles import actions_of

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# A query gives up after this long rather than hold the database; Prometheus itself waits ten seconds by default.
STATEMENT_TIMEOUT_MS: Final = 2_000
# However often one scrapes: the same answer for this long.
REMEMBER_SECONDS: Final = 2.0
WATCHING_ACTIONS: Final = frozenset({"administrate", "audit"})

Scope = frozenset[int]

_remembered: dict[Scope, tuple[float, bytes]] = {}
_lock = threading.Lock()


class _LedgerCollector(Collector):
    """How far each municipality's ledger has come."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def collect(self) -> list[Metric]:
        """One counter a municipality."""
        rows = CounterMetricFamily("ocenter_ledger_rows", "Rows of the ledger: everything that has happened.", labels=["municipality"])
        for code, position in ledger.heads(self._scope).items():
            rows.add_metric([code], position.seq)
        return [rows]


def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics of the caller's municipalities: for a central agency's key, and for signed-in administrators and
    auditors. 401 without either, 403 for everybody else, 503 where the database does not answer in time."""
    scope = _scope_of(request)
    if isinstance(scope, HttpResponse):
        return scope
    try:
        # One scrape at a time in this process: those who come meanwhile get its answer.
        with _lock:
            text = _text(scope)
    except Error as error:
        return HttpResponse(f"# The database did not answer: {type(error).__name__}\n", CONTENT_TYPE, 503, headers={"Retry-After": "5"})
    return HttpResponse(text, CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _text(scope: Scope) -> bytes:
    known = _remembered.get(scope)
    if known is None or known[0] < time.monotonic():
        known = _remembered[scope] = (time.monotonic() + REMEMBER_SECONDS, _read(scope))
    return known[1]


def _read(scope: Scope) -> bytes:
    registry = CollectorRegistry()
    for collector in (LinkageCollector(scope), _LedgerCollector(scope), OwnProcessCollector()):
        registry.register(collector)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT_MS)])
        return generate_latest(registry)


def _scope_of(request: HttpRequest) -> Scope | HttpResponse:
    secret = bearer_of(request.headers.get("Authorization", ""))
    if secret is not None:
        access = access_of_key(secret)
        if access is None:
            return _refusal(401)
        central = access.principal.system_kind == LinkedSystem.Kind.CENTRAL
        return access.principal.municipalities if central else _refusal(403)
    user = request.user
    if not isinstance(user, User) or not user.is_current():
        return _refusal(401)
    if user.is_superuser:
        return frozenset(Municipality.objects.values_list("pk", flat=True))
    if not WATCHING_ACTIONS & actions_of(user.role):
        return _refusal(403)
    return frozenset({user.municipality_id} if user.municipality_id else ())


def _refusal(status: int) -> HttpResponse:
    words = {401: "# A central agency's key, or an administrator's session, is needed.\n", 403: "# Not for this caller.\n"}
    return HttpResponse(words[status], CONTENT_TYPE, status, headers={"WWW-Authenticate": SCHEME} if status == 401 else {})
