"""An administrator links a JSON source by hand: maps it as they type, lets it report, and settles its mistakes."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import Console
from tests.stack import Stack


def item(number: int, **more) -> dict:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return {"no": f"b{number}-{time.time_ns()}", "at": at, "kind": "침수", "x": 127.41 + number / 100, "y": 36.34, "text": "하상도로", **more}


def document(*items: dict) -> str:
    return json.dumps({"body": {"items": list(items)}}, ensure_ascii=False)


class Admin(Console):
    """The admin site, listened to for noise like the console."""

    def open_site(self, path: str = "") -> None:
        user = self.stack.demo["users"]["administrator"]
        self.page.goto(f"{self.stack.base_url}/login/?next=/admin/{path}")
        self.page.fill("[name=username]", user["username"])
        self.page.fill("[name=password]", user["password"])
        self.page.click(".entrance-form .primary")
        self.page.wait_for_url("**/admin/**")

    def add_feed(self, slug: str) -> str:
        """A mapped feed whose name begins so; returns its page's address."""
        page = self.page
        page.goto(f"{self.stack.base_url}/admin/linkage/linkedsystem/add/")
        page.select_option("[name=kind]", "feed")
        page.fill("[name=slug]", f"{slug}-{time.time_ns()}")
        page.fill("[name=name_ko]", "하상도로 수위")
        page.fill("[name=name_en]", "Riverside roads")
        page.select_option("[name=feed_format]", "mapped_json")
        page.click("[name=_continue]")
        page.wait_for_url("**/change/")
        return page.url

    def fill_mapping(self) -> None:
        values = {"subject": "no", "occurred_at": "at", "code": "kind", "lat": "y", "lon": "x", "summary": "text"}
        for name, path in values.items():
            self.page.fill(f'[name="value.{name}"]', path)
        self.page.select_option('[name="from.subject"]', "path")
        self.page.fill("#records", "body.items")

    def verdict(self, word: str) -> None:
        expect(self.page.locator(f"#result [data-verdict={word}]")).to_be_visible()


@pytest.fixture
def admin(live_stack: Stack, page: Page) -> Iterator[Admin]:
    found = Admin(live_stack, page)
    found.open_site()
    yield found
    found.assert_quiet()


@pytest.fixture
def push(live_stack: Stack) -> Callable[[str, str], dict]:
    def send(key: str, body: str) -> dict:
        connection = http.client.HTTPConnection(urlsplit(live_stack.base_url).netloc, timeout=15)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/feeds/mapped_json", body.encode(), headers)
        answer = connection.getresponse()
        assert answer.status == 202
        return json.loads(answer.read())

    return send


def test_a_source_is_mapped_live_reports_and_its_mistakes_are_settled(admin: Admin, push: Callable[[str, str], dict]):
    page = admin.page
    system = admin.add_feed("riverside")
    page.click("a[href$='/mapping/']")
    page.fill("#sample", document(item(1), item(2, kind="해제")))
    expect(page.locator("#result [data-path=kind]")).to_be_visible()
    admin.fill_mapping()
    admin.verdict("bad")
    # A path that matches nothing says so while one types, and the sample offers the right one.
    page.fill('[name="value.address"]', "adress")
    expect(page.locator("[data-rule=address]")).to_contain_text("0 / 2")
    page.locator('[name="value.address"]').focus()
    if not page.locator("#result [data-path=text]").is_visible():
        page.click("#result details:has([data-path=text]) > summary")
    page.click("#result [data-path=text]")
    expect(page.locator("[data-rule=address]")).to_contain_text("2 / 2")
    # Saving is refused while a value stands in no table.
    page.click("button[value=save]")
    admin.verdict("bad")
    expect(page.locator("#sample")).not_to_be_empty()
    for value, code in (("침수", "DIS-09"), ("해제", "DIS-09")):
        page.locator(f'.oc-chip[data-value="{value}"]').click()
        row = page.locator("[data-rows=codes] tbody tr").filter(has=page.locator("select:focus"))
        expect(row.locator("[name=code_value]")).to_have_value(value)
        row.locator("[name=code_code]").select_option(code)
    admin.verdict("good")
    admin.shot("admin-mapping")
    page.click("button[value=save]")
    admin.verdict("good")
    expect(page.locator("#sample")).not_to_be_empty()

    page.goto(system)
    page.click("a[href$='/keys/new/']")
    page.click("form button[type=submit].oc-main")
    key = page.locator("#secret").inner_text().strip()
    answer = push(key, document(item(3), item(4, kind="정체")))
    assert (answer["accepted"], answer["rejected"]) == (1, 1)

    # What was not understood waits in quarantine; the mapping is mended, and it is run again.
    page.goto(system.replace("/change/", "/mapping/"))
    page.click("[data-add=codes]")
    page.keyboard.type("정체")
    page.locator("[data-rows=codes] tbody tr").last.locator("[name=code_code]").select_option("TRF-5")
    page.click("button[value=save]")
    admin.verdict("good")
    page.goto(system)
    page.click("a[href*='quarantined']")
    page.locator("#result_list tbody a").first.click()
    expect(page.locator("pre").filter(has_text="정체")).to_be_visible()
    admin.shot("admin-quarantine")
    page.click("form[action$='/rerun/'] button")
    expect(page.locator("form[action$='/rerun/']")).to_have_count(0)
    page.goto(system)
    expect(page.locator(".oc-panel a[href*=quarantined] .oc-bad")).to_have_count(0)
    # Paused, its silence from here on is in nobody's header.
    page.click("form[action$='/pause/'] button")
    expect(page.locator("form[action$='/resume/'] button")).to_be_visible()
    admin.shot("admin-system")


def test_a_test_event_is_seen_as_a_test(admin: Admin):
    admin.add_feed("trial")
    admin.page.click("form[action$='/test-event/'] button")
    expect(admin.page.get_by_text("30000-", exact=False).first).to_be_visible()


def test_the_mapping_page_works_without_scripts_by_its_buttons(admin: Admin, browser: Browser, live_stack: Stack):
    mapping = admin.add_feed("scriptless").replace("/change/", "/mapping/")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1366, "height": 768})
    plain = Admin(live_stack, context.new_page())
    plain.open_site()
    plain.page.goto(mapping)
    plain.page.fill("#sample", document(item(1)))
    plain.fill_mapping()
    plain.page.click("button[value=preview]")
    plain.verdict("bad")
    expect(plain.page.locator("#result")).to_contain_text("침수")
    plain.page.locator("[name=code_value]").first.fill("침수")
    plain.page.locator("[name=code_code]").first.select_option("DIS-09")
    plain.page.click("button[value=save]")
    plain.verdict("good")
    plain.page.goto(mapping)
    expect(plain.page.locator('[name="value.subject"]')).to_have_value("no")
    plain.assert_quiet()
    context.close()
