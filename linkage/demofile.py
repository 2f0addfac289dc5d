"""The files a demo keeps in the data directory: accounts, passwords and keys, for their owner alone."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from django.conf import settings

DEMO_FILE: Final = "demo.json"

Document = dict[str, Any]


def demo_document() -> Document:
    """What `seed_demo` wrote (the public contract's demo.json), or {} where this is no demo."""
    return read_json(Path(settings.DATA_DIR) / DEMO_FILE)


def read_json(path: Path) -> Document:
    """The object in a file, or {} where there is none or it is broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_private(path: Path, document: Document) -> None:
    """Writes JSON that only the owner may read (0600), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # 0600 from the start
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)
        file.write("\n")
    os.replace(temporary, path)
