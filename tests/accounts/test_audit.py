"""The audit chain: what it takes in, and every way of tampering that `verify` must find."""

import threading
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test import override_settings

from ocenter.accounts import audit
from ocenter.accounts.models import AuditEntry, AuditHead

TABLE = "accounts_auditentry"
WRITERS, ENTRIES_EACH = 8, 15


def write(count=1, **detail):
    with transaction.atomic():
        for number in range(count):
            audit.record(actor="kim", action="test", subject=f"thing:{number}", detail=detail, municipality_id=None)


@pytest.fixture
def tamper(db):
    """Runs SQL with the table's own protection switched off, as its owner could."""

    def run(sql, *args):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the table cannot be altered with checks pending
            cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
            cursor.execute(sql, args)
            cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER audit_entry_stays")

    return run


def kinds():
    return [finding.kind for finding in audit.verify().findings]


def test_an_empty_chain_is_whole(db):
    assert audit.verify().whole


def test_entries_are_numbered_from_one_and_verify(db):
    write(3)
    report = audit.verify()
    assert report.whole and report.entries == 3
    assert list(AuditEntry.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_recording_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        audit.record(actor="kim", action="test", subject="x", detail={}, municipality_id=None)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_vanishes_with_the_deed_it_records():
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record(actor="kim", action="test", subject="x", detail={}, municipality_id=None)
        raise RuntimeError
    write()
    assert audit.verify().whole and AuditEntry.objects.get().number == 1


@pytest.mark.parametrize(
    "detail",
    [
        {"text": "한글 \0 \ud800", "quote": '"\\'},
        {"n": [0, -0.0, 1.0, 1e23, 1e-7, 0.1, 1.5, 10**30, True, None]},
        {"nan": float("nan"), "inf": float("inf"), "decimal": Decimal("1.10")},
        {"nested": {"b": [{"z": 1, "a": 2.50}], "a": {}}},
    ],
)
def test_whatever_json_postgresql_gives_back_verifies(db, detail):
    write(2, **detail)
    AuditEntry.objects.get(number=1).refresh_from_db()
    assert audit.verify().whole


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("FE80::1%eth0", "fe80::1"),
        ("junk", None),
        ("", None),
    ],
)
def test_addresses_are_kept_in_one_form(db, given, kept):
    with transaction.atomic():
        audit.record(actor="a", action="b", subject="c", detail={}, municipality_id=None, address=given)
    assert AuditEntry.objects.get().address == kept and audit.verify().whole


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'lee'", "action = 'other'", "subject = 'thing:9'", "at = at + interval '1 microsecond'",
        "address = '10.0.0.9'", "detail = '{\"x\": 1}'", "digest = repeat('0', 64)",
    ],
)  # fmt: skip
def test_a_changed_entry_is_found(tamper, change):
    write(3)
    tamper(f"UPDATE {TABLE} SET {change} WHERE number = 2")
    assert "changed" in kinds()


def test_a_deleted_entry_is_found_and_named(tamper):
    write(5)
    tamper(f"DELETE FROM {TABLE} WHERE number IN (2, 3)")
    findings = audit.verify().findings
    assert [(one.kind, one.number) for one in findings] == [("missing", 2)]
    assert "2 to 3" in findings[0].text


def test_a_deleted_first_entry_is_found(tamper):
    write(3)
    tamper(f"DELETE FROM {TABLE} WHERE number = 1")
    assert kinds() == ["missing"]


def test_a_cut_tail_is_found(tamper):
    write(4)
    tamper(f"DELETE FROM {TABLE} WHERE number > 2")
    assert kinds() == ["truncated"]


def test_a_cut_tail_is_found_although_the_head_was_fitted_to_it(tamper):
    write(4)
    tamper(f"DELETE FROM {TABLE} WHERE number > 2")
    last = AuditEntry.objects.get(number=2)
    AuditHead.objects.update(number=2, digest=last.digest)
    assert kinds() == ["head"]


def test_an_emptied_table_is_found(tamper):
    write(4)
    tamper(f"TRUNCATE {TABLE}")
    assert kinds() == ["truncated"]


def test_a_missing_head_is_found(db):
    write(2)
    AuditHead.objects.all().delete()
    assert kinds() == ["head"]


def test_a_head_put_back_is_found(db):
    write(1)
    early = AuditHead.objects.values().get()
    write(2)
    AuditHead.objects.update(**early)
    assert kinds() == ["head"]


def test_a_forged_entry_at_the_end_is_found(tamper):
    write(2)
    tamper(
        f"INSERT INTO {TABLE} (number, at, actor, action, subject, detail, digest)"
        " VALUES (3, now(), 'kim', 'x', 'y', '{}', repeat('a', 64))"
    )
    assert "changed" in kinds() and "head" in kinds()


def test_writing_on_after_a_cut_leaves_the_evidence(tamper):
    write(4)
    tamper(f"DELETE FROM {TABLE} WHERE number > 2")
    write(1)
    assert kinds() == ["missing", "damaged"]
    assert not AuditEntry.objects.filter(number__in=[3, 4]).exists()


def test_writing_on_after_the_head_was_lost_leaves_the_evidence(db):
    write(2)
    AuditHead.objects.all().delete()
    write(1)
    assert kinds() == ["damaged"]


def test_another_secret_key_does_not_fit(db):
    write(1)
    with override_settings(SECRET_KEY="another" * 9):
        assert not audit.verify().whole


def test_many_findings_are_counted_but_not_all_kept(tamper):
    write(audit.MAX_KEPT_FINDINGS + 20)
    tamper(f"UPDATE {TABLE} SET actor = 'x'")
    report = audit.verify()
    assert report.finding_count == audit.MAX_KEPT_FINDINGS + 20
    assert len(report.findings) == audit.MAX_KEPT_FINDINGS


@pytest.mark.parametrize("sql", [f"UPDATE {TABLE} SET actor = 'x'", f"DELETE FROM {TABLE}"])
def test_the_database_itself_refuses_changes(db, sql):
    write(1)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_database_itself_refuses_to_empty_the_table(db):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER audit_table_stays")
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            cursor.execute(f"TRUNCATE {TABLE}")


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_make_one_whole_chain():
    start = threading.Barrier(WRITERS)
    failures = []

    def work(name):
        try:
            start.wait(timeout=20)
            for number in range(ENTRIES_EACH):
                with transaction.atomic():
                    audit.record(actor=name, action="race", subject=str(number), detail={}, municipality_id=None)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"w{index}",)) for index in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    report = audit.verify()
    assert not failures and report.whole
    assert report.entries == WRITERS * ENTRIES_EACH == AuditHead.objects.get().number


def verify_audit(*args):
    out = StringIO()
    call_command("verify_audit", *args, stdout=out)
    return out.getvalue()


def test_the_command_says_whole_and_the_head(db):
    write(2)
    said = verify_audit()
    assert said.splitlines()[0] == "2 entries, whole"
    assert said.splitlines()[1] == f"head 2:{audit.digest_at(2)}"


def test_the_command_names_findings_and_fails(tamper):
    write(2)
    tamper(f"UPDATE {TABLE} SET actor = 'x' WHERE number = 1")
    with pytest.raises(CommandError) as caught:
        verify_audit()
    assert caught.value.returncode == 1


def test_a_head_kept_elsewhere_shows_a_chain_put_back(tamper):
    write(2)
    kept = AuditHead.objects.values().get()
    write(2)
    anchor = f"4:{audit.digest_at(4)}"
    tamper(f"DELETE FROM {TABLE} WHERE number > 2")
    AuditHead.objects.update(**kept)
    assert audit.verify().whole
    with pytest.raises(CommandError):
        verify_audit("--expect", anchor)
    assert "whole" in verify_audit("--expect", f"2:{audit.digest_at(2)}")
