"""Addresses of proxies and clients: no list of proxies may hold the internet, in whatever pieces it is written."""

from ipaddress import IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.service.errors import SettingsInvalid
from idproof.service.operations.networks import address_group, parse_proxies
from idproof.service.operations.settings import Settings


@pytest.mark.parametrize(
    "wrong",
    [
        "0.0.0.0/0",
        "0.0.0.0/1,128.0.0.0/1",
        "0.0.0.0/1",
        "64.0.0.0/2, 10.0.0.5",
        ",".join(f"{number}.0.0.0/8" for number in range(256)),
        ",".join(f"{number}.0.0.0/8" for number in (20, 21)),
        "::/0",
        "::/1,8000::/1",
        "2000::/3",
        "2001:db8::/20",
        "::ffff:0:0/96",
        "::ffff:0:0/97,::ffff:128.0.0.0/97",
        "64:ff9b::/96",
        "::ffff:0:0/95",  # holds every IPv4 address, beside others
        "::/64",
        "64:ff9b::/64",
        "0.0.0.0/2,::ffff:64.0.0.0/98",
        "*",
        "proxy.example",
        "10.0.0.1/8",
    ],
)
def test_a_list_that_holds_clients_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsInvalid, match="IDPROOF_TRUSTED_PROXIES"):
        Settings.load(trusted_proxies=wrong)


@pytest.mark.parametrize(
    "right",
    [
        "",
        "10.0.0.5",
        "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10,::1",
        "203.0.113.7,2001:db8::7",
        # Published by a content delivery network.
        "173.245.48.0/20,103.21.244.0/22,104.16.0.0/13,104.24.0.0/14,172.64.0.0/13,131.0.72.0/22,2400:cb00::/32,2a06:98c0::/29",
        "::ffff:10.0.0.0/104",
    ],
)
def test_proxies_and_private_networks_are_taken(right: str) -> None:
    assert Settings.load(trusted_proxies=right).trusted_proxies == ",".join(map(str, parse_proxies(right)))


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32)), max_size=8))
def test_no_list_that_is_taken_holds_more_than_one_public_address_in_256(drawn: list[tuple[int, int]]) -> None:
    networks = [IPv4Network((bits >> (32 - length) << (32 - length), length)) for bits, length in drawn]
    try:
        taken = parse_proxies(",".join(map(str, networks)))
    except ValueError:
        return
    # Counted otherwise than in the code: 65,536 addresses, evenly spread.
    private = [ip_network(name) for name in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
    private += [ip_network("169.254.0.0/16"), ip_network("127.0.0.0/8")]

    def holds(all_of: object, number: int) -> bool:
        return any(int(n.network_address) <= number <= int(n.broadcast_address) for n in all_of)  # type: ignore[attr-defined]

    sample = range(0, 2**32, 2**16)
    public = sum(holds(taken, number) and not holds(private, number) for number in sample)
    assert public <= 256


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.8", False),
        ("198.51.100.7", "::ffff:198.51.100.7", True),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("unix", "unix", True),
        ("", "0.0.0.0", False),
    ],
)
def test_addresses_of_one_subscriber_count_together(one: str, other: str, same: bool) -> None:
    assert (address_group(one) == address_group(other)) is same
