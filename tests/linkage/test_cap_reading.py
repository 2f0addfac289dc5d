"""CAP documents: what is valid is understood, what is not is refused by element, and hostility costs next to nothing."""

import sys
import tracemalloc
from datetime import datetime, timedelta

import pytest

from linkage.cap import reading
from linkage.cap.model import NAMESPACE, NAMESPACE_1_1, Circle, Position, Reference
from linkage.cap.reading import NotCap, read
from tests.linkage.caps import SENT, alert, area, info, sample

VALID = [
    "australia.cap", "earthquake.cap", "earthquake-iso8859-1.cap", "no_optional_fields.cap", "oasis_example1.xml",
    "oasis_example2.xml", "weather.cap",
]  # fmt: skip


def refused(document):
    with pytest.raises(NotCap) as caught:
        read(document)
    return caught.value.problems


class TestRealFiles:
    @pytest.mark.parametrize("name", VALID)
    def test_a_valid_file_is_understood(self, name):
        found = read(sample(name))
        assert found.identifier and found.sender and found.sent.tzinfo
        assert len(found.infos) == {"australia.cap": 2, "no_optional_fields.cap": 0}.get(name, 1)

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("invalid.cap", "alert/scope: it is missing"),
            ("canada_errors.cap", "alert/references: an Update names the messages it is about"),
        ],
    )
    def test_an_invalid_one_is_refused_and_the_element_named(self, name, problem):
        assert refused(sample(name)) == [problem]

    def test_what_is_written_in_latin_1_is_read_as_such(self):
        (told,) = read(sample("earthquake-iso8859-1.cap")).infos
        assert "Usulután" in told.headline and told.areas[0].circles == (Circle(Position(12.747, -88.783), 0.0),)


class TestUnderstanding:
    def test_a_whole_message(self):
        found = read(
            alert(
                info(
                    area(polygon="36.3,127.3 36.4,127.3 36.4,127.4 36.3,127.3", geocode="3017000000"),
                    times="<onset>2026-11-23T11:00:00+09:00</onset><expires>2026-11-23T18:00:00+09:00</expires>",
                ),
                info(language="en-US", event="Heavy rain warning"),
                kind="Update",
                references=f"alerts@kma.example,KMA-0,{SENT}\n a,b,2026-11-23T00:00:00-05:00",
            )
        )
        korean, english = found.infos
        assert (korean.language, english.language) == ("ko-KR", "en-US")
        assert korean.expires - korean.onset == timedelta(hours=7)
        assert korean.areas[0].polygons[0][1] == (36.4, 127.3) and korean.areas[0].geocodes[0].value == "3017000000"
        assert found.references[0] == Reference("alerts@kma.example", "KMA-0", datetime.fromisoformat(SENT))
        assert found.references[1].sent.isoformat() == "2026-11-23T00:00:00-05:00"

    @pytest.mark.parametrize("encoding", ["EUC-KR", "cp949", "UTF-16"])
    def test_korean_code_pages_are_read(self, encoding):
        document = alert(info()).decode().replace('"UTF-8"', f'"{encoding}"').encode(encoding)
        assert read(document).infos[0].headline == "대전 호우경보"

    def test_midnight_may_be_the_end_of_a_day(self):
        assert read(alert(info(), sent="2026-11-23T24:00:00+09:00")).sent.isoformat() == "2026-11-24T00:00:00+09:00"

    @pytest.mark.parametrize("sent", ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.25+09:00"])
    def test_cap_1_1_is_read_by_its_own_rules(self, sent):
        assert read(alert(info(), sent=sent, version=NAMESPACE_1_1)).version == "1.1"
        assert "alert/sent" in refused(alert(info(), sent=sent))[0]


class TestRefusing:
    @pytest.mark.parametrize(
        ("document", "problem"),
        [
            (alert(info(), sent="2026-11-23T10:00:00Z"), "alert/sent: '2026-11-23T10:00:00Z' is no time of CAP; write +00:00"),
            (alert(info(), sent="2026-11-23T10:00:00"), "alert/sent: '2026-11-23T10:00:00' is no time of CAP; write it as in"),
            (alert(info(), sent="2026-02-30T10:00:00+09:00"), "alert/sent: '2026-02-30T10:00:00+09:00' is no time there is"),
            (alert(info(severity="Bad")), "alert/info/severity: 'Bad' is none of Extreme, Severe"),
            (alert(info(), info(category="Wetter")), "alert/info[2]/category: 'Wetter' is none of"),
            (alert(info(area(circle="36.3,127.4 -1"))), "alert/info/area/circle: '-1' is no radius"),
            (alert(info(area(circle="36.3 127.4 1"))), "alert/info/area/circle: '127.4 1' is no radius"),
            (alert(info(area(polygon="36,127 37,127 37,128"))), "alert/info/area/polygon: a polygon has at least 4 corners"),
            (alert(info(area(polygon="1,1 1,2 2,2 2,1"))), "alert/info/area/polygon: a polygon ends where it begins"),
            (alert(info(area(), area(polygon="91,1 1,2 2,2 91,1"))), "alert/info/area[2]/polygon: '91,1' is no position"),
            (alert(info(), identifier="a b"), "alert/identifier: it may hold no space"),
            (alert(info(), sender=""), "alert/sender: it is empty"),
            (alert(info(), kind="Update"), "alert/references: an Update names"),
            (alert(info(), kind="Cancel", references="KMA-0"), "alert/references: 'KMA-0' is no reference"),
            (alert(info(), scope="Private"), "alert/addresses: a Private message names its recipients"),
            (alert(info(), scope="Restricted"), "alert/restriction: a Restricted message says"),
            (alert(info(), before="<source>x</source>"), "alert/source: it must stand before scope"),
            (alert(info(), before="<note/><colour/>"), "alert: there is no element 'colour' here"),
            (alert(info(more="<headline/>")), "alert/info/headline: it stands 2 times; 1 at most"),
            (alert(info(more='<web lang="x"/>')), "alert/info/web: there is no attribute 'lang'"),
            (alert("loose words"), "alert: text between its elements"),
            (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.0"/>', "the root is {urn:oasis:names:tc:emergency:cap:1.0}alert"),
            (b"<alert/>", "the root is {}alert, not alert of urn:oasis"),
            (b"", "no well-formed XML"),
            (alert(info())[:-9], "no well-formed XML"),
        ],
    )  # fmt: skip
    def test_the_element_and_the_remedy_are_named(self, document, problem):
        assert any(problem in one for one in refused(document)), refused(document)

    def test_everything_wrong_is_said_at_once_and_no_more_than_can_be_read(self):
        problems = refused(alert(info(severity="a", urgency="b", certainty="c", category="d"), status="e"))
        assert len(problems) == 5
        assert len(refused(alert(*["<extra/>"] * 5000))) == 20


BOMB = '<!DOCTYPE alert [<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
) + "]>"  # fmt: skip
HOSTILE = {
    "billion laughs": f'{BOMB}<alert xmlns="{NAMESPACE}"><identifier>&a9;</identifier></alert>'.encode(),
    "external entity": b'<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert>&x;</alert>',
    "external dtd": b'<!DOCTYPE alert SYSTEM "http://192.0.2.1/cap.dtd"><alert/>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://192.0.2.1/x"> %p;]><a/>',
    "undeclared entity": f'<alert xmlns="{NAMESPACE}"><identifier>&x;</identifier></alert>'.encode(),
    "50 MB": f'<alert xmlns="{NAMESPACE}"><identifier>'.encode() + b"a" * 50_000_000 + b"</identifier></alert>",
    "depth 10,000": b"<a>" * 10_000 + b"</a>" * 10_000,
    "a million attributes": b"<alert " + b" ".join(b'a%d="1"' % n for n in range(1_000_000)) + b"/>",
    "attributes up to the size": b"<alert " + b" ".join(b'a%d="1"' % n for n in range(80_000)) + b"/>",
    "elements up to the size": f'<alert xmlns="{NAMESPACE}">'.encode() + b"<a/>" * 200_000 + b"</alert>",
    "one text up to the size": f'<alert xmlns="{NAMESPACE}"><identifier>'.encode() + b"a&#10;" * 160_000,
    "a comment up to the size": b"<!--" + b"x" * 1_000_000 + b"--><alert/>",
    "namespaces up to the size": b"<a " + b" ".join(b'xmlns:n%d="u%d"' % (n, n) for n in range(40_000)) + b"/>",
    "wrong bytes": alert(info()).replace("대전".encode(), b"\xff\xfe"),
    "a lie about its bytes": alert(info()).replace(b'"UTF-8"', b'"US-ASCII"'),
    "an encoding nobody knows": alert(info()).replace(b'"UTF-8"', b'"utf-7"'),
    "utf-16 without saying so": alert(info()).decode().encode("utf-16-be"),
    "half a surrogate": alert(info(headline="&#xD800;")),
    "NUL": alert(info(headline="&#0;")),
}


class Work:
    """Counts what a block costs in a way no busy machine can change: the calls made (Python's and C's), and memory."""

    def __enter__(self):
        self.calls = 0
        tracemalloc.start()
        sys.setprofile(self._seen)
        return self

    def _seen(self, frame, event, argument):
        self.calls += event in ("call", "c_call")

    def __exit__(self, *error):
        sys.setprofile(None)
        self.peak_mb = tracemalloc.get_traced_memory()[1] / 1024 / 1024
        tracemalloc.stop()


class TestHostileDocuments:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_it_is_refused_for_the_price_of_a_few_good_ones(self, name):
        """A document at the size limit is as long as 1,000 good ones: it may not take the work of 300."""
        good = alert(info(area(circle="36.3,127.4 3")), info(language="en-US"))
        with Work() as usual:
            read(good)
        with Work() as spent:
            assert refused(HOSTILE[name])
        assert spent.calls < 300 * usual.calls
        assert spent.peak_mb < 32

    def test_the_parser_is_asked_for_no_more_than_its_limits(self):
        assert refused(HOSTILE["50 MB"]) == ["longer than 1024 KiB"]
        assert refused(HOSTILE["depth 10,000"]) == ["nested more than 32 deep"]
        assert refused(HOSTILE["billion laughs"])[0].startswith("it declares a DTD")
        assert refused(HOSTILE["attributes up to the size"])[0].startswith("an element with more than 32 attributes")

    def test_a_signature_may_be_as_deep_as_it_is(self):
        signed = alert(info()).replace(
            b"</alert>", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">' + b"<x>" * 20 + b"</x>" * 20 + b"</Signature></alert>"
        )
        assert reading.read(signed).infos
