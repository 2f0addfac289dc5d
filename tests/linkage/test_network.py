"""Only addresses inside the allowed networks are connected to, by name or by number."""

import pytest
from django.core.exceptions import ValidationError

from linkage import network

LOOPBACK = network.parse_networks("127.0.0.0/8, ::1/128")


@pytest.mark.parametrize("text", ["127.0.0.0/8", "10.20.0.0/16, 192.168.1.7", "fd00::/8"])
def test_networks_are_read_from_a_list(text):
    network.validate_networks(text)
    assert len(network.parse_networks(text)) == text.count(",") + 1


@pytest.mark.parametrize("text", ["", " , ", "10.0.0.0/33", "everywhere", "10.0.0.0/8;10.1.0.0/16"])
def test_what_is_no_network_is_refused_with_an_example(text):
    with pytest.raises(ValidationError, match="10.20.0.0/16"):
        network.validate_networks(text)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("::ffff:127.0.0.1", False),  # an IPv6 socket's way to write IPv4: not what was allowed
        ("fd00::1", False),
    ],
)
def test_an_address_lies_inside_or_not(address, allowed):
    assert network.is_allowed(address, LOOPBACK) is allowed


async def test_a_name_resolves_to_allowed_addresses_alone():
    found = await network.PinnedResolver(LOOPBACK).resolve("localhost", 80)
    assert found
    assert all(network.is_allowed(one["host"], LOOPBACK) for one in found)


async def test_a_name_that_leads_elsewhere_is_not_resolved():
    with pytest.raises(network.AddressNotAllowed, match="localhost"):
        await network.PinnedResolver(network.parse_networks("10.0.0.0/8")).resolve("localhost", 80)


async def test_a_number_in_disguise_is_checked_as_what_it_means():
    with pytest.raises(network.AddressNotAllowed):
        await network.PinnedResolver(network.parse_networks("10.0.0.0/8")).resolve("2130706433", 80)  # 127.0.0.1
    found = await network.PinnedResolver(LOOPBACK).resolve("0x7f000001", 80)
    assert {one["host"] for one in found} == {"127.0.0.1"}


@pytest.mark.parametrize(("host", "ip"), [("127.0.0.1", True), ("[::1]", True), ("::1", True), ("a.kr", False), ("2130706433", False)])
def test_an_ip_is_told_from_a_name(host, ip):
    assert network.is_ip(host) is ip
