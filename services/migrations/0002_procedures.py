"""Procedures, checklists, and marks that the database itself refuses to change or delete, as it does ledger rows.

TRUNCATE is let through, as there.
"""
import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION services_stepmark_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'marks of a checklist are never changed or deleted' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER stepmark_stays BEFORE UPDATE OR DELETE ON services_stepmark
    FOR EACH STATEMENT EXECUTE FUNCTION services_stepmark_refuse();
"""

BACKWARD = """
DROP TRIGGER stepmark_stays ON services_stepmark;
DROP FUNCTION services_stepmark_refuse();
"""


class Migration(migrations.Migration):


    dependencies = [
        ('accounts', '0002_audit_is_append_only'),
        ('incidents', '0006_event_rate'),
        ('services', '0001_video'),
    ]

    operations = [
        migrations.CreateModel(
            name='Procedure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('applies_to', models.CharField(max_length=10, verbose_name='event code or family')),
                ('version', models.PositiveIntegerField(editable=False, verbose_name='version')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('title_ko', models.CharField(max_length=200, verbose_name='title in Korean')),
                ('title_en', models.CharField(max_length=200, verbose_name='title in English')),
                ('steps', models.JSONField(blank=True, default=list, verbose_name='steps')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('created_by', models.CharField(editable=False, max_length=160, verbose_name='created by')),
                ('municipality', models.ForeignKey(blank=True, help_text='Empty: for every centre that has none of its own.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='procedures', to='accounts.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'procedure',
                'verbose_name_plural': 'procedures',
                'ordering': ['applies_to', '-version'],
            },
        ),
        migrations.CreateModel(
            name='Checklist',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('applies_to', models.CharField(max_length=10)),
                ('version', models.PositiveIntegerField()),
                ('definition', models.JSONField()),
                ('since_seq', models.BigIntegerField(default=0)),
                ('began_at', models.DateTimeField()),
                ('timed', models.BooleanField(default=False)),
                ('look_at', models.DateTimeField(null=True)),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='checklists', to='incidents.incident')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.municipality')),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='checklists', to='services.procedure')),
            ],
        ),
        migrations.CreateModel(
            name='StepMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(blank=True, max_length=40)),
                ('kind', models.CharField(choices=[('done', 'done'), ('chosen', 'chosen'), ('skipped', 'skipped'), ('undone', 'undone'), ('waived', 'waived'), ('overdue', 'overdue')], max_length=8)),
                ('choice', models.CharField(blank=True, max_length=40)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('by', models.CharField(max_length=160)),
                ('owner', models.CharField(blank=True, max_length=10)),
                ('at', models.DateTimeField()),
                ('checklist', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='marks', to='services.checklist')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddConstraint(
            model_name='procedure',
            constraint=models.UniqueConstraint(fields=('municipality', 'applies_to', 'version'), name='one_row_per_version', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='procedure',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True)), fields=('municipality', 'applies_to'), name='one_active_version', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='checklist',
            index=models.Index(condition=models.Q(('look_at__isnull', False)), fields=['look_at'], name='checklist_look_at'),
        ),
        migrations.AddIndex(
            model_name='checklist',
            index=models.Index(fields=['municipality', 'began_at'], name='checklist_began'),
        ),
        migrations.AddConstraint(
            model_name='checklist',
            constraint=models.UniqueConstraint(fields=('incident', 'since_seq'), name='one_checklist_a_round'),
        ),
        migrations.AddIndex(
            model_name='stepmark',
            index=models.Index(fields=['kind', 'at'], name='stepmark_kind_at'),
        ),
        migrations.AddConstraint(
            model_name='stepmark',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'overdue')), fields=('checklist', 'step'), name='overdue_said_once'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
