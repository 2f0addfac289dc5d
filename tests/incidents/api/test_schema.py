"""The OpenAPI document is valid, says everything, and whatever it lets a client send is answered, never with a 500."""

import io
import json

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from incidents import operations as op
from incidents import suppression
from incidents.models import Event, Geofence, Incident
from incidents.relaying import compose
from linkage.models import Relay
from ocenter.accounts.models import Preference
from services.procedures.models import Procedure
from tests.incidents.api.conftest import Caller
from tests.incidents.api.routes import ROUTES
from tests.incidents.cast import by, key_of, open_incident
from tests.services.video_cast import gateway_heard, make_camera, make_view

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_settings = settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def document():
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    return json.loads(out.getvalue())


def test_it_is_openapi_3_1_without_a_warning(document):
    assert document["openapi"].startswith("3.1.")


def test_every_endpoint_is_in_it(document):
    described = set(document["paths"])
    assert {one.described for one in ROUTES} <= described


def test_every_operation_has_its_own_name_and_a_summary_or_description(document):
    operations = [one for path in document["paths"].values() for name, one in path.items() if name != "parameters"]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert all(one.get("summary") or one.get("description") for one in operations)


def test_it_is_served_with_its_pages_and_without_another_origin(client):
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    assert page.status_code == 200 and b"//cdn" not in page.content and b"https://" not in page.content


def probes():
    """(method, path as OpenAPI writes it) of everything but the callback, whose signature no generator guesses."""
    for route in ROUTES:
        if route.name not in ("events", "feeds", "relay-status"):
            yield from ((method, route.described) for method in sorted(route.methods))


@pytest.fixture(scope="module")
def contract(document):
    """The document without its security: else the generator invents keys and sessions, and hears 401 all day."""
    open_document = json.loads(json.dumps(document))
    for path in open_document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    return schemathesis.openapi.from_dict(open_document)


@pytest.fixture
def application():
    """Django itself, which leaves the test's transaction its connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def bell(town):
    incident = open_incident(town, "CRM-02")
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    return incident


def followed(town):
    """An incident in work whose procedure is the one that comes with us."""
    Procedure.objects.filter(municipality=town.municipality).delete()
    incident = open_incident(town, "BEL-01")
    op.incident_acknowledge(number=incident.number, by=by(town.kim))
    return incident


def several_events(incident):
    """Gives it a second event, so that one can be split off."""
    other = Event.objects.filter(code="CRM-02").exclude(incident=incident).first()
    other.incident = incident
    other.save()
    Incident.objects.filter(pk=incident.pk).update(event_count=2)


@pytest.mark.parametrize("method, path", list(probes()))
def test_whatever_is_asked_is_answered_as_the_contract_says(contract, application, town, bell, method, path):
    """Names of things are drawn at random, but mostly they are those of real things."""
    operation = contract[path][method]
    caller = Caller(user=town.auditor if path == "/api/v1/views" else town.park)
    camera = make_camera(town, ptz=False)  # nobody is there to turn it
    gateway_heard()
    spare = open_incident(town, "CRM-02")
    Preference.objects.create(user=town.park, name="wall", value=1)
    suppressed = suppression.source_suppress(
        municipality=town.municipality, by=by(town.park), system="bells", device_id="B-1", reason="chatters", minutes=60
    )
    real = {
        "number": bell.number, "relay_id": str(Relay.objects.get().pk), "agency": "fire119", "into": spare.number,
        "events": [bell.events.get().source_id], "cameras": [camera.pk], "username": "lee", "name": "wall",
        "camera": camera.pk, "incident": bell.number, "view": str(make_view(town.park, camera).pk),
        "system": "sensors", "suppression_id": suppressed, "step": "voice", "choice": "danger",
    }  # fmt: skip
    square = {"type": "Polygon", "coordinates": [[[127, 36], [127.1, 36], [127.1, 36.1], [127, 36]]]}
    real |= {"geofence_id": Geofence.objects.create(municipality=town.municipality, name="x", area=square).pk, "area": square}
    if "/procedure/" in path:
        real["number"] = followed(town).number
    several_events(bell)
    cookies = {"sessionid": caller.cookies["sessionid"].value, "csrftoken": "x" * 32}
    headers = {"X-CSRFToken": "x" * 32, "Content-Type": "application/json", "Accept-Encoding": "identity"}

    def answers(*modes):
        heard = set()

        @_settings
        @given(st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes)), st.integers(0, 3))
        def probe(case, stray):
            if stray:
                for part in (case.path_parameters, case.query, case.body):
                    if isinstance(part, dict):
                        part.update({name: real[name] for name in part.keys() & real})
            response = case.call(app=application, headers=headers, cookies=cookies)
            case.validate_response(response, checks=CHECKS)
            heard.add(response.status_code)

        probe()
        return heard

    allowed = answers(GenerationMode.POSITIVE)
    assert allowed & {200, 201, 204, 304, 409} and not allowed & {401, 403}, f"nothing got through: {allowed}"
    answers(GenerationMode.POSITIVE, GenerationMode.NEGATIVE)  # where nothing is asked for, nothing is wrong


@pytest.mark.usefixtures("intake_door")
def test_whatever_is_reported_is_answered_as_the_contract_says(contract, application, town):
    headers = {"Authorization": f"Bearer {key_of(town.bells)}", "Content-Type": "application/json"}

    for mode in GenerationMode:

        @_settings
        @given(contract["/api/v1/events"]["post"].as_strategy(generation_mode=mode))
        def probe(case):
            case.validate_response(case.call(app=application, headers=headers), checks=CHECKS)

        probe()
