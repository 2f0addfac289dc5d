"""Which of our codes a partner's incident has: its keywords are free text, and every region has its own.

An administrator's own table (`options["codes"]`, keyword → code) goes before the one here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

# A control room hands over what needs hands: where nothing else fits, somebody has to be rescued.
DEFAULT: Final = "RES-01"

# The first that is found in the classifications, the issue or the further words. German compounds end and begin
# with their parts, so most stand without a word's border; the exceptions are words that mean something else.
_KINDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"gefahrgut|gefahrstoff|\babc|chemi|화학", "DIS-10"),
        (r"feuer(?!wehr)|brand(?!enb)|\brauch|\bfire\b|화재", "FIR-01"),
        (r"eingeklemmt|verschüttet|absturz|trapped|rescue|구조", "RES-01"),
        (r"rettungsdienst|notarzt|bewusstlos|reanimation|herz|atemnot|medical|구급", "EMS-01"),
        (r"verkehrsunfall|\bunfall|\bvu\b|traffic accident|교통사고", "TRF-1"),
        (r"hochwasser|überschwemm|überflut|flood|홍수|침수", "DIS-09"),
        (r"erdrutsch|landslide|산사태", "DIS-08"),
        (r"erdbeben|earthquake|지진", "DIS-07"),
        (r"\bsturm|orkan|\bstorm|강풍|태풍", "DIS-04"),
        (r"starkregen|unwetter|heavy rain|호우", "DIS-01"),
        (r"\braub|überfall|robbery|강도", "CRM-02"),
        (r"messer|\bwaffe|\bknife|흉기", "CRM-09"),
    )
)


def code_of(classifications: Iterable[str], words: Iterable[str], options: Mapping[str, Any]) -> str:
    """The code of an incident with these classifications and words; always one."""
    texts = [*classifications, *words]
    own = options.get("codes")
    for keyword, code in own.items() if isinstance(own, dict) else ():
        if any(keyword.casefold() in text.casefold() for text in texts):
            return str(code)
    found = (code for pattern, code in _KINDS if any(pattern.search(text) for text in texts))
    return next(found, str(options.get("default_code") or DEFAULT))
