"""A health server that cannot listen says in one sentence which setting to change."""

import asyncio
import errno
import socket

import faust
import pytest

from worker.errors import SettingError, WorkerError
from worker.pages.listening import cannot_listen
from worker.pages.server import PageServer


def refusal(host: str, port: int) -> WorkerError:
    """Start a server there, and return what it raises."""

    async def start() -> None:
        app = faust.App("pages", broker="kafka://127.0.0.1:1", web_bind=host, web_port=port)
        app.web = PageServer(app)
        app.web.init_server()
        try:
            await app.web.start_server()
        finally:
            await app.web.stop_server()

    with pytest.raises(WorkerError) as raised:
        asyncio.run(start())
    return raised.value


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        pytest.param("192.0.2.1", "is no address of this machine", id="another machine's"),
        pytest.param("no such host", "cannot be resolved", id="an unknown name"),
        pytest.param("pages..example", "cannot be resolved", id="no name"),
        pytest.param("[::1]", "cannot be resolved", id="brackets"),
    ],
)
def test_a_host_that_is_none_of_this_machines_is_a_wrong_setting(host: str, sentence: str) -> None:
    error = refusal(host, 6066)
    assert isinstance(error, SettingError)
    assert str(error).startswith(f"web_host={host!r} {sentence}: choose 127.0.0.1 for this machine alone")


def test_a_port_that_is_taken_is_no_wrong_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = refusal("127.0.0.1", port)
    assert not isinstance(error, SettingError)
    assert str(error).startswith(f"port {port} of 127.0.0.1 is taken")
    assert "web_port" in str(error)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_port_that_wants_a_right_is_a_wrong_setting(number: int) -> None:
    error = cannot_listen(OSError(number, "no"), "127.0.0.1", 80)
    assert isinstance(error, SettingError)
    assert str(error).startswith("web_port=80 may not be opened by this user: choose one from 1024 on")


def test_a_machine_without_ipv6_has_no_such_address() -> None:
    assert "web_host='::1' is no address" in str(cannot_listen(OSError(errno.EAFNOSUPPORT, "no"), "::1", 80))


def test_any_other_reason_names_the_address_and_the_settings() -> None:
    error = cannot_listen(OSError(errno.EMFILE, "no"), "::1", 6066)
    assert "[::1]:6066 (Too many open files): choose another web_host or web_port" in str(error)
