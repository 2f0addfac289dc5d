"""What a procedure may be: each way of being wrong is found, with its place; what comes with the product is right."""

import copy

import pytest
from django.utils.translation import override

from incidents.codes import Family
from services.procedures.builtin import NotAProcedure, builtins, read_file
from services.procedures.definition import STEPS_AT_MOST, faults_of

RIGHT = {
    "applies_to": "BEL",
    "version": 1,
    "title": {"ko": "벨", "en": "Bell"},
    "steps": [
        {"id": "voice", "kind": "choice", "text": {"ko": "통화", "en": "Speak"}, "options": [
            {"id": "danger", "text": {"ko": "위험", "en": "Danger"}, "auto": ["told:police112"]},
            {"id": "none", "text": {"ko": "없음", "en": "None"}},
        ]},
        {"id": "look", "kind": "action", "action": "cameras", "text": {"ko": "확인", "en": "Look"}, "required": True, "due_s": 60, "auto": ["verified"]},
        {"id": "wait", "kind": "timer", "minutes": 5, "text": {"ko": "대기", "en": "Wait"}, "when": {"step": "voice", "is": ["danger"]}},
        {"id": "call", "kind": "action", "action": "call:042-112", "text": {"ko": "전화", "en": "Call"}, "owner": "supervisor"},
    ],
}  # fmt: skip


def changed(path, value):
    """RIGHT with the value at `path` replaced, or taken away where it is `...`."""
    whole = copy.deepcopy(RIGHT)
    place = whole
    for part in path[:-1]:
        place = place[part]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return whole


def test_the_right_one_has_no_fault_and_one_without_steps_neither():
    assert faults_of(RIGHT) == [] and faults_of({**RIGHT, "steps": []}) == []


PAIR = {"ko": "가", "en": "a"}


@pytest.mark.parametrize(
    "path, value, where",
    [
        (("applies_to",), "XXX", "applies_to"), (("title", "en"), "", "title"), (("title",), {"ko": "벨"}, "title"),
        (("steps",), "x", "steps"), (("steps",), [5], "steps"), (("steps",), [{}] * (STEPS_AT_MOST + 1), "steps"),
        (("steps", 1, "id"), "voice", "steps[1].id"), (("steps", 1, "id"), "No good", "steps[1].id"), (("steps", 1, "id"), ..., "steps[1].id"),
        (("steps", 1, "text", "ko"), " ", "steps[1].text"), (("steps", 1, "text", "ko"), "x" * 201, "steps[1].text"),
        (("steps", 1, "text", "en"), "a\0b", "steps[1].text"), (("steps", 1, "kind"), "dance", "steps[1].kind"),
        (("steps", 1, "owner"), "mayor", "steps[1].owner"), (("steps", 1, "required"), "yes", "steps[1].required"),
        (("steps", 1, "due_s"), 1, "steps[1].due_s"), (("steps", 1, "due_s"), True, "steps[1].due_s"), (("steps", 1, "due_s"), "60", "steps[1].due_s"),
        (("steps", 1, "auto"), ["guessed"], "steps[1].auto"), (("steps", 1, "auto"), "verified", "steps[1].auto"),
        (("steps", 1, "action"), "dance", "steps[1].action"), (("steps", 1, "action"), ..., "steps[1].action"), (("steps", 1, "action"), 5, "steps[1].action"),
        (("steps", 1, "surprise"), 1, "steps[1].surprise"), (("steps", 2, "minutes"), 0, "steps[2].minutes"), (("steps", 2, "minutes"), ..., "steps[2].minutes"),
        (("steps", 1, "minutes"), 5, "steps[1].minutes"), (("steps", 2, "action"), "map", "steps[2].action"), (("steps", 1, "options"), [], "steps[1].options"),
        (("steps", 0, "options"), [{"id": "a", "text": PAIR}], "steps[0].options"), (("steps", 0, "options"), ..., "steps[0].options"),
        (("steps", 0, "options", 1, "id"), "danger", "steps[0].options[1].id"), (("steps", 0, "options", 0, "x"), 1, "steps[0].options[0].x"),
        (("steps", 0, "options", 0, "auto"), [5], "steps[0].options[0].auto"), (("steps", 0, "auto"), ["told"], "steps[0].auto"),
        (("steps", 2, "when"), {"step": "nothing", "is": ["danger"]}, "steps[2].when"), (("steps", 2, "when"), {"step": "voice", "is": ["maybe"]}, "steps[2].when"),
        (("steps", 2, "when"), {"step": "look", "is": ["danger"]}, "steps[2].when"), (("steps", 2, "when"), {"step": "voice", "is": []}, "steps[2].when"),
        (("steps", 2, "when"), {"step": "voice"}, "steps[2].when"), (("steps", 2, "when"), {"step": ["voice"], "is": [["x"]]}, "steps[2].when"),
        (("steps", 0, "when"), {"step": "voice", "is": ["danger"]}, "steps[0].when"),
    ],
)  # fmt: skip
def test_each_fault_is_found_where_it_is(path, value, where):
    assert where in [one.where for one in faults_of(changed(path, value))]


def test_a_branch_leads_from_an_earlier_choice_so_that_there_is_no_circle():
    two = [
        {"id": name, "kind": "choice", "text": PAIR, "when": {"step": other, "is": ["a"]}, "options": [{"id": "a", "text": PAIR}, {"id": "b", "text": PAIR}]}
        for name, other in (("one", "two"), ("two", "one"))
    ]
    assert [one.where for one in faults_of({**RIGHT, "steps": two})] == ["steps[0].when"]


def test_every_family_has_a_procedure_in_both_languages_with_few_required_steps():
    assert set(builtins()) == set(Family.values)
    for definition in builtins().values():
        required = [one for one in definition["steps"] if one.get("required") and "when" not in one]
        assert 1 <= len(required) <= 2, definition["applies_to"]
        texts = [definition["title"], *(one["text"] for one in definition["steps"])]
        assert all(any("가" <= letter <= "힣" for letter in one["ko"]) and one["en"].isascii() for one in texts)


@pytest.mark.parametrize(
    "content", ["nonsense", 'applies_to = "BEL"', "procedures = 5", "procedures = [5]", b"\xff\xfe", 'applies_to = "XXX"\ntitle = {ko = "a", en = "a"}']
)
def test_a_file_that_holds_none_says_so(tmp_path, content):
    path = tmp_path / "one.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with override("en"), pytest.raises(NotAProcedure, match="one.toml"):
        read_file(path)
