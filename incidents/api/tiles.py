"""The archive of `OCENTER_BASEMAP=pmtiles:PATH`, read in pieces: browsers ask for byte ranges of one file."""

from __future__ import annotations

import os
import re
from typing import Final

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from incidents.api.base import CallerView
from incidents.operations import Invalid

RANGE: Final = re.compile(r"bytes=(\d{1,18})-(\d{1,18})")
BYTES_AT_MOST: Final = 16 * 1024 * 1024
CACHE_CONTROL: Final = "private, max-age=300"


class TileArchive(CallerView):
    """One PMTiles file."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """The bytes of one range (206), at most 16 MiB; 416 beyond the end, 400 without a range, 404 without an archive."""
        if settings.BASEMAP_KIND != "pmtiles":
            raise Http404
        asked = RANGE.fullmatch(request.headers.get("Range", ""))
        if asked is None:
            raise Invalid("Range", _("One range of bytes is needed, as bytes=0-16383."))
        try:
            with open(settings.BASEMAP_SOURCE, "rb") as file:
                return _piece(file.fileno(), int(asked[1]), int(asked[2]))
        except OSError as error:
            raise Http404 from error


def _piece(descriptor: int, first: int, last: int) -> HttpResponse:
    found = os.fstat(descriptor)
    if first >= found.st_size or last < first:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{found.st_size}"})
    length = min(last + 1, found.st_size, first + BYTES_AT_MOST) - first
    content = os.pread(descriptor, length, first)
    return HttpResponse(
        content, status=206, content_type="application/octet-stream",
        headers={
            "Content-Range": f"bytes {first}-{first + len(content) - 1}/{found.st_size}", "Accept-Ranges": "bytes",
            "ETag": f'"{found.st_mtime_ns:x}-{found.st_size:x}"', "Cache-Control": CACHE_CONTROL,
        },
    )  # fmt: skip
