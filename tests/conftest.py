"""Fixtures every test may use."""

from collections.abc import Iterator

import pytest
from django.db import connection

from ocenter.soak.matrix import HEAD
from tests.stack import Stack


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> None:
    """Transactional tests empty every table afterwards, which the audit table refuses anywhere else."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER audit_table_stays")


@pytest.fixture(scope="session")
def live_stack() -> Iterator[Stack]:
    """The whole of `make run`, started once for the session: real processes, real servers, demo data.

    The city is silent (its rate is 0) so that a test sees only what it sends; the agencies answer fast.
    Mark tests that use it `live`, and leave it as you found it: whoever kills a process waits until it is back
    (`wait_for_restart`, then `ready`). For another environment, make a `Stack(NAME=value)` of your own.
    """
    # Many tests share it and open many incidents: counted over one second, they are no flood (`test_alarms` makes one).
    stack = Stack(OCENTER_CITY_RATE="0", OCENTER_AGENCIES_SPEED="20", OCENTER_FLOOD_WINDOW_SECONDS="1")
    # A build that a test may change: processes that start anew read it anew.
    stack.env["OCENTER_BUILD_FILE"] = str(stack.data_dir / "build")
    (stack.data_dir / "build").write_text("first")
    try:
        yield stack.start()
    finally:
        stack.remove()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why tests failed that passed when tried again, and the figures that tests leave to be quoted, whichever process
    ran them (`figures` and `matrix` in tests/chaos)."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"failed at first: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
    reports = [one for found in terminalreporter.stats.values() for one in found if getattr(one, "when", "") == "call"]
    said = [pair for one in reports for pair in one.user_properties]
    lines, rows = ([text for kind, text in said if kind == wanted] for wanted in ("figure", "matrix"))
    if lines or rows:
        terminalreporter.section("in figures")
        for line in [*lines, *([HEAD, *rows] if rows else [])]:
            terminalreporter.write_line(line)
