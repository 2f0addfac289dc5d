"""What a CAP message is about, in our event codes (DOMAIN.md §3), and the other way round.

Three lists of codes are read: our own; CAP-KR's (the disaster codes of TTAS.KO-07.0046, whichever revision);
and SAME, which most of the world uses. The Korean list grew out of SAME but is not it: CWW is a cold wave
in Korea and contaminated water elsewhere, HUW a gale here and a hurricane there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from linkage.cap.model import Info, Named

OURS: Final = "urn:ocenter:event-code"
KOREA: Final = "TTAS.KO-07.0046/R5 재난 종류 코드"
KOREAN_LISTS: Final = "TTAS.KO-07.0046"  # how every revision's name begins
SAME: Final = "SAME"
KOREAN_PROFILE: Final = "대한민국정부1.0"

OTHER: Final = "DIS-99"
FIRE: Final = "FIR-01"

_BOTH: Final[Mapping[str, str]] = {
    "EQW": "DIS-07", "FLW": "DIS-09", "FLA": "DIS-09", "FLS": "DIS-09", "FFW": "DIS-09", "FFA": "DIS-09", "FFS": "DIS-09",
    "CFW": "DIS-09", "CFA": "DIS-09", "BZW": "DIS-03", "WSW": "DIS-03", "WSA": "DIS-03", "HWA": "DIS-04",
    "TRW": "DIS-02", "TRA": "DIS-02", "HUA": "DIS-02", "HLS": "DIS-02", "CAE": "CRM-05", "HMW": "DIS-10",
}  # fmt: skip
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    KOREA: {
        **_BOTH, "HRA": "DIS-01", "HRW": "DIS-01", "HSW": "DIS-03", "HAS": "DIS-03", "HUW": "DIS-04", "CWA": "DIS-06",
        "CWW": "DIS-06", "AVA": "DIS-08", "AVW": "DIS-08", "SSA": "DIS-09", "SSW": "DIS-09", "RTW": "TRF-5",
        "MFW": OTHER, "HAW": OTHER,
    },
    SAME: {**_BOTH, "HUW": "DIS-02", "HWW": "DIS-04", "EWW": "DIS-04", "SVR": "DIS-04", "SVA": "DIS-04", "CHW": "DIS-10", "FWW": OTHER},
}  # fmt: skip
# Said with status Actual, and still no more than a try of the line or a drill.
TRIALS: Final = frozenset({"NPT", "RMT", "RWT", "STT", "DMO"})
FIRES: Final = frozenset({"FRW"})
# What is said of fires that are feared, forbidden or far away.
_NO_FIRE_YET: Final = (
    "danger", "weather", "red flag", "smoke", "ban", "watch", "risk", "위험", "건조", "예보", "주의", "경계", "금지", "연기",
)  # fmt: skip

# Where no known code stands: words of `event`, the first that fits. Fires are decided elsewhere, with care.
_WORDS: Final = (
    ("DIS-07", ("지진", "earthquake")), ("DIS-08", ("산사태", "landslide", "mudslide", "debris flow")),
    ("DIS-09", ("홍수", "침수", "해일", "flood", "storm surge", "tsunami")), ("DIS-01", ("호우", "heavy rain", "rainfall")),
    ("DIS-02", ("태풍", "typhoon", "hurricane", "cyclone", "tropical storm")),
    ("DIS-03", ("대설", "폭설", "눈보라", "snow", "blizzard", "winter storm")),
    ("DIS-05", ("폭염", "heat")), ("DIS-06", ("한파", "cold", "freeze", "frost")),
    ("DIS-04", ("강풍", "풍랑", "wind", "gale", "thunderstorm", "tornado")),
    ("DIS-10", ("화학", "유해물질", "chemical", "hazardous material")), ("CWD-01", ("인파", "crowd")),
    ("TRF-5", ("교통통제", "road closure", "road closed")), ("TRF-1", ("교통사고", "traffic accident", "vehicle crash")),
)  # fmt: skip
_CATEGORIES: Final[Mapping[str, str]] = {"CBRNE": "DIS-10", "Rescue": "RES-01", "Health": OTHER}

# Ours in CAP-KR's: the advisory's code, and the warning's from this grade up.
_KOREAN: Final[Mapping[str, tuple[str, str]]] = {
    "DIS-01": ("HRA", "HRW"), "DIS-02": ("TRA", "TRW"), "DIS-03": ("HSW", "HAS"), "DIS-04": ("HWA", "HUW"),
    "DIS-06": ("CWA", "CWW"), "DIS-07": ("EQW", "EQW"), "DIS-08": ("AVA", "AVW"), "DIS-09": ("FLA", "FLW"),
    "DIS-10": ("HMW", "HMW"), "FIR-01": ("FRW", "FRW"), "TRF-5": ("RTW", "RTW"),
}  # fmt: skip
_WARNINGS: Final = ("G1", "G2")


def code_of(info: Info) -> str:
    """Our code for what the message tells.

    FIR-01 calls the fire brigade by itself where a municipality has set it so. A fire danger, a forest-fire
    alert level or a smoke forecast must not: only a fire somebody has observed, and that wants action now.
    """
    known = _named(info.event_codes)
    if known:
        return known
    if _is_fire(info):
        return FIRE
    said = info.event.lower()
    for code, words in _WORDS:
        if any(word in said for word in words):
            return code
    return next((_CATEGORIES[one] for one in info.categories if one in _CATEGORIES), OTHER)


def is_trial(info: Info) -> bool:
    """Whether the message says of itself, by its event code, that it is a test or a demonstration."""
    return any(one.value in TRIALS and _list_of(one) for one in info.event_codes)


def korean_code(code: str, grade: str) -> str | None:
    """CAP-KR's code for an event of ours, or None where none fits."""
    found = _KOREAN.get(code)
    return found[grade in _WARNINGS] if found else None


def _named(event_codes: Iterable[Named]) -> str | None:
    for one in event_codes:
        if one.name == OURS:
            return one.value
        if (code := LISTS.get(_list_of(one), {}).get(one.value)) is not None:
            return code
    return None


def _list_of(code: Named) -> str:
    """Which of the lists it is of, or ""."""
    if code.name.startswith(KOREAN_LISTS):
        return KOREA
    return SAME if code.name.upper() == SAME else ""


def _is_fire(info: Info) -> bool:
    if info.urgency != "Immediate" or info.certainty != "Observed" or "Met" in info.categories:
        return False
    listed = [one.value for one in info.event_codes if _list_of(one)]
    if listed:
        return not FIRES.isdisjoint(listed)
    said = f"{info.event} {info.headline}".lower()
    return "Fire" in info.categories and not any(word in said for word in _NO_FIRE_YET)
