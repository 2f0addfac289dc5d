"""Who watched which camera, why, and for how long."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0002_audit_is_append_only"),
        ("incidents", "0006_event_rate"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="VideoView",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="address")),
                ("begun_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="begun at")),
                ("heard_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="last heard at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("first_picture_at", models.DateTimeField(null=True, verbose_name="first picture at")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended at")),
                (
                    "ended_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("viewer", "by the viewer"),
                            ("silence", "page gone"),
                            ("expiry", "time over"),
                            ("access", "right withdrawn"),
                        ],
                        max_length=8,
                        verbose_name="ended",
                    ),
                ),
                ("seconds", models.FloatField(default=0, verbose_name="seconds viewed")),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="views",
                        to="incidents.camera",
                        verbose_name="camera",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="views",
                        to="incidents.incident",
                        verbose_name="incident",
                    ),
                ),
                (
                    "municipality",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.municipality",
                        verbose_name="municipality",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "viewing",
                "verbose_name_plural": "viewings",
                "ordering": ["-begun_at"],
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["heard_at"], name="view_open"),
                    models.Index(fields=["municipality", "-begun_at"], name="view_recent"),
                    models.Index(fields=["camera", "-begun_at"], name="view_of_camera"),
                ],
            },
        ),
    ]
