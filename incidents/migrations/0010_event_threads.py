"""What a thread's newest message asks costs the same however long the thread is (`incidents/threads.py`).

Built beside the running intake, which goes on; so without a transaction, and each index anew where an earlier try was
interrupted. Safe to repeat.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce, NullIf


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('incidents', '0009_alarm_management'),
    ]

    operations = [
        migrations.RunSQL('DROP INDEX CONCURRENTLY IF EXISTS event_said', migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='event',
            index=models.Index(condition=models.Q(('subject', ''), _negated=True), fields=['system', 'subject', 'action', 'occurred_at'], name='event_said'),
        ),
        migrations.RunSQL('DROP INDEX CONCURRENTLY IF EXISTS event_thread', migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='event',
            index=models.Index('incident', 'system', Coalesce(NullIf('subject', models.Value('')), 'source_id'), name='event_thread'),
        ),
        # Django would make the foreign key itself anew, and read the whole table for it.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    'DROP INDEX CONCURRENTLY IF EXISTS incidents_event_incident_id_6e955528',
                    'CREATE INDEX CONCURRENTLY incidents_event_incident_id_6e955528 ON incidents_event (incident_id)',
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='event',
                    name='incident',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='incidents.incident'),
                ),
            ],
        ),
    ]
