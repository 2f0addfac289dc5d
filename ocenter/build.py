"""Which build of the page this installation serves: a page made by another one has grown old and says so."""

import hashlib
from pathlib import Path

# What a browser keeps of a page that stays open: scripts, styles, markup and words.
PARTS = (("static", "*.js"), ("static", "*.css"), ("templates", "*.html"), ("ocenter/locale", "djangojs.po"))


def build_of(base: Path) -> str:
    """Twelve hex digits over the names and contents of `PARTS` under `base`: the same files, the same build."""
    digest = hashlib.sha256()
    for folder, pattern in PARTS:
        for path in sorted((base / folder).rglob(pattern)):
            digest.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
