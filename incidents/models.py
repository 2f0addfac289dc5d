"""Camera, Device, Event, Incident, and the ledger: Change and its head."""

from __future__ import annotations

import secrets

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incidents.alarm_models import Flood, Presence, Suppression
from incidents.codes import Family, Grade
from incidents.states import Status
from linkage.models import LinkedSystem
from ocenter.accounts.models import Municipality, User
from ocenter.accounts.secretbox import open_sealed, seal

__all__ = [
    "Camera", "Change", "CorrelationRule", "Device", "Event", "Flood", "Incident", "IncidentCounter", "LedgerHead",
    "Presence", "Suppression", "new_epoch",
]  # fmt: skip


class Camera(models.Model):
    """One camera. The national standard lists sites; a site of n cameras is n rows, `index` 1 to n.

    (municipality, source, site_number, index) identifies it, so that importing a registry again updates.
    """

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="cameras")
    source = models.CharField(_("registry"), max_length=40, help_text=_("Which registry the row came from."))
    site_number = models.CharField(_("site number"), max_length=120)
    index = models.PositiveSmallIntegerField(_("camera of the site"), default=1)
    name = models.CharField(_("name"), max_length=200)
    purpose = models.CharField(_("purpose"), max_length=40, blank=True)
    manager = models.CharField(_("managed by"), max_length=100, blank=True)
    manager_phone = models.CharField(_("manager's telephone"), max_length=40, blank=True)
    road_address = models.CharField(_("road address"), max_length=300, blank=True)
    lot_address = models.CharField(_("lot address"), max_length=300, blank=True)
    lat = models.FloatField(_("latitude"))
    lon = models.FloatField(_("longitude"))
    direction = models.CharField(_("direction"), max_length=200, blank=True)
    megapixels = models.FloatField(_("megapixels"), null=True, blank=True)
    retention_days = models.PositiveIntegerField(_("retention, days"), null=True, blank=True)
    installed_on = models.CharField(_("installed (year-month)"), max_length=7, blank=True)
    ptz = models.BooleanField(_("pan, tilt, zoom"), default=False)
    system = models.ForeignKey(
        LinkedSystem, models.SET_NULL, null=True, editable=False, related_name="cameras", verbose_name=_("video system")
    )
    sealed_stream = models.TextField(blank=True, editable=False)
    gone_at = models.DateTimeField(
        _("gone since"), null=True, editable=False,
        help_text=_("Its video system no longer lists it. It stays: incidents and grants may speak of it."),
    )  # fmt: skip
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    class Meta:
        verbose_name = _("camera")
        verbose_name_plural = _("cameras")
        ordering = ["municipality_id", "site_number", "index"]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "source", "site_number", "index"], name="one_camera_per_place")
        ]
        indexes = [models.Index(fields=["municipality", "lat", "lon"])]

    def __str__(self) -> str:
        return self.name

    @property
    def stream(self) -> str:
        """Where its video is fetched, with the account (`rtsp://…`), or "" where unknown. For our own gateway alone:
        no payload, page or log holds it, and the database only under seal.

        Raises `cryptography.fernet.InvalidToken` where SECRET_KEY has changed; the next synchronisation mends that.
        """
        return open_sealed(self.sealed_stream) if self.sealed_stream else ""

    @stream.setter
    def stream(self, value: str) -> None:
        self.sealed_stream = seal(value) if value else ""

    @property
    def has_video(self) -> bool:
        """Whether it can be watched: its video system lists it with an address."""
        return bool(self.sealed_stream) and self.system_id is not None and self.gone_at is None


class Device(models.Model):
    """Something in the street that reports: an emergency bell, a sensor, a traffic detector, a sign."""

    class Kind(models.TextChoices):
        BELL = "bell", _("emergency bell")
        CRIME_SENSOR = "crime_sensor", _("crime-prevention sensor")
        FIRE_SENSOR = "fire_sensor", _("fire sensor")
        RAIN_GAUGE = "rain_gauge", _("rain gauge")
        TRAFFIC_DETECTOR = "traffic_detector", _("traffic detector")
        TRAFFIC_SIGN = "traffic_sign", _("traffic message sign")
        BUS_TERMINAL = "bus_terminal", _("bus information terminal")
        ROADSIDE_UNIT = "roadside_unit", _("roadside unit")
        OTHER = "other", _("other")

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="devices")
    device_id = models.CharField(_("device id"), max_length=120, help_text=_("As its feed reports it."))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=200)
    address = models.CharField(_("address"), max_length=300, blank=True)
    lat = models.FloatField(_("latitude"))
    lon = models.FloatField(_("longitude"))
    attributes = models.JSONField(
        _("attributes"), default=dict, blank=True, help_text=_("What its registry says beside: links, last check, its result.")
    )
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ["municipality_id", "device_id"]
        constraints = [models.UniqueConstraint(fields=["municipality", "device_id"], name="one_device_per_id")]

    def __str__(self) -> str:
        return self.name


class Geofence(models.Model):
    """An area with a name that its municipality watches; written by `geofences` alone."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="geofences")
    name = models.CharField(_("name"), max_length=60)
    area = models.JSONField(_("area"), help_text=_("A GeoJSON Polygon or MultiPolygon in WGS84."))
    created_by = models.CharField(_("made by"), max_length=150)
    created_at = models.DateTimeField(_("made at"), default=timezone.now)

    class Meta:
        verbose_name = _("geofence")
        verbose_name_plural = _("geofences")
        ordering = ["municipality_id", "name"]
        constraints = [models.UniqueConstraint(fields=["municipality", "name"], name="one_geofence_per_name")]

    def __str__(self) -> str:
        return self.name


class CorrelationRule(models.Model):
    """How near in space and time an event must be to join an open incident of its family.

    Without a rule for a code, `correlate.DEFAULT_RADIUS_METRES` and `DEFAULT_WINDOW_SECONDS` hold.
    """

    municipality = models.ForeignKey(Municipality, models.CASCADE, related_name="correlation_rules")
    code = models.CharField(_("event code"), max_length=10)
    radius_m = models.PositiveIntegerField(_("radius, metres"), validators=[MaxValueValidator(10_000)])
    window_s = models.PositiveIntegerField(
        _("window, seconds"), validators=[MinValueValidator(0), MaxValueValidator(86_400)]
    )

    class Meta:
        verbose_name = _("correlation rule")
        verbose_name_plural = _("correlation rules")
        constraints = [models.UniqueConstraint(fields=["municipality", "code"], name="one_rule_per_code")]

    def __str__(self) -> str:
        return f"{self.code}: {self.radius_m} m, {self.window_s} s"


class Incident(models.Model):
    """What one or more events are about: the thing operators work on.

    Written only by `intake` and `operations`, each time with a `Change` in the same transaction.
    """

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="incidents")
    number = models.CharField(_("number"), max_length=40, unique=True)
    code = models.CharField(_("event code"), max_length=10)
    family = models.CharField(_("code family"), max_length=8, choices=Family.choices)
    grade = models.CharField(_("grade"), max_length=2, choices=Grade.choices)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.OPEN)
    status_at = models.DateTimeField(_("status since"))
    summary = models.CharField(_("summary"), max_length=500, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    place = models.CharField(_("place"), max_length=60, blank=True)
    lat = models.FloatField(_("latitude"), null=True)
    lon = models.FloatField(_("longitude"), null=True)
    system = models.ForeignKey(LinkedSystem, models.PROTECT, null=True, related_name="+", verbose_name=_("source"))
    device_id = models.CharField(_("device id"), max_length=120, blank=True)
    event_count = models.PositiveIntegerField(_("events"), default=1)
    occurred_at = models.DateTimeField(_("occurred at"))
    last_event_at = models.DateTimeField(_("last event at"))
    received_at = models.DateTimeField(_("received at"))
    ack_due_at = models.DateTimeField(_("acknowledge by"), null=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)
    holder = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("held by"))
    escalation = models.PositiveSmallIntegerField(
        _("escalation"), default=0, help_text=_("How far a missed acknowledgement has gone: 1 the supervisor, 2 the whole room.")
    )
    escalated_at = models.DateTimeField(_("escalated at"), null=True)
    offered_to = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("offered to"))
    offered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("offered by"))
    offer_until = models.DateTimeField(_("offer until"), null=True)
    shelved_until = models.DateTimeField(_("shelved until"), null=True)
    shelved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("shelved by"))
    shelf_reason = models.CharField(_("why it is shelved"), max_length=300, blank=True)
    suppression = models.ForeignKey(
        Suppression, models.PROTECT, null=True, related_name="incidents", verbose_name=_("suppressed by")
    )
    result_code = models.CharField(_("result code"), max_length=20, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="parts")
    area = models.JSONField(_("area"), null=True, help_text=_("A GeoJSON geometry in WGS84, where it has one."))
    expires_at = models.DateTimeField(_("expires at"), null=True)
    version = models.BigIntegerField(_("ledger number"), default=0)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["municipality", "-id"]),
            models.Index(fields=["municipality", "status"]),
            models.Index(
                fields=["municipality", "family", "lat", "lon"],
                condition=~models.Q(status__in=["merged", "false_alarm", "test", "closed", "cancelled", "resolved"]),
                name="incident_joinable",
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False)
                & ~models.Q(status__in=["merged", "false_alarm", "test", "closed", "cancelled", "resolved"]),
                name="incident_expiring",
            ),
            # What may have to be escalated: a sweep a second reads no more than what waits.
            models.Index(
                fields=["ack_due_at"],
                condition=models.Q(status__in=["received", "open", "reopened"], escalation__lt=2),
                name="incident_escalating",
            ),
            models.Index(fields=["shelved_until"], condition=models.Q(shelved_until__isnull=False), name="incident_shelved"),
            models.Index(fields=["offer_until"], condition=models.Q(offer_until__isnull=False), name="incident_offered"),
            models.Index(fields=["municipality", "received_at"], name="incident_rate"),
        ]

    def __str__(self) -> str:
        return self.number


class Event(models.Model):
    """One report of one source, kept as it was understood. (system, source_id) is its identity.

    `incident` is where it is now; `distance_m` and `gap_s` say how near it was to the incident it joined, and
    `rule_radius_m` and `rule_window_s` what the rule then allowed. What operators moved is in `Regrouping`.
    `subject` is the source's own key of what it is about: later reports of the same subject continue the
    same incident. A cancel or end of something never heard of has no incident.
    """

    class Action(models.TextChoices):
        REPORT = "report", _("report")
        CANCEL = "cancel", _("cancel")
        END = "end", _("end")

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    system = models.ForeignKey(LinkedSystem, models.PROTECT, related_name="events")
    source_id = models.CharField(_("the source's id"), max_length=200)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    action = models.CharField(_("action"), max_length=6, choices=Action.choices, default=Action.REPORT)
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="events", db_index=False)
    code = models.CharField(_("event code"), max_length=10)
    grade = models.CharField(_("grade"), max_length=2, choices=Grade.choices)
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"))
    lat = models.FloatField(_("latitude"), null=True)
    lon = models.FloatField(_("longitude"), null=True)
    summary = models.CharField(_("summary"), max_length=500, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    device_id = models.CharField(_("device id"), max_length=120, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, encoder=DjangoJSONEncoder)
    distance_m = models.FloatField(_("distance to the incident, metres"), null=True)
    gap_s = models.FloatField(_("time gap to the incident, seconds"), null=True)
    rule_radius_m = models.PositiveIntegerField(_("the rule's radius, metres"), null=True)
    rule_window_s = models.PositiveIntegerField(_("the rule's window, seconds"), null=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["system", "source_id"], name="one_event_per_source_id")]
        # `threads` reads by these; event_thread, which begins with the incident, is also that key's.
        indexes = [
            models.Index(fields=["system", "subject", "-id"], condition=~models.Q(subject=""), name="event_subject"),
            models.Index(fields=["system", "subject", "action", "occurred_at"], condition=~models.Q(subject=""), name="event_said"),
            models.Index("incident", "system", Coalesce(NullIf("subject", Value("")), "source_id"), name="event_thread"),
            models.Index(fields=["system", "received_at"], name="event_rate"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.source_id}"


class Regrouping(models.Model):
    """An operator's decision that events belong together (a merge) or do not (a split), and whether it was undone.

    `events` went from `part` into `whole` (merge) or from `whole` into `part` (split); `before` is what the part
    was before a merge, so that it can come back. Rows stay: the two are kept apart by correlation while the
    decision stands that they are two (decision 0012).
    """

    class Kind(models.TextChoices):
        MERGE = "merge", _("merge")
        SPLIT = "split", _("split")

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices)
    part = models.ForeignKey(Incident, models.PROTECT, related_name="left", verbose_name=_("part"))
    whole = models.ForeignKey(Incident, models.PROTECT, related_name="took_in", verbose_name=_("whole"))
    events = models.ManyToManyField(Event, related_name="regroupings", verbose_name=_("events"))
    before = models.JSONField(default=dict)
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    made_by = models.CharField(_("made by"), max_length=160)
    undone_at = models.DateTimeField(_("undone at"), null=True)
    undone_by = models.CharField(_("undone by"), max_length=160, blank=True)

    class Meta:
        verbose_name = _("merge or split")
        verbose_name_plural = _("merges and splits")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.part_id} / {self.whole_id}"


class Change(models.Model):
    """One row of the ledger: what happened, and the incident as it was afterwards.

    `seq` counts 1, 2, 3 … without holes per municipality, in the order of commits. `body` is the row
    as clients get it. Rows are never changed or deleted.
    """

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="changes")
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=30)
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="changes")
    family = models.CharField(max_length=8)
    body = models.JSONField()

    class Meta:
        verbose_name = _("ledger row")
        verbose_name_plural = _("ledger rows")
        ordering = ["municipality_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["municipality", "seq"], name="one_row_per_seq")]
        indexes = [
            models.Index(fields=["incident", "seq"]),
            models.Index(fields=["municipality", "at"]),
            models.Index(
                fields=["municipality", "at"], condition=models.Q(kind="incident.acknowledged"), name="change_acknowledged"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


def new_epoch() -> str:
    """A fresh random epoch."""
    return secrets.token_hex(4)


class LedgerHead(models.Model):
    """The end of one municipality's ledger: the row whose lock orders its commits.

    `epoch` changes when the past does (a restored backup): old cursors then answer 410.
    """

    municipality = models.OneToOneField(Municipality, models.PROTECT, primary_key=True, related_name="ledger")
    epoch = models.CharField(max_length=16, default=new_epoch)
    seq = models.BigIntegerField(default=0)


class IncidentCounter(models.Model):
    """The last incident number given out for one municipality on one day."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    day = models.DateField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["municipality", "day"], name="one_counter_per_day")]
