"""A health server that cannot listen says in one sentence which setting to change."""

import asyncio
import errno
import socket

import faust
import pytest

from worker.errors import Code, SettingError, WorkerError
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
    "host",
    [
        pytest.param("192.0.2.1", id="another machine's"),
        pytest.param("no such host", id="an unknown name"),
        pytest.param("pages..example", id="no name"),
        pytest.param("[::1]", id="brackets"),
    ],
)
def test_a_host_that_is_none_of_this_machines_is_a_wrong_setting(host: str) -> None:
    error = refusal(host, 6066)
    assert (type(error), error.code) == (SettingError, Code.WEB_ADDRESS_UNUSABLE)
    assert str(error).startswith(f"web_host={host!r} ")


def test_a_port_that_is_taken_is_no_wrong_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = refusal("127.0.0.1", port)
    assert (type(error), error.code) == (WorkerError, Code.PORT_TAKEN)
    assert [part for part in (str(port), "127.0.0.1", "web_port") if part not in str(error)] == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_port_that_wants_a_right_is_a_wrong_setting(number: int) -> None:
    error = cannot_listen(OSError(number, "no"), "127.0.0.1", 80)
    assert (type(error), error.code) == (SettingError, Code.WEB_ADDRESS_UNUSABLE)
    assert str(error).startswith("web_port=80 ")
    assert "1024" in str(error)


def test_a_machine_without_ipv6_has_no_such_address() -> None:
    error = cannot_listen(OSError(errno.EAFNOSUPPORT, "no"), "::1", 80)
    assert error.code is Code.WEB_ADDRESS_UNUSABLE
    assert str(error).startswith("web_host='::1' ")


def test_any_other_reason_names_the_address_and_the_settings() -> None:
    error = cannot_listen(OSError(errno.EMFILE, "no"), "::1", 6066)
    assert error.code is Code.WEB_ADDRESS_UNUSABLE
    assert [
        part for part in ("[::1]:6066", "Too many open files", "web_host", "web_port") if part not in str(error)
    ] == []
