"""The database itself refuses to change what a shift has signed, and to delete a handover that is more than a draft.

Whoever owns the table can switch a trigger off; then the digest, its seal and the audit chain tell (`documents.check`).
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION shifts_handover_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            RAISE EXCEPTION 'a signed handover is never deleted' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state IN ('archived', 'returned') OR (OLD.state = 'signed' AND (
        NEW.state NOT IN ('archived', 'returned')
        OR (NEW.frozen, NEW.digest, NEW.municipality_id, NEW.shift, NEW.day, NEW.crew, NEW.written_at, NEW.notes)
           IS DISTINCT FROM
           (OLD.frozen, OLD.digest, OLD.municipality_id, OLD.shift, OLD.day, OLD.crew, OLD.written_at, OLD.notes)
        OR (NEW.outgoing_id, NEW.outgoing_at) IS DISTINCT FROM (OLD.outgoing_id, OLD.outgoing_at)))
    THEN
        RAISE EXCEPTION 'a signed handover is never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER handover_stays BEFORE UPDATE OR DELETE ON shifts_handover
    FOR EACH ROW EXECUTE FUNCTION shifts_handover_refuse();
"""

BACKWARD = """
DROP TRIGGER handover_stays ON shifts_handover;
DROP FUNCTION shifts_handover_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("shifts", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
