"""Addresses of clients and proxies."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network

Network = IPv4Network | IPv6Network

_MOST_PUBLIC_V4 = 2**24
"""Public addresses that may be trusted together: one of 256. The published ranges of the largest content delivery
networks have fewer (Cloudflare: 1.5 million). Chosen by hand; no outside source."""
_MOST_PUBLIC_V6 = 2 ** (128 - 24)
"""As for IPv4: a provider has a /32 up to a /29 as a rule (RIPE-738, section 5.1), some a /28."""
_MAPPED, _TRANSLATED = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
"""IPv4 addresses written in IPv6: RFC 4291, section 2.5.5.2, and RFC 6052, section 2.1."""
_ALL_IPV4 = IPv4Network("0.0.0.0/0")
_IPV4_BITS, _HOST_BITS = 32, 64
_PRIVATE = tuple(
    ip_network(name)
    # RFC 1918, RFC 6598, RFC 3927, RFC 1122 (loopback); RFC 4193, RFC 4291.
    for name in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
)


def parse_proxies(value: str) -> tuple[Network, ...]:
    """Returns the addresses and networks of a list that is separated by commas.

    Raises:
        ValueError: one is no address, or all together hold so many public ones that clients would be among them.
    """
    networks = tuple(ip_network(name.strip()) for name in value.split(",") if name.strip())
    plain = [_as_ipv4(network) for network in networks]
    # Collapsed, so that a network which is named twice counts once.
    v4 = collapse_addresses(network for network in plain if isinstance(network, IPv4Network))
    v6 = collapse_addresses(network for network in plain if isinstance(network, IPv6Network))
    if _public_addresses(v4) > _MOST_PUBLIC_V4 or _public_addresses(v6) > _MOST_PUBLIC_V6:
        raise ValueError("networks of so many addresses would let clients choose their own; name the proxies")
    return networks


def address_group(host: str) -> str:
    """Returns a name for all addresses that one subscriber has: the IPv4 address, or the /64 of an IPv6 address.

    RFC 6177 and RIPE-690: a /64 is the least that one subscriber gets, 2^64 addresses to fail from.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> _HOST_BITS << _HOST_BITS, _HOST_BITS)))


def is_loopback(host: str) -> bool:
    """Returns True for an address of the machine itself, and for `localhost`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _as_ipv4(network: Network) -> Network:
    """Returns the IPv4 network that an IPv6 network stands for or holds among others, or the network itself."""
    if isinstance(network, IPv6Network) and (_MAPPED.subnet_of(network) or _TRANSLATED.subnet_of(network)):
        return _ALL_IPV4
    if isinstance(network, IPv6Network) and (network.subnet_of(_MAPPED) or network.subnet_of(_TRANSLATED)):
        bits = int(network.network_address) % 2**_IPV4_BITS
        return IPv4Network((bits, network.prefixlen - (128 - _IPV4_BITS)))
    return network


def _public_addresses(networks: Iterable[Network]) -> int:
    return sum(network.num_addresses for network in networks if not _is_private(network))


def _is_private(network: Network) -> bool:
    return any(
        private.version == network.version and network.subnet_of(private)  # type: ignore[arg-type]
        for private in _PRIVATE
    )
