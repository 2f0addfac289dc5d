"""The demo's polled feeds: the first city's public services, as the simulated sources serve them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality
from ocenter.demo.cities import DAEJEON

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class PolledSource:
    """A feed that is fetched from `/sources/{feed_format}` on the agencies' port every `poll_interval_s` seconds."""

    slug: str
    feed_format: str
    name_ko: str
    name_en: str
    poll_interval_s: int
    reads: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    late_limit_s: int = 0  # 0: its events tell when they began, not when they were written down


POLLED: Final = (
    PolledSource(
        "its", "its", "국가교통정보센터 돌발", "ITS road events", 15, ("TRF",),
        {"params": {"minX": "127.2", "maxX": "127.6", "minY": "36.1", "maxY": "36.6"}},
    ),
    PolledSource("utic", "utic", "도시교통정보센터 돌발", "UTIC incidents", 20, ("TRF",), {"regions": ["대전"]}),
    PolledSource(
        "kma-warnings", "weather", "기상청 특보", "Weather warnings", 30, ("DIS",),
        {"areaCodes": ["L1030100"], "areas": {"L1030100": {"lat": DAEJEON.lat, "lon": DAEJEON.lon}}},
        late_limit_s=21_600,
    ),
    PolledSource(
        "disaster-messages", "disaster_message", "재난문자", "Disaster messages", 30, ("DIS", "VUL", "TRF"),
        {"region": "대전", "regions": ["대전"]},
    ),
    PolledSource("transit", "gtfs_rt", "시내버스 운행 안내", "Bus service alerts", 30, ("TRF",), late_limit_s=300),
)  # fmt: skip


def seed_sources(municipality: Municipality, agencies_url: str) -> None:
    """The city's polled feeds. Repeating it changes a loopback endpoint's port and nothing an administrator has set."""
    for one in POLLED:
        endpoint = f"{agencies_url}/sources/{one.feed_format}"
        system, _ = LinkedSystem.objects.get_or_create(
            municipality=municipality,
            slug=one.slug,
            defaults={
                "kind": LinkedSystem.Kind.FEED, "name_ko": one.name_ko, "name_en": one.name_en, "endpoint": endpoint,
                "feed_format": one.feed_format, "poll_interval_s": one.poll_interval_s, "options": one.options,
                "late_limit_s": one.late_limit_s, "quiet_limit_s": one.poll_interval_s * 4, "reads": list(one.reads),
            },
        )  # fmt: skip
        if system.endpoint != endpoint and _is_ours(system.endpoint, endpoint):
            system.endpoint = endpoint
            system.save(update_fields=["endpoint"])


def _is_ours(stored: str, wanted: str) -> bool:
    old, new = urlsplit(stored), urlsplit(wanted)
    return old.hostname == LOOPBACK and old.path == new.path
