"""Which addresses a script may call: `[callouts] allow` of circuit.toml, by scheme, host, port and path prefix."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from circuit_runtime.callouts.port import CalloutFailed

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that the list allows.

    Attributes:
        may_be_loopback: the entry itself names this machine, so a loopback address is what was meant.
    """

    url: str
    scheme: str
    host: str
    port: int
    may_be_loopback: bool


def allowed_target(url: str, allow: Sequence[str]) -> Target:
    """The parts of `url`, if an entry of `allow` covers it.

    An entry covers every path below its own: `https://host/data` covers `/data` and `/data/x`, not `/database`.

    Raises:
        CalloutFailed: the URL cannot be called at all, or no entry covers it.
    """
    parts = _split(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    host = (parts.hostname or "").rstrip(".")
    for entry in allow:
        if _covers(entry, parts, host, port):
            return Target(url, parts.scheme, host, port, host in _LOOPBACK_NAMES)
    raise CalloutFailed(
        f"Unauthorized endpoint: {parts.scheme}://{parts.netloc} is not in [callouts] allow of circuit.toml."
    )


def refuse_private(address: IpAddress, target: Target) -> None:
    """Raises: CalloutFailed unless the address is public, or loopback where the list names loopback."""
    for one in _embedded(address):
        if target.may_be_loopback and one.is_loopback:
            continue
        if not one.is_global or one.is_multicast:
            raise CalloutFailed(
                f"{target.host} leads to {address}, an address inside a private network, which no script may call."
            )


def _split(url: str) -> SplitResult:
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise CalloutFailed(f"{url!r} is not a URL: it has spaces, control characters or backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise CalloutFailed(f"{url!r} is not a URL: {exc}") from exc
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0:
        raise CalloutFailed(f"{url!r} is not a URL with http:// or https:// and a host.")
    if "@" in parts.netloc:
        raise CalloutFailed(f"The URL for {parts.hostname} carries a password: send a header instead.")
    return parts


def _covers(entry: str, parts: SplitResult, host: str, port: int) -> bool:
    try:
        allowed = urlsplit(entry.strip())
        allowed_port = allowed.port or _DEFAULT_PORTS.get(allowed.scheme)
    except ValueError:
        return False
    if (allowed.scheme, (allowed.hostname or "").rstrip("."), allowed_port) != (parts.scheme, host, port):
        return False
    prefix = allowed.path.rstrip("/")
    if not prefix:
        return True
    below = parts.path == prefix or parts.path.startswith(prefix + "/")
    return below and ".." not in parts.path.replace("%2e", ".").replace("%2E", ".").split("/")


def _embedded(address: IpAddress) -> tuple[IpAddress, ...]:
    """The address, or the IPv4 address that it wraps (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address.sixtofour:
        return (address.sixtofour,)
    if address.teredo:
        return address.teredo
    if address in _NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF),)
    return (address,)
