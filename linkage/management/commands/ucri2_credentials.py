"""``manage.py ucri2_credentials SYSTEM``: our password at a control room module, and the key we sign with."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from joserfc.jwk import RSAKey

from linkage.management.commands.issue_key import find_system
from linkage.models import LinkedSystem
from linkage.systems import By, secret_set
from linkage.transports.ucri2.options import BadOptions, Credentials, private_key

KEY_BITS: Final = 3072  # good beyond 2030 (NIST SP 800-57)


class Command(BaseCommand):
    """Seals password and key together as the system's secret, and prints the public half for the registry.

    Repeating keeps what is not given anew: an empty password, and without --new-key or --key the present key.
    """

    help = (
        "Set the OAuth password and the signing key of a UCRI2 partner, and print the public key (JWK) that the "
        "module's operator enters in its registry. The password is asked for, or is the first line of standard input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The system, and where the key comes from."""
        parser.add_argument("system", metavar="SYSTEM", help="short name, or municipality:short name (30000:ucri2)")
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--new-key", action="store_true", help="make a new key in place of the present one")
        source.add_argument("--key", type=Path, metavar="FILE", help="a private RSA key in JWK form to sign with")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where the system is no UCRI2 partner, or the key or password cannot be used."""
        system = find_system(options["system"])
        if system.transport != LinkedSystem.Transport.UCRI2:
            raise CommandError(f"{system.slug} does not relay by UCRI2: set its protocol first.")
        present = _present(system)
        password = _password() or present.password
        if not password:
            raise CommandError("A password is needed.")
        key = _key(options["key"], present, renew=options["new_key"])
        secret_set(system=system, by=By("manage.py ucri2_credentials"), secret=Credentials(password, key).sealed_text())
        self.stderr.write(f"Kept for {system.municipality.code}:{system.slug}. The public key, for the module's registry:")
        self.stdout.write(json.dumps({**key.as_dict(private=False), "alg": "RS256"}))


def _present(system: LinkedSystem) -> Credentials:
    try:
        return Credentials.of(system.secret)
    except BadOptions:
        return Credentials("")


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password (empty keeps the present one): ")
    return sys.stdin.readline().rstrip("\r\n")


def _key(file: Path | None, present: Credentials, *, renew: bool) -> RSAKey:
    if file is None:
        kept = None if renew else present.key
        return kept or RSAKey.generate_key(KEY_BITS, private=True)
    try:
        return private_key(json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: {error}") from error
