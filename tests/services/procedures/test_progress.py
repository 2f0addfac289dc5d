"""How a checklist stands: branches, facts of the ledger, the current step and its clock."""

from datetime import UTC, datetime, timedelta

from services.procedures.progress import Fact, Mark, standing

NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
PAIR = {"ko": "가", "en": "a"}


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def step(name, kind="check", **more):
    return {"id": name, "kind": kind, "text": PAIR, **more}


def choice(name, *options, **more):
    return step(name, "choice", options=[{"id": one, "text": PAIR, "auto": auto} for one, auto in options], **more)


def look(steps, marks=(), facts=()):
    return standing({"applies_to": "BEL", "version": 1, "title": PAIR, "steps": list(steps)}, NOW, marks, facts)


def done(name, at=10, **more):
    return Mark(name, "done", "kim", after(at), **more)


def chosen(name, option, at=10):
    return Mark(name, "chosen", "kim", after(at), choice=option)


def shown(found):
    return [one.id for one in found.shown]


def test_nothing_done_the_first_step_is_current_since_the_beginning():
    found = look([step("a", required=True, due_s=60), step("b")])
    assert (found.current.id, found.current.since, found.current.due_at) == ("a", NOW, after(60))
    assert [one.id for one in found.blocking] == ["a"] and found.settled == 0


def test_the_next_steps_clock_begins_when_the_one_before_is_settled():
    found = look([step("a"), step("b", due_s=60)], [done("a", 100)])
    assert (found.current.id, found.current.since, found.current.due_at) == ("b", after(100), after(160))
    assert not found.current.is_overdue(after(159)) and found.current.is_overdue(after(160))


def test_a_step_that_need_not_be_done_is_passed_over_and_a_required_one_never():
    steps = [step("a"), step("b", required=True), step("c"), step("d", required=True)]
    assert look(steps, [done("b")]).current.id == "c"
    assert look(steps, [done("c")]).current.id == "b"
    assert look(steps, [done("d")]).current.id == "b"
    assert look(steps, [done("b"), done("d")]).current is None


def test_a_branch_shows_its_steps_and_another_hides_them_again():
    steps = [choice("seen", ("fire", []), ("nothing", [])), step("tell", required=True, when={"step": "seen", "is": ["fire"]}), step("end")]
    assert shown(look(steps)) == ["seen", "end"] and look(steps).blocking == []
    fire = look(steps, [chosen("seen", "fire")])
    assert shown(fire) == ["seen", "tell", "end"] and [one.id for one in fire.blocking] == ["tell"]
    assert shown(look(steps, [chosen("seen", "fire"), chosen("seen", "nothing", 20)])) == ["seen", "end"]
    assert shown(look(steps, [chosen("seen", "fire"), Mark("seen", "undone", "kim", after(20))])) == ["seen", "end"]
    assert shown(look(steps, [Mark("seen", "skipped", "kim", after(20), reason="x")])) == ["seen", "end"]


def test_a_branch_of_a_branch_goes_with_it():
    steps = [
        choice("one", ("a", []), ("b", [])), choice("two", ("a", []), ("b", []), when={"step": "one", "is": ["a"]}),
        step("three", when={"step": "two", "is": ["a"]}),
    ]  # fmt: skip
    deep = [chosen("one", "a"), chosen("two", "a")]
    assert shown(look(steps, deep)) == ["one", "two", "three"]
    assert shown(look(steps, [*deep, chosen("one", "b", 30)])) == ["one"]


def test_the_ledger_settles_a_step_with_its_own_time_and_name():
    found = look([step("a", auto=["verified"], required=True)], facts=[Fact("verified", "lee", after(5))])
    one = found.step("a")
    assert (one.state, one.by, one.at, one.hand) == ("done", "lee", after(5), False) and not found.blocking


def test_the_first_fact_counts_and_a_persons_earlier_mark_stays():
    facts = [Fact("verified", "lee", after(5)), Fact("verified", "park", after(9))]
    assert look([step("a", auto=["verified"])], facts=facts).step("a").by == "lee"
    assert look([step("a", auto=["verified"])], [done("a", 1)], facts).step("a").by == "kim"


def test_a_fact_outweighs_a_skip_and_an_earlier_choice_but_not_a_later_one():
    police = choice("police", ("told", ["told:police112"]), ("none", []))
    told = [Fact("told:police112", "lee", after(50))]
    assert look([police], [chosen("police", "none")], told).step("police").choice == "told"
    assert look([police], [Mark("police", "skipped", "kim", after(10), reason="x")], told).step("police").state == "done"
    assert look([police], [chosen("police", "none", 60)], told).step("police").choice == "none"
    assert look([police], [chosen("police", "told")], told).step("police").by == "kim"


def test_a_waiver_lets_the_rest_go():
    found = look([step("a", required=True)], [Mark("", "waived", "park", after(5), reason="storm")])
    assert found.blocking == [] and found.current is None and found.waived.reason == "storm"
    assert found.step("a").state == "open"


def test_a_timer_is_ready_after_its_minutes_and_overdue_a_minute_later():
    found = look([step("a"), step("wait", "timer", minutes=5)], [done("a", 60)])
    assert (found.current.ready_at, found.current.due_at) == (after(360), after(420))
    assert look([step("wait", "timer", minutes=5, due_s=300)]).current.due_at == after(600)


def test_overdue_is_remembered_and_settles_nothing():
    found = look([step("a", due_s=5)], [Mark("a", "overdue", "ocenter", after(5))])
    assert found.current.raised and found.current.state == "open"
