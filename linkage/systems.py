"""What administrators do to a linked system beside editing it: keys, the signing secret, the result of a test.

Each operation is one transaction with its audit entry. Secrets are returned once, to be shown once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from linkage.models import LinkedSystem, SystemKey
from linkage.probe import ProbeResult
from linkage.signing import make_secret
from ocenter.accounts import audit
from ocenter.accounts.keys import make_key

MAX_ERROR_LENGTH = 200


@dataclass(frozen=True)
class By:
    """Who does it, and from where, for the audit."""

    username: str
    address: str | None = None


@transaction.atomic
def key_issue(*, system: LinkedSystem, by: By, label: str = "", expires_at: datetime | None = None) -> str:
    """A new key for `system`; returns the only copy of the secret. Each call makes another key."""
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
    """A new signing secret in place of the old, which is worthless from now on; returns the only readable copy."""
    secret = make_secret()
    system.secret = secret
    system.save(update_fields=["sealed_secret"])
    _record(by, "secret.renewed", system)
    return secret


@transaction.atomic
def probe_record(*, system: LinkedSystem, result: ProbeResult, by: By) -> None:
    """Keeps how a connection test ended, as the contact or as the error last seen."""
    now = timezone.now()
    if result.ok:
        changes: dict[str, Any] = {"last_contact_at": now, "last_error": ""}
    else:
        changes = {"last_error": result.text[:MAX_ERROR_LENGTH], "last_error_at": now}
    LinkedSystem.objects.filter(pk=system.pk).update(**changes)
    _record(by, "system.tested", system, ok=result.ok, status=result.status, result=result.text)


def _record(by: By, action: str, system: LinkedSystem, **detail: Any) -> None:
    audit.record(
        actor=by.username,
        action=action,
        subject=f"linkedsystem:{system.pk}",
        detail={"object": str(system), **detail},
        municipality_id=system.municipality_id,
        address=by.address,
    )
