"""The event codes of DOMAIN.md §3: names, grade, service and family, in one table.

The codes are our own proposal; the real wire codes of the national links are not public.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class Grade(models.TextChoices):
    G1 = "G1", _("critical")
    G2 = "G2", _("urgent")
    G3 = "G3", _("caution")
    G4 = "G4", _("normal")
    G5 = "G5", _("information")


class Family(models.TextChoices):
    CRM = "CRM", _("crime")
    ORD = "ORD", _("public order")
    FIR = "FIR", _("fire")
    RES = "RES", _("rescue")
    EMS = "EMS", _("medical emergency")
    DIS = "DIS", _("disaster")
    CWD = "CWD", _("crowd")
    VUL = "VUL", _("vulnerable person")
    JUS = "JUS", _("electronic tag")
    VEH = "VEH", _("wanted vehicle")
    BEL = "BEL", _("emergency bell")
    VCA = "VCA", _("video analytics")
    TRF = "TRF", _("traffic")
    SEC = "SEC", _("private security")
    SYS = "SYS", _("system")


# How soon a grade wants to be acknowledged (DOMAIN.md §3); G5 is for the log only.
ACK_TARGET: Final[dict[str, timedelta]] = {
    Grade.G1: timedelta(seconds=15),
    Grade.G2: timedelta(seconds=30),
    Grade.G3: timedelta(minutes=2),
    Grade.G4: timedelta(minutes=10),
}

SERVICE_BY_FAMILY: Final[dict[str, str]] = {
    Family.CRM: "dispatch_112",
    Family.ORD: "dispatch_112",
    Family.FIR: "dispatch_119",
    Family.RES: "dispatch_119",
    Family.EMS: "dispatch_119",
    Family.DIS: "disaster",
    Family.CWD: "disaster",
    Family.VUL: "vulnerable",
    Family.JUS: "electronic_tag",
    Family.VEH: "wanted_vehicle",
    Family.BEL: "bell",
    Family.VCA: "analytics",
    Family.TRF: "traffic",
    Family.SEC: "private_security",
    Family.SYS: "system",
}


class Code(NamedTuple):
    """One event code with its default grade and its Korean and English names."""

    code: str
    grade: str
    ko: str
    en: str

    @property
    def family(self) -> str:
        """The three letters before the dash: what correlation and policy go by."""
        return self.code.partition("-")[0]

    @property
    def service(self) -> str:
        """The linked service the code belongs to."""
        return SERVICE_BY_FAMILY[self.family]

    @property
    def name(self) -> dict[str, str]:
        """Both names, as every payload carries them."""
        return {"ko": self.ko, "en": self.en}


_ROWS: Final = (
    Code("CRM-01", "G1", "살인", "Murder"),
    Code("CRM-02", "G1", "강도", "Robbery"),
    Code("CRM-03", "G2", "날치기", "Snatching"),
    Code("CRM-04", "G2", "절도", "Theft"),
    Code("CRM-05", "G1", "납치·유괴", "Abduction"),
    Code("CRM-06", "G1", "성폭력", "Sexual violence"),
    Code("CRM-07", "G2", "가정폭력", "Domestic violence"),
    Code("CRM-08", "G1", "스토킹", "Stalking"),
    Code("CRM-09", "G1", "흉기 소지", "Weapon"),
    Code("CRM-10", "G2", "공중협박", "Public threat"),
    Code("ORD-01", "G4", "주취자", "Drunk person"),
    Code("ORD-02", "G4", "소란", "Disturbance"),
    Code("ORD-03", "G4", "청소년 비행", "Juvenile delinquency"),
    Code("ORD-04", "G4", "무단투기", "Illegal dumping"),
    Code("FIR-01", "G1", "화재", "Fire"),
    Code("RES-01", "G2", "구조", "Rescue"),
    Code("EMS-01", "G2", "구급", "Medical emergency"),
    Code("DIS-01", "G3", "호우", "Heavy rain"),
    Code("DIS-02", "G3", "태풍", "Typhoon"),
    Code("DIS-03", "G3", "대설", "Heavy snow"),
    Code("DIS-04", "G3", "강풍", "Strong wind"),
    Code("DIS-05", "G3", "폭염", "Heat wave"),
    Code("DIS-06", "G3", "한파", "Cold wave"),
    Code("DIS-07", "G1", "지진", "Earthquake"),
    Code("DIS-08", "G2", "산사태", "Landslide"),
    Code("DIS-09", "G2", "홍수", "Flood"),
    Code("DIS-10", "G1", "화학사고", "Chemical accident"),
    Code("DIS-99", "G3", "기타 재난", "Other disaster"),
    Code("CWD-01", "G2", "인파 밀집", "Crowd density"),
    Code("VUL-01", "G2", "아동 SOS", "Child's SOS"),
    Code("VUL-02", "G2", "치매노인 SOS", "Dementia patient's SOS"),
    Code("VUL-03", "G2", "여성 SOS", "Woman's SOS"),
    Code("VUL-04", "G2", "안심구역 이탈", "Left the safe zone"),
    Code("JUS-01", "G1", "전자장치 훼손", "Electronic tag tampered with"),
    Code("JUS-02", "G2", "외출제한 위반", "Curfew breach"),
    Code("JUS-03", "G2", "출입금지구역 진입", "Exclusion zone entered"),
    Code("JUS-04", "G1", "피해자 접근", "Approach to the victim"),
    Code("VEH-01", "G1", "긴급 수배차량", "Wanted vehicle, urgent"),
    Code("VEH-02", "G3", "수배차량", "Wanted vehicle"),
    Code("BEL-01", "G2", "비상벨 호출", "Emergency bell pressed"),
    Code("VCA-01", "G3", "배회 감지", "Loitering detected"),
    Code("VCA-02", "G3", "침입 감지", "Intrusion detected"),
    Code("VCA-03", "G3", "유기 감지", "Abandoned object detected"),
    Code("VCA-04", "G2", "싸움 감지", "Fight detected"),
    Code("VCA-05", "G2", "방화 감지", "Arson detected"),
    Code("VCA-06", "G3", "쓰러짐 감지", "Collapse detected"),
    Code("VCA-07", "G3", "마케팅 분석", "Marketing analysis"),
    Code("VCA-08", "G3", "익수 감지", "Drowning detected"),
    Code("VCA-09", "G3", "실종자 검색", "Missing person matched"),
    Code("VCA-10", "G2", "화재 감지", "Fire detected on video"),
    Code("TRF-1", "G3", "교통사고", "Traffic accident"),
    Code("TRF-2", "G4", "도로공사", "Road works"),
    Code("TRF-3", "G4", "행사", "Event on the road"),
    Code("TRF-4", "G4", "기상", "Weather on the road"),
    Code("TRF-5", "G5", "교통통제", "Traffic control"),
    Code("SEC-01", "G3", "민간보안 경보", "Private security alarm"),
    Code("SYS-01", "G4", "카메라 장애", "Camera down"),
    Code("SYS-02", "G4", "회선 장애", "Link down"),
    Code("SYS-03", "G4", "녹화기 장애", "Recorder failure"),
    Code("SYS-04", "G4", "저장장치 장애", "Disk failure"),
    Code("SYS-05", "G4", "인증 실패", "Authentication failure"),
    Code("SYS-06", "G4", "시각 오차", "Clock drift"),
)

CODES: Final[dict[str, Code]] = {row.code: row for row in _ROWS}

RESULT_CODES: Final[dict[str, dict[str, str]]] = {
    "RC-01": {"ko": "현장 조치 완료", "en": "Handled on site"},
    "RC-02": {"ko": "검거", "en": "Arrest"},
    "RC-03": {"ko": "화재 진화", "en": "Fire put out"},
    "RC-04": {"ko": "병원 이송", "en": "Taken to hospital"},
    "RC-05": {"ko": "이상 없음", "en": "Nothing found"},
    "RC-06": {"ko": "유관기관 인계", "en": "Handed over"},
    "RC-07": {"ko": "자연 해소", "en": "Ended by itself"},
}

# The reason that makes a false alarm a test: it must not count as one (DOMAIN.md §4).
TEST_REASON: Final = "FA-06"
FALSE_ALARM_REASONS: Final[dict[str, dict[str, str]]] = {
    "FA-01": {"ko": "오작동", "en": "Malfunction"},
    "FA-02": {"ko": "장난·실수", "en": "Prank or mistake"},
    "FA-03": {"ko": "영상 오검출", "en": "Wrong detection"},
    "FA-04": {"ko": "동물·날씨", "en": "Animal or weather"},
    "FA-05": {"ko": "중복 신고", "en": "Reported twice"},
    TEST_REASON: {"ko": "시험·점검", "en": "Test or maintenance"},
}
