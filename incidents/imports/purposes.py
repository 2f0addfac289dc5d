"""What a camera is for (설치목적구분): the ten words of the national standard, with English names."""

from typing import Final

PURPOSES: Final[dict[str, str]] = {
    "생활방범": "Crime prevention",
    "어린이보호": "Child protection",
    "시설물관리": "Facility management",
    "재난재해": "Disaster",
    "교통단속": "Traffic enforcement",
    "교통정보수집": "Traffic information",
    "차량방범": "Vehicle crime prevention",
    "쓰레기단속": "Illegal dumping",
    "다목적": "Multi-purpose",
    "기타": "Other",
}


def purpose_names(purpose: str) -> dict[str, str]:
    """Both names of a purpose; one outside the standard keeps its own word, an empty one is "other"."""
    return {"ko": purpose or "기타", "en": PURPOSES.get(purpose or "기타", purpose)}
