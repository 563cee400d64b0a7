"""Whether a certificate's names cover a host (RFC 9525, RFC 6125)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address


def fits(host: str, names: Iterable[str]) -> bool:
    """A host's own name, or one with an asterisk for its whole first label; an address must stand there itself."""
    if is_address(host):
        return any(is_address(name) and ip_address(name) == ip_address(host) for name in names)
    wanted = host.rstrip(".").lower()
    return any(_covers(name.rstrip(".").lower(), wanted) for name in names if not is_address(name))


def _covers(name: str, host: str) -> bool:
    if not name.startswith("*."):
        return name == host
    label, _, rest = host.partition(".")
    return bool(label) and rest == name[2:] and "." in rest


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
