"""Why there cannot be a server at a host and port, as one sentence with the settings to change."""

import errno
import os
import socket

from worker.address import host_port
from worker.errors import Code, SettingError, WorkerError

_CHOOSE = (
    "choose 127.0.0.1 for this machine alone, 0.0.0.0 or :: for all its addresses, or web_port=0 for no health pages"
)


def cannot_listen(error: OSError | UnicodeError, host: str, port: int) -> WorkerError:
    """Return what is wrong with ``web_host`` or ``web_port``. A port that is taken is not a wrong setting by itself."""
    if isinstance(error, (socket.gaierror, UnicodeError)):  # UnicodeError: no resolver can be asked for such a name
        return SettingError(Code.WEB_ADDRESS_UNUSABLE, f"web_host={host!r} cannot be resolved: {_CHOOSE}")
    if error.errno == errno.EADDRINUSE:
        return WorkerError(
            Code.PORT_TAKEN,
            f"port {port} of {host} is taken, by another worker perhaps: "
            "choose another web_port for the health pages, or 0 for none",
        )
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return SettingError(
            Code.WEB_ADDRESS_UNUSABLE, f"web_host={host!r} is not an address of this machine: {_CHOOSE}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return SettingError(
            Code.WEB_ADDRESS_UNUSABLE,
            f"web_port={port} may not be opened by this user: choose one from 1024 on for the health pages, or 0 for "
            "none",
        )
    why = os.strerror(error.errno) if error.errno is not None else type(error).__name__
    return SettingError(
        Code.WEB_ADDRESS_UNUSABLE,
        f"there can be no health pages at {host_port(host, port)} ({why}): choose another web_host or web_port, or "
        "web_port=0 for none",
    )
