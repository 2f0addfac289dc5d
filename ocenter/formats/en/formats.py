"""See `ocenter.formats`."""

from ocenter.formats import (  # noqa: F401 (read by Django)
    DATE_FORMAT,
    DATETIME_FORMAT,
    SHORT_DATE_FORMAT,
    SHORT_DATETIME_FORMAT,
    TIME_FORMAT,
)
