"""What `OCENTER_BASEMAP` says: which base map the page draws, and the one other origin its pictures may come from."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

PMTILES_MAGIC: Final = b"PMTiles\x03"
XYZ_PLACEHOLDERS: Final = ("{z}", "{x}", "{y}")


class Choice(NamedTuple):
    """`kind`: builtin, pmtiles, xyz or wms. `source`: a path or an address. `origin`: of another server, else ""."""

    kind: str
    source: str = ""
    origin: str = ""


def choice_of(text: str) -> Choice:
    """The setting, understood. Raises ValueError with what is wrong."""
    if text == "builtin":
        return Choice("builtin")
    kind, _, source = text.partition(":")
    if kind not in READERS or not source:
        raise ValueError("use builtin, pmtiles:PATH, xyz:URL or wms:URL")
    return READERS[kind](source)


def choice_or_builtin(text: str) -> Choice:
    """The same, but builtin for nonsense, which a system check refuses with its reason."""
    try:
        return choice_of(text)
    except ValueError:
        return Choice("builtin")


def _pmtiles(source: str) -> Choice:
    path = Path(source).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(len(PMTILES_MAGIC))
    except OSError as error:
        raise ValueError(f"{source} cannot be read: {error.strerror}") from error
    if magic != PMTILES_MAGIC:
        raise ValueError(f"{source} is no PMTiles archive of version 3")
    return Choice("pmtiles", str(path.absolute()))


def _xyz(source: str) -> Choice:
    missing = [one for one in XYZ_PLACEHOLDERS if one not in source]
    if missing:
        raise ValueError(f"the address lacks {' '.join(missing)}")
    return Choice("xyz", source, _origin(source))


def _wms(source: str) -> Choice:
    names = {name.lower() for name in parse_qs(urlsplit(source).query)}
    if "layers" not in names:
        raise ValueError("the address must name its layers: …?layers=NAME")
    return Choice("wms", source, _origin(source))


def _origin(source: str) -> str:
    if source.startswith("/") and not source.startswith("//"):
        return ""
    parts = urlsplit(source)
    if parts.scheme not in ("http", "https") or not parts.hostname or "{" in parts.netloc or parts.username:
        raise ValueError("the address must begin with http:// or https:// and one host, or with /")
    if any(not character.isascii() or character in " ;,'\"" for character in parts.netloc):
        raise ValueError("the host's name holds what no policy can name")
    return f"{parts.scheme}://{parts.netloc}"


READERS: Final = {"pmtiles": _pmtiles, "xyz": _xyz, "wms": _wms}
