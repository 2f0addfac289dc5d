"""CAP at the public doors: messages in, incidents out, in whatever order they come."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import operations as op
from incidents.models import Event, Incident
from linkage.cap.reading import read
from linkage.cap.writing import KOREAN_TIME
from linkage.models import LinkedSystem, Quarantined
from tests.accounts.cast import make_system
from tests.incidents.api.conftest import problem_of
from tests.incidents.cast import assert_ledger_is_whole, by, kinds, last_change, open_incident
from tests.linkage.caps import alert, area, fits_the_schema, info, sample

pytestmark = pytest.mark.usefixtures("intake_door")

VALID = [
    "australia.cap", "earthquake.cap", "earthquake-iso8859-1.cap", "no_optional_fields.cap", "oasis_example1.xml",
    "oasis_example2.xml", "weather.cap",
]  # fmt: skip
SENDER = "alerts@kma.example"
SQUARE = "36.30,127.30 36.40,127.30 36.40,127.40 36.30,127.40 36.30,127.30"
WIDER = "36.20,127.20 36.45,127.20 36.45,127.45 36.20,127.45 36.20,127.20"


def at(minutes):
    """A time in Korea, that many minutes from now."""
    return (timezone.now().astimezone(KOREAN_TIME) + timedelta(minutes=minutes)).isoformat(timespec="seconds")


@pytest.fixture
def source(calls, town):
    """A publisher of warnings linked to the town; `source(document)` posts one and gives the answer."""
    system = make_system(town.municipality, "cap", kind="feed", feed_format="cap")
    caller = calls(system)

    def post(document):
        return caller.post("/api/v1/feeds/cap", document, content_type="application/cap+xml")

    return post


def taken(response):
    assert response.status_code == 202, response.content
    return response.json()


class Story:
    """A warning as its publisher tells it: an Alert, an Update that is graver and wider, a Cancel."""

    def __init__(self, *, tag="", chained=False):
        self.sent = {f"{tag}{name}": at(minutes) for name, minutes in (("A", -30), ("U1", -20), ("U2", -10), ("C", -5))}
        self.tag, self.chained = tag, chained

    def name_of(self, *names):
        """References to these messages."""
        return " ".join(f"{SENDER},{one},{self.sent[one]}" for one in names)

    def _before(self, name):
        earlier = list(self.sent)[: list(self.sent).index(name)]
        return self.name_of(*(earlier[-1:] if self.chained else earlier))

    def alert(self):
        told = info(area(polygon=SQUARE), severity="Moderate", headline="호우주의보", times=f"<expires>{at(60)}</expires>")
        return self._message("A", "Alert", told)

    def update(self, name="U1", severity="Severe", headline="호우경보"):
        told = info(area(polygon=WIDER), severity=severity, headline=headline, times=f"<expires>{at(120)}</expires>")
        return self._message(name, "Update", told)

    def cancel(self):
        return self._message("C", "Cancel")

    def all(self):
        """The whole story."""
        return [self.alert(), self.update(), self.update("U2", "Minor", "약해짐"), self.cancel()]

    def _message(self, name, kind, *infos):
        own = self.tag + name
        return alert(*infos, identifier=own, sent=self.sent[own], kind=kind, references=self._before(own))


class TestComingIn:
    def test_an_alert_opens_an_incident_with_its_area_and_end(self, source, town):
        answer = taken(source(Story().alert()))
        (incident,) = Incident.objects.all()
        assert answer["accepted"] == 1 and answer["results"][0]["incident"] == incident.number
        assert (incident.code, incident.grade, incident.summary) == ("DIS-01", "G3", "호우주의보")
        assert incident.area["type"] == "Polygon" and 36.3 < incident.lat < 36.4
        assert incident.expires_at > timezone.now() + timedelta(minutes=50)

    def test_an_update_by_references_raises_the_same_incident(self, source, town):
        story = Story()
        taken(source(story.alert()))
        op.incident_acknowledge(number=Incident.objects.get().number, by=by(town.kim))
        taken(source(story.update()))
        (incident,) = Incident.objects.all()
        assert (incident.grade, incident.summary, incident.status) == ("G2", "호우경보", "open")
        assert kinds(incident)[-1] == "incident.raised" and incident.area["coordinates"][0][0][0] == pytest.approx(127.2, abs=0.3)
        assert_ledger_is_whole(town)

    @pytest.mark.parametrize("chained", [False, True], ids=["all named", "only the one before"])
    def test_a_cancel_takes_it_out_of_the_queue(self, source, town, chained):
        story = Story(chained=chained)
        for document in story.all():
            taken(source(document))
        (incident,) = Incident.objects.all()
        assert (incident.status, incident.grade, incident.summary, incident.event_count) == ("cancelled", "G4", "약해짐", 3)

    def test_an_all_clear_leaves_an_incident_at_work_to_its_operator(self, source, town):
        story = Story()
        taken(source(story.alert()))
        op.incident_acknowledge(number=Incident.objects.get().number, by=by(town.kim))
        clear = alert(info(response="AllClear"), identifier="U1", sent=story.sent["U1"], kind="Update", references=story.name_of("A"))
        taken(source(clear))
        assert Incident.objects.get().status == "resolved"

    def test_in_whatever_order_they_come_the_warning_is_one_and_ends_cancelled(self, source, town):
        for n, order in enumerate(itertools.permutations(range(4))):
            documents = Story(tag=f"{n}-").all()
            numbers = {taken(source(documents[place]))["results"][0]["incident"] for place in order} - {None}
            assert len(numbers) <= 1, order
        assert not Incident.objects.exclude(status="cancelled").exists()
        assert Event.objects.count() == 24 * 4
        assert_ledger_is_whole(town)

    def test_without_the_cancel_the_newest_word_stands(self, source, town):
        for n, order in enumerate(itertools.permutations(range(3))):
            documents = Story(tag=f"{n}-").all()
            (number,) = {taken(source(documents[place]))["results"][0]["incident"] for place in order}
            incident = Incident.objects.get(number=number)
            assert (incident.summary, incident.grade) == ("약해짐", "G4"), order

    def test_a_repeat_changes_nothing(self, source, town):
        story = Story()
        for document in (story.alert(), story.update(), story.cancel()):
            first = taken(source(document))["results"][0]["incident"]
            before = (kinds(town), Event.objects.count())
            again = taken(source(document))
            assert again["duplicates"] == 1 and again["results"][0]["incident"] == first
            assert (kinds(town), Event.objects.count()) == before

    def test_what_has_expired_leaves_the_queue(self, source, town):
        taken(source(alert(info(area(polygon=SQUARE), times=f"<expires>{at(-1)}</expires>"), sent=at(-30))))
        op.incidents_expire()
        incident = Incident.objects.get()
        assert incident.status == "cancelled" and last_change(incident).body["detail"]["because"] == "expired"

    def test_no_exercise_no_test_and_no_acknowledgement_opens_anything(self, source, town):
        for status in ("Exercise", "Test", "System", "Draft"):
            answer = taken(source(alert(info(severity="Extreme"), status=status, sent=at(-1))))
            assert answer == {"accepted": 0, "duplicates": 0, "rejected": 0, "results": []}
        taken(source(alert(kind="Ack", references=Story().name_of("A"), sent=at(-1))))
        assert not Event.objects.exists() and not Quarantined.objects.exists()
        assert LinkedSystem.objects.get(slug="cap").last_contact_at  # a test of the line is a sign of life

    def test_a_fire_warning_calls_nobody_and_a_fire_does(self, source, town):
        fire = {"codes": (), "category": "Fire", "event": "화재", "headline": "둔산동 화재"}
        danger = {**fire, "urgency": "Expected", "headline": "산불 위험 높음"}
        taken(source(alert(info(area(circle="36.35,127.38 0.1"), **danger), identifier="1", sent=at(-2))))
        assert not Incident.objects.get().code.startswith("FIR")
        taken(source(alert(info(area(circle="36.35,127.38 0.1"), **fire), identifier="2", sent=at(-1))))
        assert Incident.objects.filter(code="FIR-01").count() == 1

    def test_what_is_invalid_is_refused_with_the_reason_and_kept(self, source, town):
        invalid = [
            (alert(info(severity="Bad")), "alert/info/severity"),
            (alert(info(), kind="Cancel"), "alert/references"),
            (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "declares a DTD"),
            (b"<a>" * 10_000, "nested more than"),
            (b"no xml", "no well-formed XML"),
        ]
        for document, said in invalid:
            assert said in problem_of(source(document), 400)["detail"]
            kept = Quarantined.objects.latest("pk")
            assert bytes(kept.raw) == document and kept.is_document and said in kept.errors[0]["message"]
        problem_of(source(alert(info(more=f"<description>{'x' * 3_000_000}</description>"))), 413)
        assert Quarantined.objects.count() == len(invalid) and not Event.objects.exists()

    def test_real_files_are_accepted_or_refused_as_they_deserve(self, source, town):
        for name in VALID:
            answer = taken(source(sample(name)))
            # Two of them carry the same identity, and so are one message.
            assert (answer["accepted"], answer["duplicates"]) == ((0, 1) if name == "no_optional_fields.cap" else (1, 0)), name
            assert Incident.objects.get(number=answer["results"][0]["incident"]).summary
        for name in ("invalid.cap", "canada_errors.cap"):
            assert problem_of(source(sample(name)), 400)["detail"].startswith("alert/")


class TestGoingOut:
    def cap(self, caller, number):
        response = caller.get(f"/api/v1/incidents/{number}/cap")
        assert response.status_code == 200 and response["Content-Type"] == "application/cap+xml"
        assert fits_the_schema(response.content), response.content.decode()
        return read(response.content)

    def test_an_incidents_life_as_alert_update_and_cancel(self, calls, town):
        incident = open_incident(town, "FIR-01", summary="상가 <화재> & 연기")
        caller = calls(town.kim)
        first = self.cap(caller, incident.number)
        assert (first.message_type, first.status, first.scope, first.references) == ("Alert", "Actual", "Restricted", ())
        assert [one.event for one in first.infos] == ["화재", "Fire"] and first.infos[0].description == "상가 <화재> & 연기"
        assert first.infos[0].areas[0].circles[0].centre == pytest.approx((incident.lat, incident.lon))
        assert self.cap(caller, incident.number) == first

        op.incident_acknowledge(number=incident.number, by=by(town.kim))
        second = self.cap(caller, incident.number)
        assert second.message_type == "Update" and second.references == (first.identity,)
        op.incident_false_alarm(number=incident.number, by=by(town.kim), reason="FA-01")
        last = self.cap(caller, incident.number)
        assert last.message_type == "Cancel" and last.references == (first.identity, second.identity)
        assert last.infos[0].responses == ("AllClear",) and last.infos[0].urgency == "Past"

    def test_a_warning_that_came_as_cap_goes_out_with_its_area_and_end(self, source, calls, town):
        taken(source(Story().alert()))
        incident = Incident.objects.get()
        (korean, english) = self.cap(calls(town.kim), incident.number).infos
        assert len(korean.areas[0].polygons[0]) == 5 and korean.expires == incident.expires_at.replace(microsecond=0)
        assert [one.value for one in english.event_codes] == ["DIS-01", "HRA"]

    def test_a_demonstration_is_an_exercise(self, calls, town, settings):
        settings.DEMO = True
        assert self.cap(calls(town.kim), open_incident(town).number).status == "Exercise"

    def test_who_may_not_see_the_incident_may_not_see_it_so(self, calls, town, other):
        incident = open_incident(town, "BEL-01")
        address = f"/api/v1/incidents/{incident.number}/cap"
        problem_of(calls(other.kim).get(address), 404)
        problem_of(calls(town.fire).get(address), 404)
        problem_of(calls().get(address), 401)
        problem_of(calls(town.kim).post(address), 405)
        town.fire.reads = ["BEL"]
        town.fire.save()
        assert calls(town.fire).get(address).status_code == 200

    def test_the_schema_names_it(self, calls, town):
        schema = calls(town.kim).get("/api/schema/?format=json").json()
        answers = schema["paths"]["/api/v1/incidents/{number}/cap"]["get"]["responses"]
        assert "application/cap+xml" in answers["200"]["content"]
