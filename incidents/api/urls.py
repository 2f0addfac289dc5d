"""The REST's URL map, under /api/v1/."""

from django.urls import path

from incidents.api import (
    alarms,
    cap,
    changes,
    events,
    feeds,
    health,
    incidents,
    map,
    mapping,
    preferences,
    regrouping,
    relays,
    room,
)

urlpatterns = [
    path("events", events.events, name="events"),
    path("feeds/<slug:name>", feeds.feeds, name="feeds"),
    path("incidents", incidents.IncidentList.as_view(), name="incidents"),
    path("incidents/<str:number>", incidents.IncidentDetail.as_view(), name="incident"),
    path("incidents/<str:number>/timeline", incidents.IncidentTimeline.as_view(), name="incident-timeline"),
    path("incidents/<str:number>/events", regrouping.IncidentEvents.as_view(), name="events-of-incident"),
    path("incidents/<str:number>/neighbours", regrouping.IncidentNeighbours.as_view(), name="neighbours-of-incident"),
    path("incidents/<str:number>/cap", cap.IncidentCap.as_view(), name="incident-cap"),
    path("incidents/<str:number>/relay-preview", incidents.RelayPreview.as_view(), name="relay-preview"),
    *(
        path(f"incidents/<str:number>/{action}", incidents.IncidentAction.as_view(action=action), name=f"incident-{action}")
        for action in incidents.ACTIONS
    ),
    path("changes", changes.ChangeList.as_view(), name="changes"),
    path("relays", relays.RelayList.as_view(), name="relays"),
    path("relays/<uuid:relay_id>", relays.RelayDetail.as_view(), name="relay"),
    path("relays/<uuid:relay_id>/status", relays.RelayStatus.as_view(), name="relay-status"),
    path("relays/<uuid:relay_id>/called-by-hand", relays.RelayByHand.as_view(), name="relay-by-hand"),
    path("map/points", map.MapPoints.as_view(), name="map-points"),
    path("places", mapping.Places.as_view(), name="places"),
    path("heat", mapping.HeatMap.as_view(), name="heat"),
    path("geofences", mapping.GeofenceList.as_view(), name="geofences"),
    path("geofences/<int:geofence_id>", mapping.GeofenceDetail.as_view(), name="geofence"),
    path("cameras", map.CameraList.as_view(), name="cameras"),
    path("devices", map.DeviceList.as_view(), name="devices"),
    path("me", room.Me.as_view(), name="me"),
    path("me/preferences", preferences.PreferenceList.as_view(), name="preferences"),
    path("me/preferences/<str:name>", preferences.PreferenceDetail.as_view(), name="preference"),
    path("catalogue", room.Catalogue.as_view(), name="catalogue"),
    path("activity", room.Activity.as_view(), name="activity"),
    path("history", room.History.as_view(), name="history"),
    path("load", alarms.AlarmLoad.as_view(), name="load"),
    path("nuisances", alarms.Nuisances.as_view(), name="nuisances"),
    path("floods", alarms.Floods.as_view(), name="floods"),
    path("colleagues", alarms.Colleagues.as_view(), name="colleagues"),
    path("suppressions", alarms.Suppressions.as_view(), name="suppressions"),
    path("suppressions/<int:suppression_id>/end", alarms.SuppressionEnd.as_view(), name="suppression-end"),
    path("health", health.Health.as_view(), name="health"),
]
