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
        named_address: where the entry is an address rather than a name: it is what was meant, private or not.
        may_be_loopback: the entry itself names this machine, so a loopback address is what was meant.
    """

    url: str
    scheme: str
    host: str
    port: int
    named_address: IpAddress | None
    may_be_loopback: bool

    @property
    def origin(self) -> str:
        """Scheme, host and port: what one API is to its callers."""
        return f"{self.scheme}://{self.host}:{self.port}"


def allowed_target(url: str, allow: Sequence[str]) -> Target:
    """The parts of `url`, if an entry of `allow` covers it.

    An entry covers every path below its own: `https://host/data` covers `/data` and `/data/x`, not `/database`.

    Raises:
        CalloutFailed: the URL cannot be called at all, or no entry covers it.
    """
    parts = _split(url)
    if covering_entry(url, allow) is None:
        raise CalloutFailed(
            f"Unauthorized endpoint: {parts.scheme}://{parts.netloc} is not in [callouts] allow of circuit.toml."
        )
    host = _host(parts)
    return Target(url, parts.scheme, host, _port(parts), _named_address(host), host in _LOOPBACK_NAMES)


def covering_entry(url: str, entries: Sequence[str]) -> str | None:
    """The first entry that covers `url`. Raises: CalloutFailed, for a URL that cannot be called."""
    parts = _split(url)
    return next((entry for entry in entries if _covers(entry, parts)), None)


def refuse_private(address: IpAddress, target: Target) -> None:
    """Raises: CalloutFailed unless the address is public, or one that the list itself names.

    A name that leads into a private network is refused whatever the list says: whoever owns the name chooses
    where it leads, also after the list was written.
    """
    for one in _embedded(address):
        if target.may_be_loopback and one.is_loopback:
            continue
        if address == target.named_address and not (one.is_multicast or one.is_unspecified):
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


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def _port(parts: SplitResult) -> int:
    return parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)


def _named_address(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _covers(entry: str, parts: SplitResult) -> bool:
    try:
        allowed = urlsplit(entry.strip())
        allowed_port = _port(allowed)
    except ValueError:
        return False
    if (allowed.scheme, _host(allowed), allowed_port) != (parts.scheme, _host(parts), _port(parts)):
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
