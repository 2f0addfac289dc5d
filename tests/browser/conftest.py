"""A real Chromium on the real stack. Without Chromium these tests are skipped, and say so."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.console import Console, forget_reports, withdraw_reports
from tests.stack import Stack

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
# A busy machine is slow to start a page; the tests measure time where time matters.
expect.set_options(timeout=20_000)
# Continuous integration tries a page's test that failed once more and prints both results (`.ci/run`). Nothing else is
# tried again: a relay lost once is lost.
RERUNS = int(os.environ.get("OCENTER_TEST_BROWSER_RERUNS", "0"))
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--autoplay-policy=document-user-activation-required", "--force-color-profile=srgb",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is `browser` and `live`, and may be tried again where the environment says so."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


@pytest.fixture(autouse=True)
def as_at_first(request: pytest.FixtureRequest) -> None:
    """A test that is tried once more finds no incident of its first try."""
    if request.node.execution_count > 1:
        withdraw_reports()
    forget_reports()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: a longer-lived one would leave its event loop in other modules' way."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile at the smallest supported size."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="ko-KR")
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page."""
    return context.new_page()


@pytest.fixture
def sign_in(live_stack: Stack, page: Page) -> Iterator[Callable[..., Console]]:
    """Signs in through the form and waits for the live line; afterwards the page must have made no noise."""
    opened: list[Console] = []

    def open_console(role: str = "operator") -> Console:
        console = Console(live_stack, page)
        console.sign_in(role)
        opened.append(console)
        return console

    yield open_console
    for console in opened:
        console.assert_quiet()


@pytest.fixture
def another(live_stack: Stack, browser: Browser) -> Iterator[Callable[..., Console]]:
    """As `sign_in`, in a browser profile of its own: a colleague at another desk."""
    opened: list[Console] = []

    def open_console(role: str = "supervisor", *, clock: timedelta | None = None, **options: Any) -> Console:
        context = browser.new_context(**({"viewport": {"width": 1366, "height": 768}, "locale": "ko-KR"} | options))
        context.set_default_timeout(30_000)
        console = Console(live_stack, context.new_page())
        if clock is not None:
            console.page.clock.install(time=datetime.now() + clock)  # it runs on from there
        console.sign_in(role)
        opened.append(console)
        return console

    yield open_console
    for console in opened:
        console.page.context.close()
        console.assert_quiet()
