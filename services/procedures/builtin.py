"""The procedures that come with the product: one TOML file a code family in `builtin/`, for whoever sets none of its own."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from services.procedures.definition import Definition, faults_of

FOLDER: Final = Path(__file__).parent / "builtin"


class NotAProcedure(Exception):
    """The file does not hold procedures; the text says what is wrong and where."""


def read_file(path: Path) -> list[Definition]:
    """The procedures of a TOML file: one at the top, or several under `[[procedures]]`. Raises NotAProcedure."""
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotAProcedure(f"{path.name}: {error}") from error
    found = content.get("procedures", [content])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise NotAProcedure(f"{path.name}: procedures is a list of tables")
    for one in found:
        one.setdefault("steps", [])
        if faults := faults_of(one):
            raise NotAProcedure("\n".join(f"{path.name}: {where}: {message}" for where, message in faults))
    return [{"applies_to": one["applies_to"], "version": one.get("version", 1), "title": one["title"], "steps": one["steps"]} for one in found]


@lru_cache
def builtins() -> dict[str, Definition]:
    """Them all, by what they apply to."""
    return {one["applies_to"]: one for path in sorted(FOLDER.glob("*.toml")) for one in read_file(path)}
