"""What an administrator sets for a UCRI2 partner: open settings in `options`, secrets sealed in `secret`.

`options` holds nothing secret (docs/transports/ucri2.md lists it). `secret` is sealed at rest and is either the
OAuth password alone, or the JSON object `{"password": …, "key": …}` that `manage.py ucri2_credentials` writes,
whose `key` is the private RSA key of our signatures as a JWK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

OID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
LANGUAGES: Final = ("ko", "en", "de")
SIGNATURES: Final = ("reference", "rfc8785")
# What the control room module accepts as a message's time to live, in seconds.
TIMEOUT_S: Final = (10, 86_400)
# Below what NIST SP 800-131A still allows for signatures.
KEY_BITS_AT_LEAST: Final = 2048


class BadOptions(ValueError):
    """The settings cannot be used; the message names the field and the remedy."""


@dataclass(frozen=True)
class Settings:
    """How we and one partner are known to the control room module (UCRM), and what we tell the partner.

    `timeout_s` is how long the UCRM may try to hand over a message before it reports that it could not:
    an operator hears of it then, so it is short. `signature` names how the signed hash is made: as the public
    reference implementation makes it, or exactly as the specification's text says (they differ).
    """

    own_oid: str
    partner_oid: str
    username: str
    unsigned: bool = False
    signature: str = "reference"
    timeout_s: int = 10
    language: str = "ko"
    country: str = "KR"
    result_code: str = "RC-01"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """The settings in a linked system's `options`; other names are left alone. Raises BadOptions."""
        known = {one.name for one in fields(cls)}
        given = {name: value for name, value in options.items() if name in known}
        for name in ("own_oid", "partner_oid", "username"):
            if not isinstance(given.get(name), str) or not given[name]:
                raise BadOptions(f"the setting {name} is missing")
        settings = cls(**given)
        settings._check()
        return settings

    def _check(self) -> None:
        for name in ("own_oid", "partner_oid"):
            if not OID.fullmatch(getattr(self, name)):
                raise BadOptions(f"the setting {name} is no OID such as 1.2.3.4")
        if ":" in self.username:
            raise BadOptions("the setting username must not hold a colon (RFC 7617)")
        if self.language not in LANGUAGES:
            raise BadOptions(f"the setting language is one of {', '.join(LANGUAGES)}")
        if self.signature not in SIGNATURES:
            raise BadOptions(f"the setting signature is one of {', '.join(SIGNATURES)}")
        shortest, longest = TIMEOUT_S
        if type(self.timeout_s) is not int or not shortest <= self.timeout_s <= longest:
            raise BadOptions(f"the setting timeout_s is a number of seconds from {shortest} to {longest}")
        if type(self.unsigned) is not bool:
            raise BadOptions("the setting unsigned is true or false")
        if not isinstance(self.country, str) or not re.fullmatch("[A-Z]{2}", self.country):
            raise BadOptions("the setting country is two capital letters (ISO 3166-1)")


@dataclass(frozen=True)
class Credentials:
    """What opens a linked system's `secret`: the OAuth password, and the key we sign with, if there is one."""

    password: str
    key: RSAKey | None = None

    @classmethod
    def of(cls, secret: str) -> Credentials:
        """Reads a secret. Raises BadOptions where it looks like our JSON and is damaged."""
        if not secret.lstrip().startswith("{"):
            return cls(secret)
        try:
            held = json.loads(secret)
            password, key = held["password"], held.get("key")
        except (ValueError, KeyError) as error:
            raise BadOptions("the sealed secret is damaged: set it again") from error
        if not isinstance(password, str):
            raise BadOptions("the sealed secret holds no password: set it again")
        return cls(password, private_key(key) if key else None)

    def sealed_text(self) -> str:
        """What to store (sealed) as the linked system's secret."""
        return json.dumps({"password": self.password, "key": self.key.as_dict(private=True) if self.key else None})


def with_password(secret: str, password: str) -> str:
    """The secret with another password; the signing key in it stays."""
    try:
        key = Credentials.of(secret).key if secret else None
    except BadOptions:
        key = None
    return Credentials(password, key).sealed_text()


def private_key(jwk: Any) -> RSAKey:
    """The private RSA key in a JWK (RFC 7517). Raises BadOptions where it is none, or too short to be safe."""
    try:
        key = RSAKey.import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadOptions("the signing key is no RSA key in JWK form") from error
    if not key.is_private:
        raise BadOptions("the signing key is the public half: the private one is needed to sign")
    if key.raw_value.key_size < KEY_BITS_AT_LEAST:
        raise BadOptions(f"the signing key is shorter than {KEY_BITS_AT_LEAST} bits")
    return key
