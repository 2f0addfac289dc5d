"""The whole stack: a simulated agency opens a case, the centre answers and reports, and a hundred repeats are one."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.live


def call(url, body=None, *, key=None, method=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def is_up(url):
    try:
        return call(url)[0] == 200
    except OSError:
        return False


def eventually(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def envelope(number, kind="NEW", **fields):
    return {
        "msg_id": f"{number}-{kind}", "msg_type": kind, "source_org": "112", "source_event_no": number, "event_code": "CRM-09",
        "occurred_at": datetime.now(UTC).isoformat(), "lat": 36.3285, "lon": 127.4270, "summary": "흉기 소지",
        "legal_basis": "112신고처리", "requester": {"org": "대전경찰청", "user_id": "112-1"}, "request": {"max_cams": 3}, **fields,
    }  # fmt: skip


def test_a_case_of_a_simulated_agency_goes_its_whole_way(live_stack):
    agencies, base = live_stack.agencies_url, live_stack.base_url
    eventually(lambda: is_up(f"{agencies}/healthz"))  # the centre is ready without its agencies
    _, opened = call(f"{agencies}/carrier/cases", {})

    def case():
        return next(one for one in call(f"{agencies}/carrier/state")[1]["own"] if one["number"] == opened["source_event_no"])

    done = eventually(lambda: (found := case())["ended"] and [one["status"] for one in found["heard"]] == ["RECEIVED", "CLOSED"] and found)
    assert [one["received"] for one in done["heard"]] == [1, 1]
    answer = done["messages"][0]["answer"]
    assert answer["grant_id"] is None and answer["video"]["status"] in ("pending", "denied")
    central = live_stack.demo["keys"]["central"]
    _, incident = call(f"{base}/api/v1/incidents/{answer['incident_no']}", key=central)
    (relay,) = incident["relays"]
    assert (relay["agency"], relay["state"], incident["status"]) == ("carrier", "closed", "cancelled")
    _, timeline = call(f"{base}/api/v1/incidents/{answer['incident_no']}/timeline", key=central)
    kinds = [one["kind"] for one in timeline["changes"]]
    assert kinds[:3] == ["incident.opened", "relay.opened", "video.requested"] and kinds.count("incident.updated") == 5


def test_a_hundred_repeats_at_once_are_one_case_and_strangers_open_none(live_stack):
    url, key = f"{live_stack.base_url}/api/v1/feeds/agency_request", live_stack.demo["keys"]["police112"]
    number = f"112-test-{time.time_ns()}"
    message = envelope(number)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: call(url, message, key=key), range(100)))
    assert {status for status, _ in answers} == {202}
    assert len({answer["incident_no"] for _, answer in answers}) == 1
    assert sum(answer["accepted"] for _, answer in answers) == 1
    assert len({json.dumps(answer["video"]) for _, answer in answers}) == 1
    incident = answers[0][1]["incident_no"]
    _, timeline = call(f"{live_stack.base_url}/api/v1/incidents/{incident}/timeline", key=key)
    assert [one["kind"] for one in timeline["changes"]] == ["incident.opened", "relay.opened", "video.requested"]
    assert call(url, envelope(number, "CLOSE"), key=key)[1]["incident_no"] == incident
    other = envelope(f"{number}-x")
    assert call(url, other, key="oc_not_a_key")[0] == 401
    assert call(url, other, key=live_stack.demo["keys"]["feed"])[0] == 403
    assert call(url, other)[0] == 401
