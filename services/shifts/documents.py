"""The signed document: canonical JSON, its digest, the countersignature with its seal, and the check of all of it.

The digest says that the text is what was signed; the seal, who took it over, and when. Both could be made
anew by whoever owns the database; the audit chain, which needs SECRET_KEY, keeps what they were (invariant I8).
"""

from __future__ import annotations

import hashlib
from typing import Final

import orjson
import rfc8785

from ocenter.accounts.models import AuditEntry, User
from services.shifts.models import Handover

SIGNED: Final = "shift.handover_signed"
COUNTERSIGNED: Final = "shift.handover_countersigned"


def canonical(handover: Handover) -> str:
    """What is frozen: whose shift, the state at the cursor, the notes, and the outgoing signature (RFC 8785)."""
    assert handover.outgoing and handover.outgoing_at  # it is being signed
    document = {
        "municipality": handover.municipality.code,
        "handover": handover.pk,
        "version": handover.version,
        "shift": handover.shift,
        "day": handover.day.isoformat(),
        "crew": handover.crew,
        "written_at": handover.written_at.isoformat(),
        **handover.content,
        "notes": handover.notes,
        "outgoing": {**_person(handover.outgoing), "at": handover.outgoing_at.isoformat()},
    }
    # Through JSON once: what the database gave back (dates, decimals) becomes what a reader will parse.
    return rfc8785.dumps(orjson.loads(orjson.dumps(document))).decode()


def digest_of(frozen: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, as `sha256sum` prints it."""
    return hashlib.sha256(frozen.encode()).hexdigest()


def countersignature(handover: Handover) -> str:
    """What the incoming shift signs: the digest it has read, who, of which crew, and when (RFC 8785)."""
    assert handover.incoming and handover.incoming_at  # it is being signed
    who = {**_person(handover.incoming), "crew": handover.incoming_crew, "at": handover.incoming_at.isoformat()}
    return rfc8785.dumps({"digest": handover.digest, "incoming": who}).decode()


def check(handover: Handover) -> list[str]:
    """What is not as it was signed: any of "document", "audit", "seal". Empty for a draft and for an intact one."""
    if not handover.frozen and handover.state == Handover.State.DRAFT:
        return []
    wrong = []
    if digest_of(handover.frozen) != handover.digest:
        wrong.append("document")
    if handover.state == Handover.State.ARCHIVED and not _sealed(handover):
        wrong.append("seal")
    if not _audited(handover):
        wrong.append("audit")
    return wrong


def _sealed(handover: Handover) -> bool:
    if digest_of(handover.countersigned) != handover.seal:
        return False
    return bool(orjson.loads(handover.countersigned)["digest"] == handover.digest)


def _audited(handover: Handover) -> bool:
    """Whether the audit chain holds the same digest, and the same seal where there is one."""
    entries = AuditEntry.objects.filter(subject=subject_of(handover), municipality_id=handover.municipality_id)
    signed = entries.filter(action=SIGNED).values_list("detail__digest", flat=True)
    if list(signed) != [handover.digest]:
        return False
    sealed = entries.filter(action=COUNTERSIGNED).values_list("detail__seal", flat=True)
    return list(sealed) == ([handover.seal] if handover.seal else [])


def subject_of(handover: Handover) -> str:
    """What the audit chain calls it."""
    return f"handover:{handover.pk}"


def _person(user: User) -> dict[str, str]:
    return {"username": user.username, "name": user.label}
