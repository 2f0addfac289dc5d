"""Our rules against the standard's own schema: the same documents are valid by both, and ours are valid by it."""

import copy
import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from linkage.cap import schema
from linkage.cap.incident import Frame, alert_of, sender_of
from linkage.cap.model import NAMESPACE, Reference
from linkage.cap.reading import NotCap, read
from linkage.cap.writing import write
from linkage.cap.xml import parse
from tests.linkage.caps import SENT, alert, area, fits_the_schema, info, sample

WHOLE = alert(
    info(
        area(polygon="36.3,127.3 36.4,127.3 36.4,127.4 36.3,127.3", circle="36.3,127.3 2.5", geocode="3017000000"),
        response="Shelter",
        times=f"<effective>{SENT}</effective><onset>{SENT}</onset><expires>{SENT}</expires><senderName>기상청</senderName>",
        more="<description>비</description><instruction>대피</instruction><web>http://kma.example</web><contact>131</contact>"
        "<parameter><valueName>CBSText</valueName><value/></parameter><resource><resourceDesc>map</resourceDesc>"
        "<mimeType>image/png</mimeType><size>12</size><uri>http://kma.example/m.png</uri></resource>",
    ),
    info(language="en-US"),
    before="<restriction/><addresses>a</addresses>",
    references=f"a,b,{SENT}",
)
VALUES = st.sampled_from(
    ["", " ", "x", "Actual", " Actual ", "Alert", "ko", "-", SENT, f" {SENT}\n", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00.5+09:00",
     "2026-13-23T10:00:00+09:00", "2026-11-23T24:00:00+09:00", "2026-11-23T24:00:01+09:00", "2026-11-23T10:00:00+14:01",
     "2026-11-23T10:00:00-14:00", "0000-11-23T10:00:00+09:00", "2026-02-29T10:00:00+09:00", "2026-11-23T10:00:60+09:00", "12", "-1.5", "+.5", "1e3"]
)  # fmt: skip


def ours(document):
    """Whether the schema rules alone take it (what the standard says beyond the schema is not compared)."""
    return not schema.problems(parse(document))


class TestAgainstTheStandard:
    @pytest.mark.parametrize(
        "name",
        ["australia.cap", "earthquake.cap", "earthquake-iso8859-1.cap", "no_optional_fields.cap", "oasis_example1.xml",
         "oasis_example2.xml", "weather.cap", "invalid.cap", "canada_errors.cap"],
    )  # fmt: skip
    def test_of_every_real_file_both_say_the_same(self, name):
        assert ours(sample(name)) == fits_the_schema(sample(name))

    def test_the_whole_of_the_standard_is_known(self):
        assert fits_the_schema(WHOLE) and ours(WHOLE)

    @settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def test_however_a_document_is_spoilt_both_judge_alike(self, data):
        root = etree.fromstring(WHOLE)
        for _ in range(data.draw(st.integers(1, 2))):
            spoil(root, data)
        document = etree.tostring(root, encoding="UTF-8")
        assert ours(document) == fits_the_schema(document), document.decode()


def spoil(root, data):
    """Changes one thing somewhere: an element gone, twice, moved, renamed, refilled, with an attribute or words in it."""
    nodes = [one for one in root.iter() if one is not root]
    node = data.draw(st.sampled_from(nodes))
    parent = node.getparent()
    match data.draw(st.sampled_from(["drop", "double", "move", "rename", "fill", "attribute", "words", "child"])):
        case "drop":
            parent.remove(node)
        case "double":
            parent.insert(parent.index(node), copy.deepcopy(node))
        case "move":
            parent.insert(data.draw(st.integers(0, len(parent))), node)
        case "rename":
            node.tag = f"{{{data.draw(st.sampled_from([NAMESPACE, 'urn:other']))}}}{data.draw(st.sampled_from(['event', 'value', 'other']))}"
        # An address is not judged: a warning is no less true for a broken link in it.
        case "fill" if not len(node) and not node.tag.endswith(("}web", "}uri")):
            node.text = data.draw(VALUES)
        case "attribute":
            node.set("lang", "ko")
        case "words":
            node.tail = data.draw(st.sampled_from(["words", " "]))
        case "child":
            etree.SubElement(node, f"{{{NAMESPACE}}}value")


NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
TITLES = st.fixed_dictionaries({"ko": st.text(min_size=1), "en": st.text(min_size=1)})
DEGREES = st.floats(-89, 89, allow_nan=False)
RINGS = st.lists(st.tuples(DEGREES, DEGREES).map(list), min_size=3, max_size=6).map(lambda ring: [*ring, ring[0]])
AREAS = st.one_of(
    st.none(),
    st.builds(lambda rings: {"type": "Polygon", "coordinates": rings}, st.lists(RINGS, min_size=1, max_size=2)),
    st.builds(lambda parts: {"type": "MultiPolygon", "coordinates": parts}, st.lists(st.lists(RINGS, min_size=1, max_size=2), min_size=1, max_size=2)),
)  # fmt: skip
INCIDENTS = st.fixed_dictionaries(
    {
        "number": st.just("30000-20261123-0001"), "municipality": st.just("30000"), "title": TITLES, "area": AREAS,
        "code": st.sampled_from(["FIR-01", "DIS-01", "DIS-07", "DIS-99", "BEL-01", "TRF-5"]), "family": st.sampled_from(["FIR", "BEL", "DIS", "NEW"]),
        "grade": st.sampled_from(["G1", "G2", "G3", "G4", "G5"]), "status": st.sampled_from(["open", "confirmed", "resolved", "closed"]),
        "summary": st.text(), "address": st.text(), "place": st.text(), "service": st.text(), "occurred_at": st.just(NOW.isoformat()),
        "lat": st.one_of(st.none(), DEGREES), "lon": DEGREES, "expires_at": st.sampled_from([None, NOW.isoformat()]),
    }
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(incident=INCIDENTS, kind=st.sampled_from(["Alert", "Update", "Cancel"]), addresses=st.sampled_from(["", "fire119"]), note=st.text())
def test_whatever_an_incident_holds_what_is_written_fits_the_schema_and_reads_back(incident, kind, addresses, note):
    first = Reference(sender_of(incident["number"]), "30000-20261123-0001.1", NOW)
    frame = Frame(first, kind, () if kind == "Alert" else (first,), addresses=addresses, note=note, is_exercise=bool(note))
    document = write(alert_of(incident, frame))
    assert fits_the_schema(document), document.decode()
    assert not re.search(rb"<(sent|onset|expires)>[^<]*Z<", document)
    found = read(document)
    assert found.identity == first and found.scope != "Public"
    assert [one.language for one in found.infos] == ["ko-KR", "en-US"]
    assert found.status == ("Exercise" if note else "Actual")


def test_an_incident_known_by_its_number_alone_is_told_without_info():
    first = Reference("ocenter.30000", "n.1", NOW)
    document = write(alert_of({"number": "30000-20261123-0001", "status": "cancelled"}, Frame(first, "Cancel", (first,))))
    assert fits_the_schema(document) and read(document).infos == ()


def test_a_document_the_standard_forbids_in_words_alone_is_refused_all_the_same():
    document = alert(info(), kind="Cancel")
    assert fits_the_schema(document) and ours(document)
    with pytest.raises(NotCap, match="references"):
        read(document)
