"""What the simulators are told: the environment, and the secrets and keys in ``simulators.json``."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOOK_AGAIN_SECONDS = 1.0
"""How old our knowledge of ``simulators.json`` may be: a new secret works after this long."""

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


def env(name: str, default: str) -> str:
    """The value of ``name``, else the content of the file ``{name}_FILE`` points to, else ``default``."""
    if os.environ.get(name):
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else default


def data_dir() -> Path:
    """Where simulators keep their files (``OCENTER_DATA_DIR``, default ``var``)."""
    return Path(env("OCENTER_DATA_DIR", "var"))


@dataclass(frozen=True)
class Installation:
    """The ocenter these simulators belong to, as ``simulators.json`` describes it."""

    base_url: str = "http://127.0.0.1:8000"
    secrets: dict[str, str] = field(default_factory=dict)
    """Agency slug → Standard Webhooks secret (``whsec_…``)."""
    keys: dict[str, str] = field(default_factory=dict)
    """Feed slug → API key."""
    agency_keys: dict[str, str] = field(default_factory=dict)
    """Agency slug → API key, for cases of its own."""
    centres: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Agency slug → the middle of its city, latitude first."""
    agencies_url: str = ""
    """Where ocenter reaches the agencies; empty: where they listen."""
    seed: int = 0
    cameras: tuple[dict[str, Any], ...] = ()
    """Cameras of the registry whose video the simulated video system serves, as its list names them."""

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Installation:
        """Read the document ``seed_demo`` writes. Raises KeyError or TypeError when it is another shape."""
        agencies = document.get("agencies", {})
        return cls(
            base_url=str(document["base_url"]).rstrip("/"),
            secrets={slug: agency["secret"] for slug, agency in agencies.items()},
            agency_keys={slug: agency["key"] for slug, agency in agencies.items() if agency.get("key")},
            centres={slug: tuple(agency["centre"]) for slug, agency in agencies.items() if agency.get("centre")},
            agencies_url=str(document.get("agencies_url", "")).rstrip("/"),
            keys={slug: feed["key"] for slug, feed in document.get("feeds", {}).items()},
            seed=int(document.get("seed", 0)),
            cameras=tuple(one for one in document.get("cameras", []) if isinstance(one, dict) and one.get("camID")),
        )

    def may_call(self, url: str) -> bool:
        """Whether a simulator may call ``url``: only this machine or this installation, never a stranger."""
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and (
            parts.hostname in LOOPBACK_HOSTS or parts.hostname == urlsplit(self.base_url).hostname
        )


class InstallationFile:
    """``simulators.json``, read again whenever it changes; absent or half-written counts as unchanged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = Installation()
        self._stamp: tuple[int, int] | None = None
        self._looked_at = float("-inf")

    @property
    def present(self) -> bool:
        """Whether a readable file has been seen yet."""
        self.current()
        return self._stamp is not None

    def current(self) -> Installation:
        """The newest readable content (an empty Installation before the first)."""
        if time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._looked_at = time.monotonic()
            self._look()
        return self._known

    def _look(self) -> None:
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                self._known = Installation.from_json(json.loads(self.path.read_bytes()))
                self._stamp = stamp
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return  # not there yet, or being written: what we know stays true


def installation_file(directory: Path | None = None) -> InstallationFile:
    """The installation described in ``directory`` (default: the data directory)."""
    return InstallationFile((directory or data_dir()) / "simulators.json")
