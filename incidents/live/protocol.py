"""The socket's messages, as text. Rows are JSON already; nothing is decoded to be encoded again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import orjson
from django.conf import settings

from incidents.ledger import Cursor, write_cursor

# Close codes of our own (RFC 6455 leaves 4000–4999 to applications).
SESSION_GONE: Final = 4401
TOO_SLOW: Final = 4408
RESTARTING: Final = 1012


def changes_message(cursor: Cursor, bodies: Iterable[str]) -> str:
    """New rows, in order; `cursor` is where the reader then stands."""
    return f'{{"type":"changes","cursor":"{write_cursor(cursor)}","changes":[{",".join(bodies)}]}}'


def tick_message(cursor: Cursor, at: datetime, feeds: Iterable[str]) -> str:
    """A sign of life with the server's clock and build, by which a page knows that it has grown old; `feeds` are
    the feeds' states, a JSON array per municipality."""
    states = ",".join(inner for one in feeds if (inner := one[1:-1]))
    head = f'{{"type":"tick","cursor":"{write_cursor(cursor)}","at":"{at.isoformat()}","build":"{settings.BUILD}"'
    return f'{head},"feeds":[{states}]}}'


def snapshot_message(cursor: Cursor, at: datetime, incidents: list[Any], total: int, feeds: str, floods: list[Any]) -> str:
    """Everything active at `cursor`, and the floods that go on; `total` tells when the list was cut to the most urgent."""
    body = orjson.dumps(incidents).decode()
    head = f'{{"type":"snapshot","cursor":"{write_cursor(cursor)}","at":"{at.isoformat()}","total":{total}'
    return f'{head},"incidents":{body},"floods":{orjson.dumps(floods).decode()},"feeds":{feeds}}}'
