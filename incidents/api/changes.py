"""Reading the ledger by cursor."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from incidents import ledger
from incidents.api import schema
from incidents.api.base import CallerView, whole_of
from incidents.live.reading import visible_rows
from ocenter.accounts.models import Municipality

LIMIT: Final = 200


class ChangeList(CallerView):
    """The ledger."""

    @extend_schema(parameters=schema.CHANGE_PARAMETERS, responses={200: schema.CHANGE_PAGE, 410: schema.PROBLEM})
    def get(self, request: Request) -> HttpResponse:
        """Up to `limit` rows after the cursor `after` (absent or 0: from the beginning), in commit order.

        `cursor` goes into the next call, `more` says whether to make it at once. Rows of families the
        caller may not read are passed over, so a page may be short or empty and still have `more`.
        410 where the cursor's past is gone: start over without one.
        """
        limit = whole_of(request.query_params, "limit", LIMIT, 1, ledger.PAGE_LIMIT)
        current = ledger.heads(self.caller.municipalities)
        at = ledger.read_cursor(request.query_params.get("after"), current) or ledger.beginning(current)
        bodies: list[str] = []
        more = False
        for municipality in Municipality.objects.filter(code__in=current).order_by("code"):
            position = at[municipality.code]
            room = limit - len(bodies)
            rows = ledger.read_rows(municipality.pk, position.seq, room + 1)
            taken = rows[:room]
            more = more or len(rows) > room
            bodies += visible_rows(self.caller, taken)
            if taken:
                at[municipality.code] = position._replace(seq=taken[-1].seq)
        text = f'{{"changes":[{",".join(bodies)}],"cursor":"{ledger.write_cursor(at)}","more":{str(more).lower()}}}'
        return HttpResponse(text, content_type="application/json")
