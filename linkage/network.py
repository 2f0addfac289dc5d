"""Where we connect to: only addresses inside a system's allowed networks, whatever its name resolves to.

The address checked is the address connected to: resolving once for the check and again for the
connection would let a name change in between (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressNotAllowed(OSError):
    """A name resolved to no address inside the system's allowed networks."""


def parse_networks(text: str) -> list[Network]:
    """The networks in a comma-separated text; raises ValueError where one is not CIDR."""
    return [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]


def validate_networks(text: str) -> None:
    """Form and admin validator for `LinkedSystem.allowed_network`."""
    try:
        networks = parse_networks(text)
    except ValueError as error:
        raise ValidationError(_("Not a network in CIDR form, such as 10.20.0.0/16: %s") % error) from error
    if not networks:
        raise ValidationError(_("Name at least one network, such as 10.20.0.0/16."))


class PinnedResolver(AbstractResolver):
    """An aiohttp resolver that returns only addresses inside `networks`."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolves `host`; raises AddressNotAllowed where nothing it resolves to is allowed."""
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if is_allowed(one["host"], self._networks)]
        if not allowed:
            raise AddressNotAllowed(f"{host} resolves to no address inside the allowed network")
        return allowed

    async def close(self) -> None:
        """Nothing is held open."""
        await self._inner.close()


def is_allowed(address: str, networks: Sequence[Network]) -> bool:
    """Whether the IP address lies in one of `networks`."""
    ip = ipaddress.ip_address(address)
    return any(ip.version == net.version and ip in net for net in networks)


def is_ip(host: str) -> bool:
    """Whether `host` is written as an IP address (which a resolver is never asked for)."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
