"""Linked systems and the outbox: who we are wired to, and what is on its way to them."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from linkage import network
from linkage.states import RelayState
from ocenter.accounts.models import ApiKey, Municipality
from ocenter.accounts.secretbox import open_sealed, seal


class LinkedSystem(models.Model):
    """A system at the other end of a wire: a feed that reports, an agency that is told, or a central reader.

    `reads` lists the code families (such as "FIR") the system may read over REST: deny by default.
    A central system reads the municipalities in `covers` beside its own.
    """

    class Kind(models.TextChoices):
        FEED = "feed", _("feed")
        AGENCY = "agency", _("agency")
        CENTRAL = "central", _("central agency")

    class Transport(models.TextChoices):
        HTTP_JSON = "http_json", _("JSON over HTTP, signed")
        CAP = "cap", _("CAP 1.2 over HTTP")
        UCRI2 = "ucri2", _("UCRI2 control-room relay")

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="systems", verbose_name=_("municipality")
    )
    slug = models.SlugField(
        _("short name"), max_length=40, help_text=_("Used in the API and in addresses: police112, fire119, …")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    name_ko = models.CharField(_("Korean name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80)
    enabled = models.BooleanField(
        _("enabled"),
        default=True,
        help_text=_("A disabled feed is refused; relays to a disabled agency wait and are shown to the operator."),
    )
    phone = models.CharField(
        _("telephone"), max_length=40, blank=True, help_text=_("Shown to the operator when a relay does not get through.")
    )
    endpoint = models.URLField(
        _("endpoint"), blank=True, max_length=300, help_text=_("Agencies only: where relays are posted.")
    )
    callback_base_url = models.URLField(
        _("our address as the agency sees it"), blank=True, max_length=300,
        help_text=_("Callbacks are asked for below this address."),
    )  # fmt: skip
    allowed_network = models.CharField(
        _("allowed network"),
        max_length=200,
        default="127.0.0.0/8",
        validators=[network.validate_networks],
        help_text=_("Networks in CIDR form, comma separated; we connect to no address outside them."),
    )
    secondary_endpoint = models.URLField(
        _("second endpoint"), blank=True, max_length=300,
        help_text=_("Agencies only: another way to the same agency, taken while the first does not answer."),
    )  # fmt: skip
    transport = models.CharField(_("protocol"), max_length=20, choices=Transport.choices, default=Transport.HTTP_JSON)
    options = models.JSONField(
        _("settings of the format or protocol"), default=dict, blank=True,
        help_text=_("JSON, as the folder of the format or protocol documents."),
    )  # fmt: skip
    max_concurrent = models.PositiveSmallIntegerField(
        _("messages at once"), default=8, validators=[MinValueValidator(1), MaxValueValidator(64)],
        help_text=_("Agencies only: how many messages may be on the wire at the same time."),
    )  # fmt: skip
    deadline_s = models.PositiveSmallIntegerField(
        _("deadline, seconds"), default=10, validators=[MinValueValidator(1), MaxValueValidator(15)],
        help_text=_("Within this an exchange ends, whatever the other side does."),
    )  # fmt: skip
    paused_at = models.DateTimeField(_("paused since"), null=True, editable=False)
    paused_by = models.CharField(_("paused by"), max_length=160, blank=True, editable=False)
    breaker_failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    breaker_until = models.DateTimeField(_("breaker open until"), null=True, editable=False)
    secondary_until = models.DateTimeField(_("on the second endpoint until"), null=True, editable=False)
    sealed_secret = models.TextField(blank=True, editable=False)
    sealed_previous_secret = models.TextField(blank=True, editable=False)
    previous_secret_until = models.DateTimeField(_("previous secret valid until"), null=True, editable=False)
    feed_format = models.CharField(
        _("format"), max_length=40, blank=True,
        help_text=_("Feeds only: what its documents are in. Empty: events as POST /api/v1/events takes them."),
    )  # fmt: skip
    poll_interval_s = models.PositiveIntegerField(
        _("poll interval, seconds"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text=_("Feeds only: how often its endpoint is asked. Empty: it sends by itself."),
    )  # fmt: skip
    mapping = models.JSONField(_("mapping"), default=dict, blank=True, editable=False)
    late_limit_s = models.PositiveIntegerField(
        _("late limit, seconds"), default=600,
        help_text=_("Feeds only: events older than this on arrival show the feed as late. 0: never."),
    )  # fmt: skip
    noisy_limit_per_min = models.PositiveIntegerField(
        _("noisy limit, events a minute"), default=0,
        help_text=_("Feeds only: more than this in a minute shows the feed as noisy. 0: never."),
    )  # fmt: skip
    state = models.JSONField(default=dict, editable=False)
    reads = ArrayField(
        models.CharField(max_length=8),
        default=list,
        blank=True,
        verbose_name=_("may read code families"),
        help_text=_("Comma separated, such as FIR,RES,EMS. Empty: only what was relayed to it."),
    )
    covers = models.ManyToManyField(
        Municipality, blank=True, related_name="central_readers", verbose_name=_("further municipalities")
    )
    quiet_limit_s = models.PositiveIntegerField(
        _("quiet limit, seconds"), default=60, help_text=_("Silent for longer than this, a feed is shown as late.")
    )
    last_contact_at = models.DateTimeField(_("last contact"), null=True, editable=False)
    last_event_at = models.DateTimeField(_("last event"), null=True, editable=False)
    last_delay_s = models.FloatField(_("last event's age on arrival, seconds"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=200, blank=True, editable=False)
    last_error_at = models.DateTimeField(_("last error at"), null=True, editable=False)
    events_total = models.BigIntegerField(_("events"), default=0, editable=False)
    standing = models.CharField(_("state"), max_length=12, blank=True, editable=False)
    standing_since = models.DateTimeField(_("state since"), null=True, editable=False)

    class Meta:
        verbose_name = _("linked system")
        verbose_name_plural = _("linked systems")
        ordering = ["municipality_id", "kind", "slug"]
        constraints = [models.UniqueConstraint(fields=["municipality", "slug"], name="one_slug_per_municipality")]

    def __str__(self) -> str:
        return f"{self.name_ko} ({self.slug})"

    @property
    def name(self) -> dict[str, str]:
        """Both names, as every payload carries them."""
        return {"ko": self.name_ko, "en": self.name_en}

    @property
    def secret(self) -> str:
        """The Standard Webhooks signing secret (`whsec_…`), or "" where none is set."""
        return open_sealed(self.sealed_secret) if self.sealed_secret else ""

    @secret.setter
    def secret(self, value: str) -> None:
        self.sealed_secret = seal(value) if value else ""

    @property
    def secrets(self) -> list[str]:
        """The signing secrets in force: the present one, and while a rotation lasts the one before it."""
        rotating = self.previous_secret_until is not None and self.previous_secret_until > timezone.now()
        sealed = [self.sealed_secret, self.sealed_previous_secret if rotating else ""]
        return [open_sealed(one) for one in sealed if one]


class SystemKey(ApiKey):
    """The API key of a linked system."""

    system = models.ForeignKey(LinkedSystem, models.CASCADE, related_name="keys", verbose_name=_("linked system"))

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")


class Relay(models.Model):
    """One conversation with one agency about one subject (an incident's number): its state, as far as we know it.

    Of one subject and agency one relay at most is open; once it has ended, an operator may have another opened
    (decision 0013).
    The state moves forward only (`states.leads_forward`). `attention_reason` is set while an operator
    has to do something about it (invariant I6); the relay itself goes on being tried.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    system = models.ForeignKey(LinkedSystem, models.PROTECT, related_name="relays", verbose_name=_("agency"))
    subject = models.CharField(_("incident"), max_length=40)
    state = models.CharField(_("state"), max_length=12, choices=RelayState.choices, default=RelayState.QUEUED)
    state_at = models.DateTimeField(_("state since"), default=timezone.now)
    attention_reason = models.CharField(_("needs attention because"), max_length=200, blank=True)
    attention_at = models.DateTimeField(_("needs attention since"), null=True, blank=True)
    receipt = models.CharField(_("receipt"), max_length=120, blank=True)
    unit = models.CharField(_("unit"), max_length=60, blank=True)
    eta_s = models.PositiveIntegerField(_("ETA, seconds"), null=True, blank=True)
    lat = models.FloatField(_("unit's latitude"), null=True, blank=True)
    lon = models.FloatField(_("unit's longitude"), null=True, blank=True)
    unit_at = models.DateTimeField(_("unit's position at"), null=True, blank=True)
    result_code = models.CharField(_("result code"), max_length=20, blank=True)
    note = models.TextField(_("note"), blank=True)
    called_by = models.CharField(_("called by"), max_length=160, blank=True)
    reference = models.CharField(
        _("the agency's number"), max_length=120, blank=True,
        help_text=_("Its own number of the case, where the agency opened it here."),
    )  # fmt: skip
    status_url = models.URLField(
        _("asked to report to"), max_length=300, blank=True, help_text=_("Where such an agency wants to hear how its case goes.")
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("relay")
        verbose_name_plural = _("relays")
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "system"],
                condition=~models.Q(state__in=["closed", "declined", "cancelled", "by_hand"]),
                name="one_open_relay_per_subject_and_agency",
            )
        ]
        indexes = [
            models.Index(fields=["municipality", "-created_at"]),
            models.Index(fields=["subject", "system"], name="relay_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.system_id} ({self.state})"


class Delivery(models.Model):
    """One message to one agency: its id is the `Idempotency-Key`, the same at every attempt.

    Rows are written with the change that causes them and settled by the answer. `lease_until` is a
    claim that expires by itself: a killed worker's deliveries come back without anyone's help, and sooner
    where the sweeper sees that `lease_pid`, the database session that claimed them, is no more.
    """

    class Message(models.TextChoices):
        CREATE = "create", _("create")
        UPDATE = "update", _("update")
        CANCEL = "cancel", _("cancel")
        CLOSE = "close", _("close")
        STATUS = "status", _("status of the agency's own case")

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        DROPPED = "dropped", _("dropped")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    relay = models.ForeignKey(Relay, models.CASCADE, related_name="deliveries")
    system = models.ForeignKey(LinkedSystem, models.PROTECT, related_name="deliveries")
    position = models.PositiveIntegerField(help_text="Order within the relay: 1 is the create message.")
    message = models.CharField(_("message"), max_length=8, choices=Message.choices)
    address = models.URLField(
        _("address"), max_length=300, blank=True, help_text=_("Where it goes, if not to the agency's endpoint.")
    )
    payload: models.JSONField[Any] = models.JSONField(encoder=DjangoJSONEncoder)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    lease_pid = models.IntegerField(null=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["relay", "position"], name="one_message_per_position")]
        indexes = [
            models.Index(fields=["system", "due_at"], condition=models.Q(state="pending"), name="delivery_pending_lane"),
            models.Index(
                fields=["system", "lease_until"],
                condition=models.Q(state="pending", lease_until__isnull=False),
                name="delivery_leased",
            ),
            models.Index(fields=["system", "settled_at"], condition=models.Q(state="delivered"), name="delivery_by_receipt"),
        ]

    def __str__(self) -> str:
        return f"{self.message} {self.id}"


class Attempt(models.Model):
    """One try at a delivery, kept for good: when, how long, and how it ended."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField(_("attempt"))
    started_at = models.DateTimeField(_("started at"))
    duration_ms = models.PositiveIntegerField(_("duration, ms"))
    endpoint = models.CharField(_("endpoint"), max_length=300, blank=True)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True)
    response = models.TextField(_("response"), blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["started_at"]
        indexes = [models.Index(fields=["started_at"])]


class MaintenanceWindow(models.Model):
    """A time in which an agency has said that it takes nothing: its relays wait, in front of the operator."""

    system = models.ForeignKey(LinkedSystem, models.CASCADE, related_name="windows", verbose_name=_("linked system"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="window_ends_after_it_starts")
        ]

    def __str__(self) -> str:
        return f"{self.system_id}: {self.starts_at:%Y-%m-%d %H:%M} – {self.ends_at:%Y-%m-%d %H:%M}"


class Quarantined(models.Model):
    """What a feed sent and nobody could understand: its raw bytes, the reason, and what became of it.

    The same bytes of the same system are one row, with a count: a source that repeats its mistake every
    minute fills no disk. A record is stored as it stood in its document; a broken document whole, up to
    `quarantine.RAW_AT_MOST` bytes.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        UNDERSTOOD = "understood", _("understood on a later run")
        DISCARDED = "discarded", _("discarded")

    system = models.ForeignKey(LinkedSystem, models.CASCADE, related_name="quarantined", verbose_name=_("linked system"))
    format = models.CharField(_("format"), max_length=40)
    is_document = models.BooleanField(
        _("whole document"), help_text=_("Whether a whole document was broken, or one record of it.")
    )
    raw = models.BinaryField()
    size = models.PositiveIntegerField(_("size, bytes"), help_text=_("Before it was cut to what is kept."))
    digest = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100, blank=True)
    errors = models.JSONField(_("reasons"), default=list)
    times = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_at = models.DateTimeField(_("last seen"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=160, blank=True)

    class Meta:
        verbose_name = _("quarantined record")
        verbose_name_plural = _("quarantine")
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["system", "digest"], name="one_row_per_raw")]
        indexes = [models.Index(fields=["system", "-last_at"])]

    def __str__(self) -> str:
        return f"{self.format} {self.digest[:12]}"


class Heartbeat(models.Model):
    """When a process of ours was last seen at work: the sweeper writes its row every second."""

    name = models.CharField(primary_key=True, max_length=40)
    at = models.DateTimeField()


class VideoSession(models.Model):
    """One viewer's leave to see one stream, as the app above us has granted it; open until `ended_at`.

    `key` is that app's name for the camera: sessions with the same key share one ffmpeg. The media gateway reads
    these rows, so an ended one stops at its next look (`video.gateway.LOOK_SECONDS`), whoever ended it.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    key = models.CharField(max_length=80)
    sealed_stream = models.TextField()
    allowed_network = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["key"], condition=models.Q(ended_at=None), name="video_session_open")]


class VideoStream(models.Model):
    """How one stream of the media gateway is, since when, and why. Written by the gateway when that changes."""

    key = models.CharField(primary_key=True, max_length=80)
    state = models.CharField(max_length=10)
    since = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)


class VideoGateway(models.Model):
    """The one row of what the media gateway does: `running` ffmpegs, and counts since ever."""

    limit = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    starts = models.BigIntegerField(default=0)
    failures = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
