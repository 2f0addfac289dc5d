"""Candidates for correlation are looked up by place; time moves with every event, so it stays out of the index."""

from django.db import migrations, models

JOINABLE = ~models.Q(status__in=["merged", "false_alarm", "test", "closed", "cancelled", "resolved"])


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="incident", name="incident_joinable"),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["municipality", "family", "lat", "lon"], condition=JOINABLE, name="incident_joinable"),
        ),
    ]
