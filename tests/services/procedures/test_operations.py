"""Marking steps: success, refusal, repeat; what the ledger, the audit chain and the closing say of it."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone
from django.utils.translation import override

from incidents import operations as op
from incidents import regrouping
from incidents.operations import Invalid, NotAllowedNow
from incidents.relaying import compose
from linkage.models import Relay
from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry
from services.procedures import operations as sop
from services.procedures.following import checklists_raise_overdue
from services.procedures.models import Checklist, Procedure, StepMark
from services.procedures.selectors import followed
from tests.incidents.cast import assert_ledger_is_whole, by, hear, kinds, last_change, open_incident

PAIR = {"ko": "가", "en": "a"}


@pytest.fixture(autouse=True)
def english():
    with override("en"):
        yield


def acknowledged(town, code="BEL-01", user=None):
    incident = open_incident(town, code)
    op.incident_acknowledge(number=incident.number, by=by(user or town.kim))
    incident.refresh_from_db()
    return incident


def confirmed(town, code="BEL-01"):
    incident = acknowledged(town, code)
    op.incident_confirm(number=incident.number, by=by(town.kim))
    incident.refresh_from_db()
    return incident


def do(town, incident, step, user=None):
    return sop.step_do(number=incident.number, step=step, by=by(user or town.kim))


def choose(town, incident, step, choice, user=None):
    return sop.step_choose(number=incident.number, step=step, choice=choice, by=by(user or town.kim))


def skip(town, incident, step, reason="not here", user=None):
    return sop.step_skip(number=incident.number, step=step, reason=reason, by=by(user or town.kim))


def waive(town, incident, reason="storm"):
    return sop.procedure_waive(number=incident.number, reason=reason, by=by(town.park))


def close(town, incident, user=None, **more):
    return op.incident_close(number=incident.number, by=by(user or town.kim), result_code="RC-01", **more)


def state(incident, step):
    return followed(incident).standing.step(step).state


def save(town, applies_to, *steps, active=True):
    definition = {"applies_to": applies_to, "version": 0, "title": PAIR, "steps": [{"text": PAIR, **one} for one in steps]}
    return sop.procedure_save(municipality=town and town.municipality, definition=definition, active=active, by="admin")


# ── Beginning ──────────────────────────────────────────────────────────────────────────────────────


def test_the_acknowledgement_begins_the_checklist_and_nothing_before_does(town):
    incident = open_incident(town)
    assert not Checklist.objects.exists()
    op.incident_acknowledge(number=incident.number, by=by(town.kim))
    checklist = Checklist.objects.get()
    assert (checklist.incident, checklist.applies_to, checklist.version, checklist.timed) == (incident, "BEL", 1, True)
    assert kinds(incident) == ["incident.opened", "incident.acknowledged"]


def test_a_refused_acknowledgement_begins_none(town):
    incident = acknowledged(town)
    with pytest.raises(NotAllowedNow):
        op.incident_acknowledge(number=incident.number, by=by(town.lee))
    assert Checklist.objects.count() == 1


def test_whoever_relays_or_registers_has_acknowledged(town):
    incident = open_incident(town, "CRM-02")
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    assert Checklist.objects.get().incident == incident


def test_a_centres_own_goes_before_every_centres_and_the_code_before_its_family(town, other):
    def version(code="BEL-01"):
        return acknowledged(town, code).checklists.get()

    assert version().procedure is None
    common = save(None, "BEL", {"id": "a", "kind": "check"})
    assert version().procedure == common
    own = save(town, "BEL", {"id": "b", "kind": "check"})
    save(other, "BEL-01", {"id": "x", "kind": "check"})
    assert version().procedure == own
    exact = save(town, "BEL-01", {"id": "c", "kind": "check"})
    assert version().procedure == exact and version("CRM-02").procedure is None


def test_a_procedure_without_steps_asks_for_nothing(town):
    save(town, "BEL")
    incident = confirmed(town)
    assert not Checklist.objects.exists() and followed(incident) is None
    assert close(town, incident).incident["status"] == "closed"


def test_a_running_checklist_keeps_the_version_it_began_with(town):
    first = save(town, "BEL", {"id": "a", "kind": "check", "required": True})
    running = confirmed(town)
    second = save(town, "BEL", {"id": "b", "kind": "check", "required": True})
    assert (first.version, second.version, list(Procedure.objects.filter(active=True))) == (1, 2, [second])
    do(town, running, "a")
    with pytest.raises(sop.NoSuchStep):
        do(town, running, "b")
    assert close(town, running).incident["status"] == "closed"
    assert confirmed(town).checklists.get().version == 2


def test_a_version_that_is_not_active_waits(town):
    first = save(town, "BEL", {"id": "a", "kind": "check"})
    save(town, "BEL", {"id": "b", "kind": "check"}, active=False)
    assert acknowledged(town).checklists.get().procedure == first


def test_a_wrong_procedure_is_refused_by_place(town):
    with pytest.raises(Invalid) as refusal:
        save(town, "BEL", {"id": "a", "kind": "dance"})
    assert refusal.value.field == "steps[0].kind" and not Procedure.objects.exists()


# ── Marking ────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_done_is_a_row_of_the_ledger_and_of_the_audit_chain(town):
    save(town, "BEL", {"id": "a", "kind": "check", "required": True}, {"id": "b", "kind": "check"})
    incident = acknowledged(town)
    result = do(town, incident, "a")
    change = last_change(incident)
    assert (change.kind, change.seq) == ("procedure.step_done", result.seq) and change.body["actor"]["name"] == "kim"
    assert change.body["detail"] == {
        "procedure": "BEL", "version": 1, "step": "a", "step_text": PAIR, "required": True, "owner": "operator", "settled": 1, "total": 2,
    }  # fmt: skip
    entry = AuditEntry.objects.get(action="procedure.step_done")
    assert (entry.actor, entry.subject, entry.detail, entry.address) == ("user:kim", incident.number, change.body["detail"], "10.1.2.3")
    mark = StepMark.objects.get()
    assert (mark.step, mark.kind, mark.by, mark.owner) == ("a", "done", "kim", "operator")
    assert_ledger_is_whole(town)
    assert audit.verify().whole


def test_the_second_learns_who_was_first_and_nothing_is_written(town):
    incident = acknowledged(town)
    do(town, incident, "cameras")
    before = kinds(incident)
    for act in (do, skip):
        with pytest.raises(NotAllowedNow, match="kim has done"):
            act(town, incident, "cameras", user=town.lee)
    assert kinds(incident) == before and StepMark.objects.count() == 1


def test_what_was_skipped_can_still_be_done_and_taken_back(town):
    incident = acknowledged(town)
    skip(town, incident, "cameras", "fog")
    assert state(incident, "cameras") == "skipped"
    with pytest.raises(NotAllowedNow, match="kim has skipped"):
        skip(town, incident, "cameras")
    do(town, incident, "cameras", user=town.lee)
    assert state(incident, "cameras") == "done"
    sop.step_undo(number=incident.number, step="cameras", by=by(town.kim))
    assert state(incident, "cameras") == "open"
    with pytest.raises(NotAllowedNow, match="is open"):
        sop.step_undo(number=incident.number, step="cameras", by=by(town.kim))
    assert [one.kind for one in StepMark.objects.all()] == ["skipped", "done", "undone"]
    assert kinds(incident)[-3:] == ["procedure.step_skipped", "procedure.step_done", "procedure.step_undone"]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301, "a\0b"])
def test_skipping_and_waiving_need_a_reason(town, reason):
    incident = acknowledged(town)
    for act in (lambda: skip(town, incident, "cameras", reason), lambda: waive(town, incident, reason)):
        with pytest.raises(Invalid) as refusal:
            act()
        assert refusal.value.field == "reason"
    assert not StepMark.objects.exists()


def test_a_branch_is_chosen_changed_and_not_repeated(town):
    incident = acknowledged(town)
    with pytest.raises(NotAllowedNow, match="branch that was not taken"):
        do(town, incident, "maintain")
    choose(town, incident, "voice", "mistake")
    assert last_change(incident).body["detail"]["choice_text"]["en"] == "Prank or fault"
    do(town, incident, "maintain")
    with pytest.raises(NotAllowedNow, match="kim has done"):
        choose(town, incident, "voice", "mistake", user=town.lee)
    choose(town, incident, "voice", "danger")
    with pytest.raises(NotAllowedNow, match="branch that was not taken"):
        do(town, incident, "maintain")
    with pytest.raises(Invalid) as refusal:
        choose(town, incident, "voice", "maybe")
    assert refusal.value.field == "choice"


def test_a_choice_is_chosen_and_only_a_choice(town):
    incident = acknowledged(town)
    with pytest.raises(NotAllowedNow, match="Choose one"):
        do(town, incident, "voice")
    with pytest.raises(NotAllowedNow, match="no branches"):
        choose(town, incident, "cameras", "danger")


def test_the_ledger_settles_what_happened_and_that_cannot_be_taken_back(town):
    incident = confirmed(town, "CRM-02")
    assert state(incident, "cameras") == "done"
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    assert state(incident, "police") == "open"  # queued is not told
    hear(Relay.objects.get(), "accepted")
    one = followed(incident).standing.step("police")
    assert (one.state, one.choice, one.by, one.hand) == ("done", "told", "police112", False)
    for step in ("cameras", "police"):
        with pytest.raises(NotAllowedNow, match="ledger"):
            sop.step_undo(number=incident.number, step=step, by=by(town.kim))
    with pytest.raises(NotAllowedNow, match="has done"):
        choose(town, incident, "police", "none")
    assert not StepMark.objects.exists()


def test_a_supervisors_step_is_the_supervisors(town):
    incident = acknowledged(town, "CRM-02")
    for act in (do, skip):
        with pytest.raises(NotAllowedNow, match="supervisor"):
            act(town, incident, "keep")
    do(town, incident, "keep", user=town.park)
    assert StepMark.objects.get().owner == "supervisor"


def test_a_timer_is_done_once_its_minutes_have_passed(town):
    save(town, "BEL", {"id": "a", "kind": "check", "required": True}, {"id": "wait", "kind": "timer", "minutes": 5})
    incident = acknowledged(town)
    with pytest.raises(NotAllowedNow, match="begins once"):
        do(town, incident, "wait")
    do(town, incident, "a")
    with pytest.raises(NotAllowedNow, match="over at"):
        do(town, incident, "wait")
    skip(town, incident, "wait", "they are here")
    sop.step_undo(number=incident.number, step="wait", by=by(town.kim))
    long_ago(incident)
    do(town, incident, "wait")


def long_ago(incident, minutes=30):
    """As if the checklist had begun and been marked long ago; the trigger that keeps marks rests meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE services_stepmark SET at = at - make_interval(mins => %s)", [minutes])
        cursor.execute("SET session_replication_role = origin")
    for one in Checklist.objects.filter(incident=incident):
        one.began_at -= timedelta(minutes=minutes)
        one.save()


@pytest.mark.parametrize("status", ["open", "reopened", "closed", "false_alarm", "merged", "cancelled"])
def test_steps_are_taken_between_acknowledgement_and_end(town, status):
    incident = open_incident(town, status=status)
    for act in (lambda: do(town, incident, "cameras"), lambda: skip(town, incident, "cameras"), lambda: waive(town, incident)):
        with pytest.raises(NotAllowedNow):
            act()
    assert not Checklist.objects.exists()


def test_an_unknown_step_is_none(town):
    with pytest.raises(sop.NoSuchStep):
        do(town, acknowledged(town), "nothing")
    save(town, "ORD")
    for act in (do, skip):
        with pytest.raises(sop.NoSuchStep):
            act(town, acknowledged(town, "ORD-01"), "cameras")


def test_the_database_itself_keeps_marks(town):
    incident = acknowledged(town)
    do(town, incident, "cameras")
    for change in (lambda: StepMark.objects.update(by="lee"), lambda: StepMark.objects.all().delete()):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()
    with pytest.raises(IntegrityError), transaction.atomic():
        Checklist.objects.create(
            incident=incident, municipality=town.municipality, applies_to="BEL", version=1, definition={}, began_at=timezone.now()
        )


# ── Closing ────────────────────────────────────────────────────────────────────────────────────────


def test_the_ordinary_way_closes_without_a_step_of_its_own(town):
    """Acknowledge, verify, relay, confirm, the agency closes, close: the ledger knows enough."""
    incident = acknowledged(town)
    op.incident_verify(number=incident.number, by=by(town.kim))
    op.incident_relay(number=incident.number, by=by(town.kim), request=compose(incident, town.police))
    op.incident_confirm(number=incident.number, by=by(town.kim))
    hear(Relay.objects.get(), "accepted")
    hear(Relay.objects.get(), "closed", result_code="RC-02")
    assert close(town, incident).incident["status"] == "closed"
    assert not StepMark.objects.exists() and not [one for one in kinds(incident) if one.startswith("procedure.")]


def test_closing_waits_for_required_steps_and_names_them(town):
    incident = confirmed(town)
    before = kinds(incident)
    for user in (town.kim, town.park):
        with pytest.raises(NotAllowedNow) as refusal:
            close(town, incident, user, override=True, note="x")
        assert "Do the police know?" in refusal.value.detail
        assert refusal.value.more == {"open_steps": [{"id": "police", "text": {"ko": "112에 알렸는가", "en": "Do the police know?"}, "owner": "operator"}]}
    assert kinds(incident) == before
    choose(town, incident, "police", "none")
    assert close(town, incident).incident["status"] == "closed"


def test_a_skipped_step_and_a_waiver_let_it_close(town):
    skipped, waived = confirmed(town), confirmed(town)
    skip(town, skipped, "police", "handled on site")
    assert close(town, skipped).incident["status"] == "closed"
    waive(town, waived)
    assert last_change(waived).body["detail"]["open_steps"][0]["id"] == "police"
    with pytest.raises(NotAllowedNow, match="Nothing required"):
        waive(town, waived)
    assert close(town, waived).incident["status"] == "closed"


def test_it_is_refused_also_where_nobody_has_opened_the_checklist(town):
    incident = open_incident(town, status="resolved")  # as before there were procedures
    with pytest.raises(NotAllowedNow) as refusal:
        close(town, incident)
    assert [one["id"] for one in refusal.value.more["open_steps"]] == ["cameras", "police"]
    assert not Checklist.objects.exists()
    waive(town, incident)
    assert close(town, incident).incident["status"] == "closed"


def test_false_alarms_tests_and_merges_wait_for_nothing(town):
    false, test, part, whole = (acknowledged(town) for _ in range(4))
    op.incident_false_alarm(number=false.number, by=by(town.kim), reason="FA-01")
    op.incident_false_alarm(number=test.number, by=by(town.kim), reason="FA-06")
    regrouping.incident_merge(number=part.number, by=by(town.kim), into=whole.number)
    assert kinds(part)[-1] == "incident.merged"


def test_a_reopened_incident_begins_anew(town):
    incident = confirmed(town)
    choose(town, incident, "police", "none")
    close(town, incident)
    op.incident_reopen(number=incident.number, by=by(town.kim), reason="again")
    incident.refresh_from_db()
    assert state(incident, "cameras") == state(incident, "police") == "open"
    for act in (op.incident_acknowledge, op.incident_confirm):
        act(number=incident.number, by=by(town.lee))
    incident.refresh_from_db()
    assert incident.checklists.count() == 2 and (state(incident, "cameras"), state(incident, "police")) == ("done", "open")
    with pytest.raises(NotAllowedNow):
        close(town, incident)


def test_the_past_is_shown_as_it_was(town):
    incident = acknowledged(town)
    before = timezone.now()
    do(town, incident, "cameras")
    assert followed(incident, before).standing.step("cameras").state == "open"
    assert followed(incident).standing.step("cameras").state == "done"


# ── Time ───────────────────────────────────────────────────────────────────────────────────────────


def overdue_rows(incident):
    return [one for one in kinds(incident) if one == "procedure.overdue"]


def look_again():
    Checklist.objects.filter(look_at__isnull=False).update(look_at=timezone.now())
    return checklists_raise_overdue()


def test_a_step_whose_time_is_over_is_said_once(town):
    save(town, "BEL", {"id": "a", "kind": "check", "due_s": 60}, {"id": "b", "kind": "check", "due_s": 60})
    incident = acknowledged(town)
    assert look_again() == 0
    long_ago(incident)
    assert [look_again(), look_again()] == [1, 0] and len(overdue_rows(incident)) == 1
    change = last_change(incident)
    assert change.body["detail"]["step"] == "a" and change.body["actor"]["kind"] == "system"
    do(town, incident, "a")
    assert look_again() == 0 and Checklist.objects.get().look_at > timezone.now()
    long_ago(incident)
    assert look_again() == 1 and len(overdue_rows(incident)) == 2
    assert_ledger_is_whole(town)


def test_the_sweeper_looks_when_a_time_is_over_and_not_before(town):
    incident = acknowledged(town)
    assert checklists_raise_overdue() == 0
    looked = Checklist.objects.get().look_at
    assert timezone.now() + timedelta(seconds=50) < looked <= timezone.now() + timedelta(seconds=60)
    assert checklists_raise_overdue() == 0 and Checklist.objects.get().look_at == looked
    op.incident_verify(number=incident.number, by=by(town.kim))  # the ledger moves it on: look again
    assert Checklist.objects.get().look_at <= timezone.now()


def test_nothing_is_overdue_on_the_shelf_nor_after_the_end(town):
    save(town, "ORD", {"id": "a", "kind": "check", "due_s": 60})
    shelved, ended = acknowledged(town, "ORD-01"), acknowledged(town, "ORD-01")
    op.incident_shelve(number=shelved.number, by=by(town.kim), reason="later", minutes=10)
    op.incident_false_alarm(number=ended.number, by=by(town.kim), reason="FA-01")
    for one in (shelved, ended):
        long_ago(one)
    assert look_again() == 0
    assert ended.checklists.get().look_at is None and shelved.checklists.get().look_at > timezone.now()
    op.incident_unshelve(number=shelved.number, by=by(town.kim))
    assert look_again() == 1 and overdue_rows(shelved)


# ── Loading from a file ────────────────────────────────────────────────────────────────────────────


def load(*arguments):
    out = io.StringIO()
    call_command("load_procedures", *arguments, stdout=out)
    return out.getvalue().splitlines()[-1]


def test_a_file_is_loaded_once_and_a_changed_one_as_a_new_version(town, tmp_path):
    path = tmp_path / "bell.toml"
    text = 'applies_to = "BEL"\ntitle = {ko = "벨", en = "Bell"}\n[[steps]]\nid = "a"\nkind = "check"\ntext = {ko = "가", en = "a"}\n'
    path.write_text(text, encoding="utf-8")
    assert load(path, "--municipality", "30000") == "new versions 1, unchanged 0"
    assert load(path, "--municipality", "30000") == "new versions 0, unchanged 1"
    path.write_text(text.replace('"check"', '"check"\nrequired = true'), encoding="utf-8")
    assert load(path, "--municipality", "30000") == "new versions 1, unchanged 0"
    assert load(path, "--all-centres") == "new versions 1, unchanged 0"
    assert list(Procedure.objects.filter(active=True).values_list("municipality__code", "version").order_by("pk")) == [("30000", 2), (None, 1)]
    assert AuditEntry.objects.filter(action="procedure.loaded").count() == 3


def test_a_wrong_file_loads_nothing(town, tmp_path):
    path = tmp_path / "two.toml"
    path.write_text('[[procedures]]\napplies_to = "BEL"\ntitle = {ko = "벨", en = "Bell"}\n[[procedures]]\napplies_to = "XXX"\n', encoding="utf-8")
    with pytest.raises(CommandError, match="two.toml"):
        load(path, "--municipality", "30000")
    with pytest.raises(CommandError, match="99999"):
        load(path, "--municipality", "99999")
    assert not Procedure.objects.exists()


def test_an_older_version_can_be_made_active_again(town):
    first, second = save(town, "BEL", {"id": "a", "kind": "check"}), save(town, "BEL", {"id": "b", "kind": "check"})
    sop.procedure_activate(procedure=first, active=True)
    assert list(Procedure.objects.filter(active=True)) == [first]
    sop.procedure_activate(procedure=first, active=False)
    assert acknowledged(town).checklists.get().procedure is None and Procedure.objects.filter(pk=second.pk).exists()
