"""What administrators do to a linked system beside editing it: keys, the signing secret, pausing, its breaker, tests.

Each operation is one transaction with its audit entry. Secrets are returned once, to be shown once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from linkage import nudge
from linkage.models import LinkedSystem, SystemKey
from linkage.probe import ProbeResult
from linkage.signing import make_secret
from ocenter.accounts import audit
from ocenter.accounts.keys import make_key

MAX_ERROR_LENGTH: Final = 200
# How long the secret before the present one is good: time enough to carry the new one to the other side.
ROTATION: Final = timedelta(hours=24)


@dataclass(frozen=True)
class By:
    """Who does it, and from where, for the audit."""

    username: str
    address: str | None = None


@transaction.atomic
def key_issue(*, system: LinkedSystem, by: By, label: str = "", expires_at: datetime | None = None) -> str:
    """A new key for `system`; returns the only copy of the secret. Each call makes another key; the others stay
    valid, so that a key is replaced by issuing the second and then revoking the first."""
    new = make_key()
    SystemKey.objects.create(system=system, prefix=new.prefix, digest=new.digest, label=label, expires_at=expires_at)
    _record(by, "key.issued", system, prefix=new.prefix, label=label, expires_at=expires_at)
    return new.secret


@transaction.atomic
def key_revoke(*, key: SystemKey, by: By) -> None:
    """Ends a key at once. Revoking it again changes nothing and leaves no second entry."""
    if SystemKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        _record(by, "key.revoked", key.system, prefix=key.prefix, label=key.label)


@transaction.atomic
def secret_renew(*, system: LinkedSystem, by: By) -> str:
    """A new signing secret; the present one stays in force beside it for 24 hours. Returns the only readable copy.

    Renewing twice within that time ends the older of the two at once: two are in force, never three.
    """
    now = timezone.now()
    row = LinkedSystem.objects.select_for_update().get(pk=system.pk)
    secret = make_secret()
    row.sealed_previous_secret = row.sealed_secret
    row.previous_secret_until = now + ROTATION if row.sealed_secret else None
    row.secret = secret
    row.save(update_fields=["sealed_secret", "sealed_previous_secret", "previous_secret_until"])
    _record(by, "secret.renewed", system, previous_until=row.previous_secret_until)
    return secret


@transaction.atomic
def secret_previous_end(*, system: LinkedSystem, by: By) -> bool:
    """Ends the secret before the present one now; returns whether there was one. Repeating changes nothing."""
    ended = (
        LinkedSystem.objects.filter(pk=system.pk)
        .exclude(sealed_previous_secret="")
        .update(sealed_previous_secret="", previous_secret_until=None)
    )
    if ended:
        _record(by, "secret.previous_ended", system)
    return bool(ended)


@transaction.atomic
def secret_set(*, system: LinkedSystem, by: By, secret: str) -> None:
    """Keeps a secret that the other side has given us (a service key, a broker's password), encrypted."""
    row = LinkedSystem.objects.select_for_update().get(pk=system.pk)
    row.secret = secret
    row.sealed_previous_secret, row.previous_secret_until = "", None
    row.save(update_fields=["sealed_secret", "sealed_previous_secret", "previous_secret_until"])
    _record(by, "secret.set", system)


@transaction.atomic
def system_pause(*, system: LinkedSystem, by: By) -> bool:
    """Stops polling a feed or sending to an agency, whose relays wait in front of the operator; pushes of a feed are
    still taken. Returns whether it was running. Repeating changes nothing."""
    changed = LinkedSystem.objects.filter(pk=system.pk, paused_at=None).update(
        paused_at=timezone.now(), paused_by=by.username
    )
    if changed:
        _record(by, "system.paused", system)
    return bool(changed)


@transaction.atomic
def system_resume(*, system: LinkedSystem, by: By) -> bool:
    """Goes on after a pause, at once. Returns whether it was paused. Repeating changes nothing."""
    paused = LinkedSystem.objects.filter(pk=system.pk).exclude(paused_at=None)
    changed = paused.update(paused_at=None, paused_by="")
    if changed:
        _record(by, "system.resumed", system)
        _announce(system)
    return bool(changed)


@transaction.atomic
def breaker_close(*, system: LinkedSystem, by: By) -> bool:
    """Lets an agency be called again at once, at its first endpoint, whatever its breaker had counted.

    Returns whether there was anything to close. Repeating changes nothing.
    """
    counted = LinkedSystem.objects.filter(pk=system.pk).exclude(
        breaker_failures=0, breaker_until=None, secondary_until=None
    )
    changed = counted.update(breaker_failures=0, breaker_until=None, secondary_until=None)
    if changed:
        _record(by, "breaker.closed", system)
        _announce(system)
    return bool(changed)


@transaction.atomic
def mapping_save(*, system: LinkedSystem, by: By, mapping: dict[str, Any]) -> None:
    """Puts a checked mapping in force for the next document. The audit keeps both, without their samples."""
    before = LinkedSystem.objects.select_for_update().get(pk=system.pk).mapping
    if before == mapping:
        return
    LinkedSystem.objects.filter(pk=system.pk).update(mapping=mapping)
    _record(by, "mapping.saved", system, before=_without_sample(before), after=_without_sample(mapping))


@transaction.atomic
def probe_record(*, system: LinkedSystem, result: ProbeResult, by: By) -> None:
    """Keeps how a connection test ended, as the contact or as the error last seen.

    That a feed's address answers is no contact: only what the feed says shows that it reports.
    """
    now = timezone.now()
    if result.ok:
        changes: dict[str, Any] = {"last_error": ""}
        if system.kind != LinkedSystem.Kind.FEED:
            changes["last_contact_at"] = now
    else:
        changes = {"last_error": result.text[:MAX_ERROR_LENGTH], "last_error_at": now}
    LinkedSystem.objects.filter(pk=system.pk).update(**changes)
    _record(by, "system.tested", system, ok=result.ok, status=result.status, result=result.text)


def note(by: By, action: str, system: LinkedSystem, **detail: Any) -> None:
    """An audit entry for something done to `system` that leaves no row of its own (a fault set, a test event sent)."""
    with transaction.atomic():
        _record(by, action, system, **detail)


def _announce(system: LinkedSystem) -> None:
    """Has an agency's waiting messages sent now; without it the sweeper sends them within seconds."""
    if system.kind == LinkedSystem.Kind.AGENCY:
        transaction.on_commit(lambda: nudge.lane(system.pk))


def _without_sample(mapping: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != "sample"}


def _record(by: By, action: str, system: LinkedSystem, **detail: Any) -> None:
    audit.record(
        actor=by.username,
        action=action,
        subject=f"linkedsystem:{system.pk}",
        detail={"object": str(system), **detail},
        municipality_id=system.municipality_id,
        address=by.address,
    )
