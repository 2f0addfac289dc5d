"""How incidents and relays look from outside: the shapes every client relies on."""

import typing

import orjson
import pytest
from django.utils import timezone

from incidents import operations as op
from incidents.codes import CODES, SERVICE_BY_FAMILY, Family
from incidents.models import Incident
from incidents.payloads import IncidentPayload, RelayPayload, incident_payload, relay_payload
from incidents.relaying import compose
from incidents.selectors import relays_by_subject, whole_incidents
from incidents.states import moves_from
from linkage.models import Relay
from tests.incidents.cast import by, event, hear, open_incident, receive


def fits(value, hint):
    """Whether a value is what its type hint says, as far as JSON goes."""
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, type(int | None)) else (hint,)
    for option in options:
        base = typing.get_origin(option) or option
        if typing.is_typeddict(base) or base is typing.Any:
            base = dict
        if (base is float and type(value) in (int, float)) or type(value) is base:
            return True
    return False


def assert_fits(payload, shape):
    hints = typing.get_type_hints(shape)
    assert set(payload) == set(hints)
    for name, hint in hints.items():
        assert fits(payload[name], hint), (name, payload[name], hint)


def shown(incident):
    return incident_payload(whole_incidents().get(pk=incident.pk), relays_by_subject([incident.number])[incident.number])


def test_a_new_incident_has_every_field_and_nothing_else(town):
    payload = shown(open_incident(town, summary="도와주세요", device_id="B-1"))
    assert_fits(payload, IncidentPayload)
    assert payload["title"] == {"ko": "비상벨 호출", "en": "Emergency bell pressed"}
    assert (payload["service"], payload["family"], payload["grade"]) == ("bell", "BEL", "G2")
    assert payload["source"] == {"system": "bells", "name": {"ko": "bells", "en": "bells"}, "device_id": "B-1"}
    for name in ("holder", "closed_at", "acknowledged_at", "result_code", "reason", "merged_into", "shelved_until", "shelf", "offer", "escalated_at"):
        assert payload[name] is None
    assert payload["moves"] == moves_from("open") and orjson.dumps(payload)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_names_a_grade_a_family_and_a_service(code):
    one = CODES[code]
    assert one.family in Family.values and one.service == SERVICE_BY_FAMILY[one.family]
    assert all(one.name.values()) and one.grade in {"G1", "G2", "G3", "G4", "G5"}


def test_an_incident_that_lived_has_every_field_filled(town):
    (receipt,) = receive(town, event("CRM-02"))
    incident = Incident.objects.get(number=receipt.incident)
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    relay = Relay.objects.get()
    for word in ("accepted", "dispatched"):
        hear(relay, word, unit="순찰 7", eta_s=90, lat=36.3, lon=127.4, note="가는 중")
    payload = shown(incident)
    assert_fits(payload, IncidentPayload)
    (told,) = payload["relays"]
    assert_fits(told, RelayPayload)
    assert (told["incident"], told["agency"], told["phone"], told["state"]) == (incident.number, "police112", "042-112", "dispatched")
    assert (told["unit"], told["eta_s"], told["lat"], told["lon"]) == ("순찰 7", 90, 36.3, 127.4)
    assert payload["holder"] == {"username": "kim", "name": "kim"} and told["attention"] is None


def test_a_relay_that_needs_an_operator_says_since_when_and_why(town):
    incident = open_incident(town, "CRM-02")
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    relay = Relay.objects.get()
    relay.attention_reason, relay.attention_at = "HTTP 500", timezone.now()
    payload = relay_payload(relay)
    assert_fits(payload, RelayPayload)
    assert payload["attention"] == {"reason": "HTTP 500", "since": relay.attention_at.isoformat()}


def test_times_are_iso_8601_with_an_offset(town):
    payload = shown(open_incident(town))
    for name in ("occurred_at", "received_at", "last_event_at", "ack_due_at"):
        assert payload[name].endswith("+00:00") and payload[name][10] == "T"


def test_a_page_of_incidents_costs_a_fixed_number_of_queries(town, django_assert_num_queries):
    from incidents.payloads import incident_payloads
    from incidents.selectors import visible_incidents

    for _ in range(12):
        incident = open_incident(town, "CRM-02")
        op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    with django_assert_num_queries(2):
        page = list(visible_incidents(by(town.kim)))
        assert len(incident_payloads(page, relays_by_subject([one.number for one in page]))) == 12
