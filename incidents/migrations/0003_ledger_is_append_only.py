"""The database itself refuses to change or delete a ledger row: readers who have passed it would never know.

TRUNCATE is let through: it takes the whole ledger, which a new epoch tells every reader (`renew_epoch`).
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION incidents_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger rows are never changed or deleted' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_row_stays BEFORE UPDATE OR DELETE ON incidents_change
    FOR EACH STATEMENT EXECUTE FUNCTION incidents_ledger_refuse();
"""

BACKWARD = """
DROP TRIGGER ledger_row_stays ON incidents_change;
DROP FUNCTION incidents_ledger_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_joinable_by_place")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
