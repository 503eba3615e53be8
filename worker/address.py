"""Addresses: ``host:port``, with brackets around an IPv6 address."""

from collections.abc import Iterable
from ipaddress import IPv6Address

MAX_PORT = 65_535


def host_port(host: str, port: int) -> str:
    """Return the address as it is written in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_addresses(servers: Iterable[str]) -> None:
    """Refuse anything that is not the address of a broker.

    Clients use 9092 where the port is missing, and read an unbracketed IPv6 address as a host and a port: the error
    would then name a broker that does not answer, instead of the mistake.

    Raises:
        ValueError: an address is malformed; the message names the wrong part and the expected form.
    """
    servers = tuple(servers)
    # No address is quoted: one of them may contain a password, or half of one if the password has a comma in it.
    if any("@" in server for server in servers):
        raise ValueError(
            "an '@' does not belong in an address: write host:port, user and password go into sasl_username and "
            "sasl_password"
        )
    for server in servers:
        _check_address(server)


def _check_address(server: str) -> None:
    protocol, scheme, rest = server.partition("://")
    if scheme:
        raise ValueError(f"{server!r} is not host:port: leave out '{protocol}://' and set security_protocol")
    if _is_ipv6(server):
        raise ValueError(f"{server!r} is not host:port: write an IPv6 address in brackets, such as [::1]:9092")
    if server.startswith("[") and server.endswith("]"):
        host, port = server, None
    else:
        host, colon, rest = server.rpartition(":")
        host, port = (host, rest) if colon else (server, None)
    bare = host.removeprefix("[").removesuffix("]")
    if not bare:
        raise ValueError(f"{server!r} has no host: write host:port, such as localhost:9092")
    if host == f"[{bare}]":
        if not _is_ipv6(bare):
            raise ValueError(f"{server!r} is not host:port: {bare!r} is not an IPv6 address")
    elif any(character in "[]:;/\\" or character.isspace() for character in host):
        raise ValueError(f"{server!r} is not host:port; several addresses are separated by commas")
    elif not _is_encodable(host):
        raise ValueError(f"{server!r} is not host:port: {host!r} is not a host name")
    if not port:
        raise ValueError(f"{server!r} has no port: write host:port, such as {host}:9092")
    if not (port.isascii() and port.isdecimal()):
        raise ValueError(f"{server!r} is not host:port: {port!r} is not a port number")
    if not 1 <= int(port) <= MAX_PORT:
        raise ValueError(f"{server!r} is not host:port: port {port} is not between 1 and {MAX_PORT}")


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def _is_encodable(host: str) -> bool:
    """Return whether a resolver accepts the name: no label is empty or longer than 63 bytes."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True
