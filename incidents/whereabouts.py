"""Where a report came from that names a device and no place: the registry knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from incidents.models import Camera, Device, Event
from incidents.reports import SUMMARY_LENGTH, Report

# Said in the summary, where an operator reads it: without a place nobody can be sent.
UNREGISTERED: Final = "등록되지 않은 장치 {device_id}, 위치 없음"


class Sighting(NamedTuple):
    """A report and the linked system it came from."""

    system_id: int
    report: Report


def reports_place(municipality_id: int, sightings: Sequence[Sighting]) -> list[Report]:
    """The reports, in their order; those that name a device and no position have its position.

    A device of the municipality comes first, then a camera of the system that reports (camera numbers are unique
    within their video system alone). Where there is neither, the summary says so. At most two queries.
    """
    wanted = {(one.system_id, one.report.device_id) for one in sightings if _is_lost(one.report)}
    if not wanted:
        return [one.report for one in sightings]
    places = _cameras(wanted) | _devices(municipality_id, wanted)
    return [_placed(one.report, places.get((one.system_id, one.report.device_id))) for one in sightings]


def _is_lost(report: Report) -> bool:
    return report.lat is None and bool(report.device_id)


_Key = tuple[int, str]
_Places = dict[_Key, tuple[float, float]]


def _devices(municipality_id: int, wanted: Iterable[_Key]) -> _Places:
    names = {device_id for _, device_id in wanted}
    rows = Device.objects.filter(municipality_id=municipality_id, device_id__in=names)
    found = {device_id: (lat, lon) for device_id, lat, lon in rows.values_list("device_id", "lat", "lon")}
    return {key: found[key[1]] for key in wanted if key[1] in found}


def _cameras(wanted: Iterable[_Key]) -> _Places:
    # One that has left its list still stands where it stood.
    systems, numbers = {system for system, _ in wanted}, {number for _, number in wanted}
    rows = Camera.objects.filter(system_id__in=systems, site_number__in=numbers, index=1)
    return {(system, number): (lat, lon) for system, number, lat, lon in rows.values_list("system_id", "site_number", "lat", "lon")}


def _placed(report: Report, place: tuple[float, float] | None) -> Report:
    if not _is_lost(report):
        return report
    if place is not None:
        return replace(report, lat=place[0], lon=place[1])
    if report.action != Event.Action.REPORT:
        return report
    said = UNREGISTERED.format(device_id=report.device_id)
    return replace(report, summary=f"{report.summary[: SUMMARY_LENGTH - len(said) - 3]} ({said})".strip())
