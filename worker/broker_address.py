"""The address of a broker: ``host:port``, with brackets around an IPv6 address."""

from ipaddress import IPv6Address

MAX_PORT = 65_535


def check_address(server: str) -> None:
    """Refuse what is not the address of a broker.

    Clients take 9092 for a port that is missing, and an unbracketed IPv6 address for a host and a port: a broker that
    does not answer would be named instead of the mistake.

    Raises:
        ValueError: it names the wrong part and the form that is expected.
    """
    if "@" in server:  # not quoted: it may hold a password
        raise ValueError("an address is host:port: user and password go into sasl_username and sasl_password")
    protocol, scheme, rest = server.partition("://")
    if scheme:
        raise ValueError(f"{server!r} is not host:port: leave out '{protocol}://', security_protocol says it")
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
            raise ValueError(f"{server!r} is not host:port: {bare!r} is no IPv6 address")
    elif any(character in "[]:;/\\" or character.isspace() for character in host):
        raise ValueError(f"{server!r} is not host:port; several addresses are separated by commas")
    if not port:
        raise ValueError(f"{server!r} has no port: write host:port, such as {host}:9092")
    if not (port.isascii() and port.isdecimal()):
        raise ValueError(f"{server!r} is not host:port: {port!r} is no port number")
    if not 1 <= int(port) <= MAX_PORT:
        raise ValueError(f"{server!r}: port {port} is not between 1 and {MAX_PORT}")


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True
