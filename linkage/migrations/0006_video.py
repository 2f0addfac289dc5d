"""Who may see which stream, how streams are, and what the media gateway does."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("linkage", "0005_lease_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="VideoGateway",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("limit", models.PositiveIntegerField(default=0)),
                ("running", models.PositiveIntegerField(default=0)),
                ("starts", models.BigIntegerField(default=0)),
                ("failures", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="VideoStream",
            fields=[
                ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=10)),
                ("since", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="VideoSession",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=80)),
                ("sealed_stream", models.TextField()),
                ("allowed_network", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["key"], name="video_session_open")
                ],
            },
        ),
    ]
