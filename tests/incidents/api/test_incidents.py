"""Reading incidents and acting on them over REST: filters, pages, GeoJSON, every action, every refusal's form."""

import pytest

from incidents import operations as op
from incidents.models import Camera, Change, Incident
from linkage.models import Delivery, Relay
from tests.incidents.api.conftest import problem_of, wrong_fields
from tests.incidents.cast import LAT, LON, METRE, ago, by, event, hear, open_incident, receive

URL = "/api/v1/incidents"


@pytest.fixture
def kim(calls, town):
    return calls(town.kim)


@pytest.fixture
def park(calls, town):
    return calls(town.park)


def numbers(response):
    assert response.status_code == 200, response.content
    return [one["number"] for one in response.json()["incidents"]]


# ── Lists ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_comes_first(kim, town):
    made = [open_incident(town).number for _ in range(3)]
    assert numbers(kim.get(URL)) == made[::-1]


@pytest.fixture
def mixed(town):
    """One of each of these, and a row of places north of the town hall."""
    receive(
        town,
        event("BEL-01", north_m=0, summary="도와주세요 50%"),
        event("VCA-02", north_m=10_000),
        event("CRM-01", north_m=20_000, address="서구 둔산동 1"),
        event("TRF-1", lat=None, lon=None),
    )
    found = {one.code: one for one in Incident.objects.all()}
    op.incident_acknowledge(number=found["VCA-02"].number, by=by(town.kim))
    Incident.objects.filter(code="CRM-01").update(received_at=ago(days=2))
    return found


@pytest.mark.parametrize(
    "query, codes",
    [
        ("status=open", {"BEL-01", "CRM-01", "TRF-1"}), ("status=open,acked", {"BEL-01", "CRM-01", "TRF-1", "VCA-02"}),
        ("status=closed", set()), ("grade=G1", {"CRM-01"}), ("grade=G1,G2", {"CRM-01", "BEL-01"}),
        ("code=BEL-01", {"BEL-01"}), ("code=VCA", {"VCA-02"}), ("code=VCA,TRF-1", {"VCA-02", "TRF-1"}), ("code=nothing", set()),
        ("service=dispatch_112", {"CRM-01"}), ("service=bell,analytics", {"BEL-01", "VCA-02"}),
        ("q=도와", {"BEL-01"}), ("q=50%25", {"BEL-01"}), ("q=%25%25", set()), ("q=둔산동%201", {"CRM-01"}), ("q=-0002", {"VCA-02"}),
        (f"bbox={LON - 0.01},{LAT - 0.01},{LON + 0.01},{LAT + 0.01}", {"BEL-01"}),
        (f"bbox=-180,-90,180,{LAT + 0.1}", {"BEL-01", "VCA-02"}), ("bbox=0,0,1,1", set()),
        ("grade=G2&status=acked", set()), ("status=&grade=&q=&bbox=&cursor=&since=", {"BEL-01", "VCA-02", "CRM-01", "TRF-1"}),
    ],
)  # fmt: skip
def test_filters(kim, mixed, query, codes):
    assert {one["code"] for one in kim.get(f"{URL}?{query}").json()["incidents"]} == codes


def test_since_and_until_bound_the_time_of_receipt(kim, mixed):
    yesterday = ago(days=1).isoformat().replace("+00:00", "Z")
    assert len(numbers(kim.get(URL, {"since": yesterday}))) == 3
    assert numbers(kim.get(URL, {"until": yesterday})) == [mixed["CRM-01"].number]
    # A "+" of an offset that the sender forgot to encode arrives as a space.
    assert len(numbers(kim.get(f"{URL}?since={ago(days=1).isoformat()}"))) == 3


@pytest.mark.parametrize(
    "query, field",
    [
        ("status=gone", "status"), ("status=open,gone", "status"), ("grade=G9", "grade"), ("service=x", "service"),
        ("since=yesterday", "since"), ("since=2026-11-23T00:00:00", "since"), ("until=2026-13-01T00:00:00Z", "until"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"), ("until=9999-12-31T23:59:59-14:00", "until"),
        ("bbox=1,2,3", "bbox"), ("bbox=a,b,c,d", "bbox"), ("bbox=nan,0,1,1", "bbox"), ("bbox=0,0,inf,1", "bbox"),
        ("cursor=x", "cursor"), ("cursor=0", "cursor"), ("cursor=-1", "cursor"), ("cursor=99999999999999999999", "cursor"),
        ("page_size=0", "page_size"), ("page_size=1001", "page_size"), ("page_size=x", "page_size"), ("page_size=1e2", "page_size"),
        ("q=a%00b", "q"), ("code=%00", "code"), ("other=%00", "other"),
    ],
)  # fmt: skip
def test_a_filter_that_is_not_understood_is_refused_by_name(kim, query, field):
    assert wrong_fields(kim.get(f"{URL}?{query}")) == [field]


def test_pages_hold_everything_once_also_while_more_arrive(kim, town):
    made = [open_incident(town).number for _ in range(7)]
    seen, cursor = [], None
    while True:
        page = kim.get(URL, {"page_size": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [one["number"] for one in page["incidents"]]
        assert page["more"] is (page["cursor"] is not None)
        if not page["more"]:
            break
        cursor = page["cursor"]
        open_incident(town)
    assert seen == made[::-1]


def test_a_full_last_page_has_no_more(kim, town):
    open_incident(town), open_incident(town)
    assert kim.get(URL, {"page_size": 2}).json()["more"] is False


# ── GeoJSON ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("accept", ["application/geo+json", "application/geo+json, application/json;q=0.5"])
def test_geojson(kim, town, accept):
    placed, unplaced = open_incident(town), open_incident(town, "TRF-1", lat=None, lon=None)
    response = kim.get(URL, headers={"accept": accept})
    assert response["Content-Type"] == "application/geo+json"
    body = response.json()
    assert body["type"] == "FeatureCollection"
    nowhere, somewhere = body["features"]
    assert (nowhere["id"], nowhere["geometry"]) == (unplaced.number, None)
    assert somewhere["geometry"] == {"type": "Point", "coordinates": [placed.lon, placed.lat]}
    assert somewhere["type"] == "Feature" and somewhere["properties"]["number"] == placed.number
    one = kim.get(f"{URL}/{placed.number}", headers={"accept": accept})
    assert one["Content-Type"] == "application/geo+json" and one.json() == somewhere


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", "nonsense"])
def test_everything_else_is_answered_in_json(kim, town, accept):
    response = kim.get(URL, headers={"accept": accept})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


# ── One incident ───────────────────────────────────────────────────────────────────────────────────


def test_an_incident_is_as_its_last_row_has_it(kim, town):
    incident = open_incident(town)
    kim.send(f"{URL}/{incident.number}/acknowledge")
    body = kim.get(f"{URL}/{incident.number}").json()
    assert body == Change.objects.order_by("-seq").first().body["incident"]
    assert set(body) == {
        "number", "municipality", "code", "family", "service", "title", "grade", "status", "summary", "address", "place",
        "lat", "lon", "area", "expires_at", "occurred_at", "received_at", "last_event_at", "acknowledged_at", "closed_at", "ack_due_at",
        "escalation", "escalated_at", "event_count", "source", "holder", "offer", "shelved_until", "shelf", "result_code", "reason", "merged_into", "relays", "moves", "version",
    }  # fmt: skip


def test_the_timeline_tells_every_step_in_order(kim, town):
    incident = open_incident(town)
    for action in ("acknowledge", "verify", "confirm"):
        kim.send(f"{URL}/{incident.number}/{action}")
    changes = kim.get(f"{URL}/{incident.number}/timeline").json()["changes"]
    assert [one["kind"] for one in changes] == [
        "incident.opened", "incident.acknowledged", "incident.verifying", "incident.confirmed",
    ]  # fmt: skip
    assert [one["seq"] for one in changes] == [1, 2, 3, 4]
    assert all("incident" not in one and one["at"] and one["actor"] and one["municipality"] == "30000" for one in changes)


# ── Registration ───────────────────────────────────────────────────────────────────────────────────


def test_registering_by_hand(kim, town):
    body = {"code": "ORD-02", "lat": LAT, "lon": LON, "grade": "G3", "summary": "전화 신고", "address": "중구"}
    response = kim.send(URL, body)
    assert response.status_code == 201
    incident = response.json()["incident"]
    assert (incident["status"], incident["grade"], incident["holder"]["username"]) == ("acked", "G3", "kim")
    assert kim.get(f"{URL}/{incident['number']}").json() == incident


@pytest.mark.parametrize(
    "change, field",
    [
        ({"code": "X"}, "code"), ({"code": ...}, "code"), ({"lat": ...}, "lat"), ({"lon": None}, "lon"), ({"lat": 91}, "lat"),
        ({"grade": "G9"}, "grade"), ({"summary": 5}, "summary"), ({"occurred_at": "?"}, "occurred_at"), ({"id": "x"}, "id"),
        ({"status": "closed"}, "status"), ({"summary": "a\0b"}, "summary"),
    ],
)  # fmt: skip
def test_a_registration_is_refused_by_field(kim, town, change, field):
    body = {name: value for name, value in {"code": "ORD-02", "lat": LAT, "lon": LON, **change}.items() if value is not ...}
    assert wrong_fields(kim.send(URL, body)) == [field]
    assert not Incident.objects.exists()


def test_a_registration_names_every_wrong_field(kim, town):
    body = {"code": "X", "lat": 91, "lon": LON, "grade": "G9", "summary": "x" * 501}
    assert set(wrong_fields(kim.send(URL, body))) == {"code", "lat", "grade", "summary"}


@pytest.mark.parametrize("caller", [5, "x" * 101, "a\0b"])
def test_a_caller_is_a_short_text(kim, town, caller):
    assert wrong_fields(kim.send(URL, {"code": "ORD-02", "lat": LAT, "lon": LON, "caller": caller})) == ["caller"]
    assert not Incident.objects.exists()


def test_a_callers_number_is_covered_for_good(kim, town):
    body = {"code": "ORD-02", "lat": None, "lon": None, "caller": "편의점 점주 010-1234-5678"}
    number = kim.send(URL, body).json()["incident"]["number"]
    (opened, _) = kim.get(f"{URL}/{number}/timeline").json()["changes"]
    assert opened["detail"] == {"registered_by": "kim", "caller": "편의점 점주 •••"}


# ── Actions ────────────────────────────────────────────────────────────────────────────────────────


def test_each_action_answers_the_incident_and_the_rows_number(kim, town):
    whole, part = open_incident(town, "ORD-01"), open_incident(town, "ORD-01")
    path = f"{URL}/{whole.number}"
    steps = [
        ("shelve", {"reason": "works", "minutes": 10}, "open"), ("unshelve", None, "open"), ("acknowledge", None, "acked"),
        ("offer", {"username": "lee"}, "acked"), ("decline", None, "acked"), ("assign", {}, "acked"), ("verify", {}, "verifying"), ("note", {"note": "?"}, "verifying"),
        ("confirm", None, "confirmed"), ("respond", None, "responding"), ("resolve", {"note": "quiet"}, "resolved"),
        ("close", {"result_code": "RC-05", "note": "nothing"}, "closed"), ("reopen", {"reason": "again"}, "reopened"),
        ("false-alarm", {"reason": "FA-01"}, "false_alarm"), ("reopen", {"reason": "again"}, "reopened"),
    ]  # fmt: skip
    for action, body, status in steps:
        response = kim.send(f"{path}/{action}", body)
        assert response.status_code == 200, (action, response.content)
        answer = response.json()
        assert set(answer) == {"incident", "seq"} and answer["incident"]["status"] == status
        assert answer["seq"] == answer["incident"]["version"] == Change.objects.order_by("-seq").first().seq
    merged = kim.send(f"{URL}/{part.number}/merge", {"into": whole.number}).json()["incident"]
    assert (merged["number"], merged["event_count"]) == (whole.number, 2)
    moved = part.events.model.objects.order_by("pk").last().source_id
    split = kim.send(f"{path}/split", {"events": [moved]}).json()["incident"]
    assert split["number"] not in (whole.number, part.number) and split["event_count"] == 1


def test_a_move_that_is_not_allowed_is_409_with_the_current_state(kim, town, calls):
    incident = open_incident(town)
    calls(town.lee).send(f"{URL}/{incident.number}/acknowledge")
    body = problem_of(kim.send(f"{URL}/{incident.number}/acknowledge"), 409)
    assert body["current"]["status"] == "acked" and body["current"]["holder"]["username"] == "lee"
    assert body["current"] == kim.get(f"{URL}/{incident.number}").json()


@pytest.mark.parametrize(
    "action, body, field",
    [
        ("close", {}, "result_code"), ("close", {"result_code": "x"}, "result_code"), ("close", {"result_code": 5}, "result_code"),
        ("close", {"result_code": "RC-01", "note": ["x"]}, "note"), ("close", {"result_code": "RC-01", "note": "x" * 2001}, "note"),
        ("close", {"result_code": "RC-01", "note": "a\0b"}, "note"), ("close", {"result_code": None}, "result_code"),
        ("false-alarm", {}, "reason"), ("false-alarm", {"reason": " "}, "reason"), ("false-alarm", {"reason": "a\0b"}, "reason"),
        ("note", {}, "note"), ("note", {"note": ""}, "note"), ("note", {"note": 5}, "note"), ("note", {"note": "x" * 2001}, "note"),
        ("note", {"text": "x"}, "text"), ("resolve", {"note": "a\0b"}, "note"), ("assign", {"username": "nobody"}, "username"),
        ("assign", {"username": "a\0b"}, "username"), ("assign", {"username": 5}, "username"),
        ("acknowledge", {"x": 1}, "x"), ("acknowledge", [], ""), ("acknowledge", "x", ""), ("acknowledge", 5, ""),
        ("relay", {}, "agency"), ("relay", {"agency": "nobody"}, "agency"), ("relay", {"agency": "bells"}, "agency"),
        ("relay", {"agency": "a\0b"}, "agency"), ("relay", {"agency": "police112", "cameras": 5}, "cameras"),
        ("relay", {"agency": "police112", "cameras": ["1"]}, "cameras"), ("relay", {"agency": "police112", "cameras": [True]}, "cameras"),
        ("relay", {"agency": "police112", "cameras": [2**63]}, "cameras"), ("relay", {"agency": "police112", "cameras": [-1]}, "cameras"),
        ("relay", {"agency": "police112", "message": "x" * 2001}, "message"), ("relay", {"agency": "police112", "message": 5}, "message"),
        ("split", {}, "events"), ("split", {"events": "x"}, "events"), ("split", {"events": [5]}, "events"),
        ("split", {"events": ["a\0b"]}, "events"), ("split", {"events": ["x"]}, "events"), ("merge", {"into": "a\0b"}, "into"),
        ("merge", {"into": 5}, "into"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_understood_is_refused_by_field(kim, town, action, body, field):
    incident = open_incident(town, "CRM-02", status="confirmed")
    assert wrong_fields(kim.send(f"{URL}/{incident.number}/{action}", body)) == [field]
    assert Change.objects.count() == 1


@pytest.mark.parametrize("minutes", [0, 61, -1, "x", None, True, 1.5, 10**30, [], {}])
def test_shelving_minutes(kim, town, minutes):
    path = f"{URL}/{open_incident(town, 'ORD-01').number}/shelve"
    assert wrong_fields(kim.send(path, {"reason": "x", "minutes": minutes})) == ["minutes"]


def test_merging_into_what_is_not_there_or_not_ours_is_404(kim, town, other):
    path = f"{URL}/{open_incident(town).number}/merge"
    for into in ("", "nothing", open_incident(other).number):
        problem_of(kim.send(path, {"into": into}), 404)


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"", b"nonsense", b"\xff\xfe", b'{"note": "\\ud800"}', b'{"note": NaN}', b'{"note": 1e999}',
        b"[" * 5000 + b"]" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_json_is_400(kim, town, raw):
    path = f"{URL}/{open_incident(town).number}/note"
    problem_of(kim.post(path, raw, content_type="application/json"), 400)


def test_another_content_type_is_415_and_too_much_413(kim, town):
    path = f"{URL}/{open_incident(town).number}/note"
    problem_of(kim.post(path, "note=x", content_type="application/x-www-form-urlencoded"), 415)
    problem_of(kim.post(path, {"note": "x"}), 415)
    problem_of(kim.send(path, {"note": "x" * 1_100_000}), 413)
    assert kim.post(path, b'{"note": "x"}', content_type="application/json; charset=utf-8").status_code == 200


def test_a_supervisors_override_over_rest(kim, park, town):
    incident = open_incident(town, "CRM-02")
    kim.send(f"{URL}/{incident.number}/relay", {"agency": "police112"})
    kim.send(f"{URL}/{incident.number}/confirm")
    close = {"result_code": "RC-01", "note": "they forgot", "override": True}
    problem_of(kim.send(f"{URL}/{incident.number}/close", close), 409)
    problem_of(park.send(f"{URL}/{incident.number}/close", {**close, "override": False}), 409)
    assert wrong_fields(park.send(f"{URL}/{incident.number}/close", {**close, "note": ""})) == ["note"]
    assert park.send(f"{URL}/{incident.number}/close", close).json()["incident"]["status"] == "closed"


# ── Relaying ───────────────────────────────────────────────────────────────────────────────────────


def camera(town, name, north_m):
    return Camera.objects.create(
        municipality=town.municipality, source="t", site_number=name, name=name, lat=LAT + north_m * METRE, lon=LON
    )


def test_the_preview_is_what_will_be_sent(kim, town):
    for n in range(7):
        camera(town, f"C-{n}", 60 * n)
    camera(town, "far", 501)
    incident = open_incident(town, "CRM-02", apart=False)
    preview = kim.get(f"{URL}/{incident.number}/relay-preview?agency=police112").json()
    assert preview["agency"] == {
        "slug": "police112", "name": {"ko": "police112", "en": "police112"}, "phone": "042-112", "enabled": True,
    }  # fmt: skip
    assert [one["name"] for one in preview["payload"]["cameras"]] == [f"C-{n}" for n in range(5)]
    assert preview["payload"]["cameras"][1]["distance_m"] == 60
    kim.send(f"{URL}/{incident.number}/relay", {"agency": "police112"})
    sent = Delivery.objects.get().payload
    assert {name: sent[name] for name in preview["payload"]} == preview["payload"]
    assert set(sent) - set(preview["payload"]) == {"relay", "callback_url", "at", "opened_at"}


def test_the_operators_words_and_cameras_go_with_it(kim, town, other):
    ours, theirs = camera(town, "ours", 900), camera(other, "theirs", 10)
    incident = open_incident(town, "CRM-02", apart=False)
    body = {"agency": "police112", "message": "칼을 들었습니다", "cameras": [theirs.pk, ours.pk]}
    answer = kim.send(f"{URL}/{incident.number}/relay", body).json()
    sent = Delivery.objects.get().payload
    assert sent["text"] == "칼을 들었습니다" and [one["id"] for one in sent["cameras"]] == [ours.pk]
    assert answer["incident"]["relays"][0]["state"] == "queued" and answer["incident"]["status"] == "acked"
    assert not {"holder", "relays", "moves"} & set(sent["incident"]), "what is internal stays here"


@pytest.mark.parametrize("agency", ["", "nobody", "bells", "%00"])
def test_a_preview_needs_an_agency(kim, town, agency):
    path = f"{URL}/{open_incident(town).number}/relay-preview?agency={agency}"
    assert wrong_fields(kim.get(path)) == ["agency"]


def test_relaying_to_an_agency_that_ended_its_case_is_409(kim, town):
    incident = open_incident(town, "CRM-02")
    kim.send(f"{URL}/{incident.number}/relay", {"agency": "police112"})
    hear(Relay.objects.get(), "declined")
    body = problem_of(kim.send(f"{URL}/{incident.number}/relay", {"agency": "police112"}), 409)
    assert body["current"]["relays"][0]["state"] == "declined"


def test_relays_are_listed_newest_first_in_pages(kim, town):
    made = []
    for _ in range(5):
        incident = open_incident(town, "CRM-02")
        answer = kim.send(f"{URL}/{incident.number}/relay", {"agency": "police112"}).json()
        made.append(answer["incident"]["relays"][0])
    first = kim.get("/api/v1/relays", {"page_size": 3}).json()
    rest = kim.get("/api/v1/relays", {"page_size": 3, "cursor": first["cursor"]}).json()
    assert [one["id"] for one in first["relays"] + rest["relays"]] == [one["id"] for one in made[::-1]]
    assert (first["more"], rest["more"], rest["cursor"]) == (True, False, None)
    assert kim.get(f"/api/v1/relays/{made[0]['id']}").json() == made[0]
    mine = kim.get("/api/v1/relays", {"incident": made[1]["incident"]}).json()["relays"]
    assert mine == [made[1]] and kim.get("/api/v1/relays?attention=1").json()["relays"] == []
    for query, field in (("page_size=0", "page_size"), ("cursor=-1", "cursor"), ("cursor=x", "cursor"), ("incident=%00", "incident")):
        assert wrong_fields(kim.get(f"/api/v1/relays?{query}")) == [field]


def test_a_telephone_call_settles_a_relay_once(kim, town):
    incident = open_incident(town, "CRM-02")
    kim.send(f"{URL}/{incident.number}/relay", {"agency": "police112"})
    path = f"/api/v1/relays/{Relay.objects.get().pk}/called-by-hand"
    for bad in (5, "x" * 2001, "a\0b"):
        assert wrong_fields(kim.send(path, {"note": bad})) == ["note"]
    body = kim.send(path, {"note": "김 순경"}).json()
    assert (body["state"], body["called_by"], body["note"]) == ("by_hand", "kim", "김 순경")
    assert kim.send(path).json() == body
    assert list(Change.objects.values_list("kind", flat=True)).count("relay.by_hand") == 1
    assert Delivery.objects.get().state == "dropped"
