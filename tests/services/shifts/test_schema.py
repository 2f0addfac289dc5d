"""The shift's part of the OpenAPI document: whatever it lets a client send is answered as it says, never with a 500."""

import io
import json

import pytest
import schemathesis
from django.core.management import call_command
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.incidents.api.conftest import Caller
from tests.incidents.api.test_schema import CHECKS, application  # noqa: F401 (a fixture)
from tests.services.shifts.cast import begin, draft, signed
from tests.services.shifts.test_api import BODIES, ENDPOINTS

ROOM = settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def contract():
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    document = json.loads(out.getvalue())
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    return schemathesis.openapi.from_dict(document)


def operations():
    for name, path in ENDPOINTS:
        path = path.replace("<id:handover_id>", "{handover_id}").replace("<id:notice_id>", "{notice_id}")
        if name not in BODIES or name in ("shift-handovers", "shift-notices"):
            yield "get", path
        if name in BODIES:
            yield "post", path


@pytest.mark.parametrize("method, path", list(operations()))
def test_whatever_is_asked_is_answered_as_the_contract_says(contract, application, town, method, path):  # noqa: F811
    """Half of the time it is about the handover that waits, by somebody who may sign it."""
    handover = signed(town) if method == "post" and not path.endswith(("/sign", "/notes")) else None
    if handover is None:
        begin(town.park), draft(town.park)
    operation = contract[path][method]
    caller = Caller(user=town.park)
    cookies = {"sessionid": caller.cookies["sessionid"].value, "csrftoken": "x" * 32}
    headers = {"X-CSRFToken": "x" * 32, "Content-Type": "application/json", "Accept-Encoding": "identity"}
    real = {"handover_id": 1, "notice_id": 1, "crew": "A", "version": 1, "digest": handover.digest if handover else ""}
    heard = set()

    @ROOM
    @given(st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)), st.booleans())
    def probe(case, stray):
        for part in (case.path_parameters, case.body) if stray else ():
            if isinstance(part, dict):
                part.update({name: real[name] for name in part.keys() & real})
        response = case.call(app=application, headers=headers, cookies=cookies)
        case.validate_response(response, checks=CHECKS)
        heard.add(response.status_code)

    probe()
    assert heard and not heard & {401, 403}
