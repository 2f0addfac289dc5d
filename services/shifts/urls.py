"""The shift's URL map, under /api/v1/shift/; `GET /api/v1/shift` itself is in `ocenter.urls`."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from services.shifts import api


class IdConverter(IntConverter):
    """A primary key: what no row could have is no address."""

    regex = "[0-9]{1,18}"


register_converter(IdConverter, "id")

urlpatterns = [
    path("duty", api.DutyBegin.as_view(), name="shift-duty"),
    path("duty/sound", api.DutySound.as_view(), name="shift-duty-sound"),
    path("duty/end", api.DutyEnd.as_view(), name="shift-duty-end"),
    path("handovers", api.HandoverList.as_view(), name="shift-handovers"),
    path("handovers/<id:handover_id>", api.HandoverDetail.as_view(), name="shift-handover"),
    path("handovers/<id:handover_id>/document", api.HandoverDocument.as_view(), name="shift-handover-document"),
    path("handovers/<id:handover_id>/notes", api.HandoverNotes.as_view(), name="shift-handover-notes"),
    path("handovers/<id:handover_id>/sign", api.HandoverSign.as_view(), name="shift-handover-sign"),
    path("handovers/<id:handover_id>/countersign", api.HandoverCountersign.as_view(), name="shift-handover-countersign"),
    path("handovers/<id:handover_id>/return", api.HandoverReturn.as_view(), name="shift-handover-return"),
    path("notices", api.NoticeList.as_view(), name="shift-notices"),
    path("notices/<id:notice_id>/read", api.NoticeRead.as_view(), name="shift-notice-read"),
    path("notices/<id:notice_id>/withdraw", api.NoticeWithdraw.as_view(), name="shift-notice-withdraw"),
]
