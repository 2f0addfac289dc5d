"""Which database session claimed a delivery, so that a killed process's claims end with it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("linkage", "0004_leased_deliveries")]

    operations = [
        migrations.AddField(
            model_name="delivery", name="lease_pid", field=models.IntegerField(editable=False, null=True)
        ),
    ]
