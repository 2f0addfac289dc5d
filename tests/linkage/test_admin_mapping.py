"""The mapping page: tried on a sample, saved only where it understands it, and by whom it may be."""

import json

import pytest
from django.urls import reverse

from linkage.admin import mapping_form
from linkage.admin.mapping import result_of
from linkage.feeds.mapped_json.discover import lists_in, paths_in
from linkage.models import LinkedSystem
from ocenter.accounts.models import AuditEntry
from tests.accounts.cast import make_city, make_system

ITEM = {"kind": "사고", "at": "20261123090000", "x": "127.38", "y": "36.35", "no": "7", "text": "추돌", "소재지": "둔산동"}
SAMPLE = json.dumps({"body": {"items": [ITEM, {**ITEM, "no": "8", "kind": "작업"}]}}, ensure_ascii=False)
POSTED = {
    "records": "body.items", "from.subject": "hash", "value.subject": "no; at", "value.occurred_at": "at",
    "value.lat": "y", "value.lon": "x", "value.code": "kind", "value.summary": "[text]", "default.summary": "돌발",
    "value.address": '"소재지"', "from.grade": "constant", "value.grade": "",
    "code_value": ["사고", "작업", ""], "code_code": ["TRF-1", "TRF-2", ""], "code_grade": ["G2", "", ""],
    "attr_name": ["no", ""], "attr_path": ["no", ""], "time_format": "yyyyMMddHHmmss", "time_zone": "Asia/Seoul",
    "crs": "EPSG:4326", "order": "", "missing": "", "sample": SAMPLE,
}  # fmt: skip
MAPPING = {
    "records": "body.items",
    "fields": {
        "subject": {"hash": ["no", "at"]}, "occurred_at": {"path": "at"}, "code": {"path": "kind"}, "lat": {"path": "y"},
        "lon": {"path": "x"}, "summary": {"path": "[text]", "default": "돌발"}, "address": {"path": '"소재지"'},
    },
    "attributes": {"no": "no"},
    "codes": {"table": {"사고": {"code": "TRF-1", "grade": "G2"}, "작업": "TRF-2"}, "otherwise": "refuse"},
    "time": {"format": "yyyyMMddHHmmss", "zone": "Asia/Seoul"},
    "position": {"crs": "EPSG:4326"},
}  # fmt: skip


@pytest.fixture
def city(db):
    return make_city()


@pytest.fixture
def feed(city):
    return make_system(city.municipality, "roads", kind="feed", feed_format="mapped_json")


@pytest.fixture
def page(client, city):
    client.force_login(city.administrator)
    client.cookies["django_language"] = "en"
    return client


def at(name, system):
    return reverse(f"admin:linkage_linkedsystem_{name}", args=[system.pk])


def save(page, feed, **changes):
    return page.post(at("mapping", feed), {**POSTED, "do": "save", **changes})


def saved(feed):
    return LinkedSystem.objects.get(pk=feed.pk).mapping


def test_a_mapping_that_understands_the_sample_is_saved_with_it(page, feed):
    assert save(page, feed).status_code == 302
    assert saved(feed) == {**MAPPING, "sample": SAMPLE}


def test_a_saved_mapping_is_audited_with_before_and_after_but_without_the_sample(page, feed):
    save(page, feed)
    save(page, feed, **{"value.summary": "text"})
    entry = AuditEntry.objects.first()
    assert entry.action == "mapping.saved" and entry.actor == "administrator"
    assert entry.detail["before"] == MAPPING and entry.detail["after"]["fields"]["summary"]["path"] == "text"
    assert "둔산동" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    "changes",
    [
        {"sample": ""}, {"sample": "{"}, {"sample": '{"body": {"items": []}}'}, {"records": "nowhere"}, {"value.lat": ""},
        {"code_value": ["사고"], "code_code": ["TRF-1"], "code_grade": [""]}, {"code_code": ["XXX-1", "TRF-2", ""]},
        {"value.occurred_at": "no"}, {"crs": "EPSG:5186"}, {"sample": SAMPLE.replace("2026", "2096")},
        {"view": "raw", "raw": "{"}, {"view": "raw", "raw": "[]"}, {"sample": SAMPLE + " " * 70_000},
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_understand_the_whole_sample_is_not_saved(page, feed, changes):
    answer = save(page, feed, **changes)
    assert answer.status_code == 200 and saved(feed) == {}
    assert "Not saved" in answer.content.decode() and not answer.context["result"].can_be_saved
    assert not AuditEntry.objects.filter(action="mapping.saved").exists()


def test_an_edit_is_tried_on_the_kept_sample(page, feed):
    save(page, feed)
    shown = page.get(at("mapping", feed))
    assert shown.context["sample"] == SAMPLE and shown.context["result"].can_be_saved
    assert save(page, feed, **{"value.lon": "text", "sample": shown.context["sample"]}).status_code == 200
    assert saved(feed)["fields"]["lon"] == {"path": "x"}


def test_the_preview_shows_events_errors_and_what_each_rule_found_and_saves_nothing(page, feed):
    changed = {"value.expires_at": "until", "code_value": ["작업", "행사"], "code_code": ["TRF-2", "TRF-3"], "code_grade": ["", ""]}
    answer = page.post(at("mapping_preview", feed), {**POSTED, **changed})
    shown = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in shown and saved(feed) == {}
    assert "1 of 2 records understood" in shown and "matches nothing" in shown and "0 / 2" in shown
    assert "stands in no table" in shown and 'data-value="사고"' in shown and "행사" in shown
    assert "2026-11-23T09:00:00+09:00" in shown


def test_the_preview_of_a_half_filled_form_names_what_is_missing_and_the_fields_of_the_sample(page, feed):
    shown = page.post(at("mapping_preview", feed), {"sample": SAMPLE}).content.decode()
    assert "fields.occurred_at" in shown and "fields.code" in shown
    assert "body.items" in shown and "&quot;소재지&quot;" in shown, "a path comes as JMESPath takes it"


def test_what_is_in_a_sample_cannot_become_markup(page, feed):
    shown = page.post(at("mapping_preview", feed), {**POSTED, "sample": SAMPLE.replace("추돌", "<script>x</script>")})
    assert "<script>x" not in shown.content.decode()


def test_the_raw_view_saves_what_the_form_cannot_show(page, feed):
    raw = {**MAPPING, "fields": {**MAPPING["fields"], "id": {"hash": ["@", "no"]}}}
    assert save(page, feed, view="raw", raw=json.dumps(raw)).status_code == 302
    assert saved(feed)["fields"]["id"] == {"hash": ["@", "no"]}


def test_the_form_and_the_mapping_are_the_same_both_ways():
    fields = mapping_form.form_of(MAPPING)
    assert [row.value for row in fields["rows"] if row.name == "subject"] == ["no; at"]
    assert fields["codes"][:2] == [("사고", "TRF-1", "G2"), ("작업", "TRF-2", "")]
    assert fields["attributes"][0] == ("no", "no") and fields["codes_else"] == ("", "")


def test_every_field_of_an_event_stands_in_the_form(page, feed):
    shown = page.get(at("mapping", feed)).content.decode()
    assert all(f'name="value.{name}"' in shown for name in mapping_form.FIELDS)


def test_lists_and_fields_of_a_sample_are_found():
    content = {"a": {"list": [{"x y": 1, "g": {"type": "Point", "coordinates": [1, 2]}}]}, "other": [{}, {}]}
    assert [one.path for one in lists_in(content)] == ["other", "a.list"]
    assert {one.path for one in paths_in(content["a"]["list"])} >= {'"x y"', "g", "g.coordinates"}


def test_nothing_in_a_document_or_a_sample_raises():
    for document in (None, [], {"fields": 3}, {"records": 5}, {"codes": []}, {"fields": {"lat": {"path": {}}}}):
        for sample in ("", "x", "[]", "3", '"x"', "[1, 2]", '{"a": [[]]}', SAMPLE):
            assert not result_of(document, sample).can_be_saved
            mapping_form.form_of(document if isinstance(document, dict) else {})


# --- borders ---


def test_only_systems_with_a_mapped_format_have_the_page(page, city):
    assert page.get(at("mapping", city.feed)).status_code == 404
    assert page.get(at("mapping", city.agency)).status_code == 404


def test_anothers_mapping_is_not_there(page, feed):
    other = make_city(code="36110", name_ko="세종", name_en="Sejong", prefix="other-")
    theirs = make_system(other.municipality, "roads", kind="feed", feed_format="mapped_json")
    assert page.get(at("mapping", theirs)).status_code == 404
    assert save(page, theirs).status_code == 404 and saved(theirs) == {}
    assert page.post(at("mapping_preview", theirs), POSTED).status_code == 404


def test_an_auditor_sees_the_mapping_masked_and_changes_nothing(client, city, feed):
    LinkedSystem.objects.filter(pk=feed.pk).update(mapping={**MAPPING, "sample": SAMPLE.replace("추돌", "010-1234-5678")})
    client.force_login(city.auditor)
    shown = client.get(at("mapping", feed))
    assert shown.status_code == 200 and 'value="save"' not in shown.content.decode()
    assert "010-1234-5678" not in shown.context["sample"]
    assert save(client, feed).status_code == 403 and client.post(at("mapping_preview", feed), POSTED).status_code == 403


@pytest.mark.parametrize("role", ["operator", "supervisor"])
def test_other_roles_have_no_mapping_page(client, city, feed, role):
    client.force_login(getattr(city, role))
    assert client.get(at("mapping", feed), follow=True).status_code == 403
