"""Publishes single named files of npm packages under `/static/vendor/<package>/<file>`.

Whole packages do not survive manifest storage (their source maps name files that are not there), and most of
what they hold is nobody's business. So each file is named here and copied without its `sourceMappingURL`.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage

from ocenter.icons import ICONS

NODE_MODULES = Path(settings.BASE_DIR) / "node_modules"
PREFIX = "vendor/"

# Published path → file in node_modules.
PUBLISHED = {
    "leaflet/leaflet-src.esm.js": "leaflet/dist/leaflet-src.esm.js",
    "leaflet/leaflet.css": "leaflet/dist/leaflet.css",
    "leaflet/images/layers.png": "leaflet/dist/images/layers.png",
    "leaflet/images/layers-2x.png": "leaflet/dist/images/layers-2x.png",
    "leaflet/images/marker-icon.png": "leaflet/dist/images/marker-icon.png",
    "leaflet/images/marker-icon-2x.png": "leaflet/dist/images/marker-icon-2x.png",
    "leaflet/images/marker-shadow.png": "leaflet/dist/images/marker-shadow.png",
    # Base maps of tiles, loaded only where the settings choose one.
    "pmtiles/pmtiles.js": "pmtiles/dist/pmtiles.js",
    "protomaps-leaflet/protomaps-leaflet.js": "protomaps-leaflet/dist/protomaps-leaflet.js",
    # The player without subtitles and encryption, and its worker.
    "hls.js/hls.light.min.mjs": "hls.js/dist/hls.light.min.mjs",
    "hls.js/hls.worker.js": "hls.js/dist/hls.worker.js",
    # The font in slices by Unicode range: a page loads only those its text needs, not all 2 MB.
    "pretendard/pretendardvariable-dynamic-subset.css": "pretendard/dist/web/variable/pretendardvariable-dynamic-subset.css",
    **{
        f"pretendard/woff2-dynamic-subset/{slice}": f"pretendard/dist/web/variable/woff2-dynamic-subset/{slice}"
        for slice in (f"PretendardVariable.subset.{n}.woff2" for n in range(92))
    },
    "uplot/uPlot.esm.js": "uplot/dist/uPlot.esm.js",
    "uplot/uPlot.min.css": "uplot/dist/uPlot.min.css",
    **{f"lucide-static/{icon}.svg": f"lucide-static/icons/{icon}.svg" for icon in ICONS},
}

SOURCE_MAP = re.compile(rb"^[ \t]*(//|/\*)[#@]\s*sourceMappingURL=.*$", re.MULTILINE)


class NpmFinder(BaseFinder):
    """Finds the files named above; nothing else of node_modules is reachable."""

    def __init__(self, app_names: Iterable[str] | None = None, *args: object, **kwargs: object) -> None:
        self.storage = FileSystemStorage(location=_copies())
        super().__init__(*args, **kwargs)

    def check(self, **kwargs: object) -> list[CheckMessage]:
        """Names the packages of files that are neither installed nor, as in an image, collected already."""
        collected = Path(settings.STATIC_ROOT) / PREFIX
        absent = [
            source.split("/")[0]
            for name, source in PUBLISHED.items()
            if not (NODE_MODULES / source).exists() and not (collected / name).exists()
        ]
        if not absent:
            return []
        packages = ", ".join(sorted(set(absent)))
        return [Error(f"npm packages are missing: {packages}.", hint="Run `make setup`.", id="ocenter.E010")]

    def find(self, path: str, find_all: bool = False) -> list[str] | str:
        """The published copy's place on disk; nothing when the path is not named here or not installed."""
        copy = _publish(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        if copy is None:
            return []
        return [str(copy)] if find_all else str(copy)

    def list(self, ignore_patterns: list[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Every published file, for collectstatic."""
        for name in PUBLISHED:
            if not matches_patterns(name, ignore_patterns or []) and _publish(name):
                yield PREFIX + name, self.storage


def _copies() -> Path:
    return NODE_MODULES / ".published"


@cache
def _publish(name: str) -> Path | None:
    """Bring the copy up to date, once in each process, and return its place. Safe in parallel: it appears whole."""
    source = NODE_MODULES / PUBLISHED[name] if name in PUBLISHED else None
    if source is None or not source.exists():
        return None
    copy = _copies() / PREFIX / name
    content = _stripped(source)
    if not copy.exists() or copy.read_bytes() != content:
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(f".{secrets.token_hex(8)}")  # threads, too, must not share it
        partial.write_bytes(content)
        partial.replace(copy)
    return copy


def _stripped(source: Path) -> bytes:
    content = source.read_bytes()
    return SOURCE_MAP.sub(b"", content) if source.suffix in (".js", ".mjs", ".css") else content
