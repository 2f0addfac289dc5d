"""The procedures' part of the REST, under /api/v1/."""

from django.urls import path

from services.procedures import api

_STEP = "incidents/<str:number>/procedure/<slug:step>"

urlpatterns = [
    path("incidents/<str:number>/procedure", api.IncidentProcedure.as_view(), name="procedure"),
    path("incidents/<str:number>/procedure/waive", api.ProcedureWaive.as_view(), name="procedure-waive"),
    path(f"{_STEP}/do", api.StepDo.as_view(), name="procedure-do"),
    path(f"{_STEP}/skip", api.StepSkip.as_view(), name="procedure-skip"),
    path(f"{_STEP}/choose", api.StepChoose.as_view(), name="procedure-choose"),
    path(f"{_STEP}/undo", api.StepUndo.as_view(), name="procedure-undo"),
    path("procedures/usage", api.ProcedureUsage.as_view(), name="procedures-usage"),
    path("procedures/notices", api.ProcedureNotices.as_view(), name="procedures-notices"),
]
