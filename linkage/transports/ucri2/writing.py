"""From one of our deliveries to a signed envelope: the same for the first attempt and for every other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from linkage.transports.base import NotSent, Target
from linkage.transports.ucri2 import envelope
from linkage.transports.ucri2.client import Account
from linkage.transports.ucri2.envelope import AppMessage
from linkage.transports.ucri2.messages import NotSayable, outgoing
from linkage.transports.ucri2.options import BadOptions, Credentials, Settings


class Pen:
    """How we write to one partner: its settings, and our secrets in force (newest first)."""

    def __init__(self, target: Target) -> None:
        """Raises NotSent, permanent, naming what the administrator has to set."""
        try:
            self.settings = Settings.of(target.options)
            self._held = tuple(Credentials.of(one) for one in target.secrets)
        except BadOptions as error:
            raise NotSent(f"UCRI2 is not set up: {error}", permanent=True) from error
        if not self._held:
            raise NotSent("UCRI2 is not set up: no password is set", permanent=True)
        if self._held[0].key is None and not self.settings.unsigned:
            raise NotSent("UCRI2 is not set up: no signing key is set", permanent=True)

    def account(self, base: str) -> Account:
        """Our account at the module whose client API has this address."""
        return Account(base.rstrip("/"), self.settings.username, tuple(one.password for one in self._held))

    def delivery(self, key: str, message: str, payload: Mapping[str, Any], *, timeout_s: int | None = None) -> dict[str, Any]:
        """The envelope of one delivery; `key` is its id. Raises NotSent, permanent, where the protocol lacks words."""
        one = self.settings
        try:
            said = outgoing(message, payload, language=one.language, country=one.country, now=timezone.now())
        except (NotSayable, KeyError, ValueError) as error:
            raise NotSent(f"cannot be said in UCRI2: {error}", permanent=True) from error
        return self.write(key, said, timeout_s=timeout_s)

    def write(self, key: str, message: AppMessage, *, timeout_s: int | None = None) -> dict[str, Any]:
        """A signed envelope to the partner around any message; `key` is a UUID of our choosing."""
        one = self.settings
        written = envelope.sealed(
            message, key=key, source=one.own_oid, destination=one.partner_oid, timeout_s=timeout_s or one.timeout_s
        )
        signing_key = self._held[0].key
        if signing_key is not None:
            written["signature"] = envelope.sign(written, signing_key, one.signature)
        return written
