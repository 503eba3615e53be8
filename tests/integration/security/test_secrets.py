"""Passwords are in no log, at no level, of no library, whichever way a command ends."""

import base64
import json
import logging
import sys
import urllib.parse
from collections.abc import Callable

import pytest
from command_line import Run
from integration.client import Client
from integration.polling import eventually
from integration.process import Worker
from integration.security.secured_kafka import KEY_PASSWORD, PASSWORD, USER, SecuredKafka
from integration.topics import Topics

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]  # the first test waits for Kafka to start

FAUST = (sys.executable, "-m", "faust", "-A", "worker.app", "worker", "-l", "debug", "--web-port", "{port}")


def told(secret: str, text: str) -> list[str]:
    """The spellings of a secret that are in a text."""
    login = f"\0{USER}\0{secret}".encode()
    spellings = [
        *(secret, repr(secret)[1:-1], repr(login)[2:-1], json.dumps(secret)[1:-1], urllib.parse.quote(secret)),
        *(base64.b64encode(form).decode().rstrip("=") for form in (secret.encode(), login)),
    ]
    return [spelling for spelling in spellings if spelling in text]


def login_shown(text: str) -> bool:
    """Whether what a login carries is there: also SCRAM's proofs, from which a password can be guessed."""
    return "auth_bytes" in text or "payload=" in text


@pytest.mark.parametrize(("mechanism", "command"), [("PLAIN", None), ("SCRAM-SHA-256", FAUST)], ids=["run", "faust"])
def test_a_worker_at_debug_level_logs_its_logins_without_the_password(
    secured: SecuredKafka,
    administrator: Client,
    topics: Topics,
    start: Callable[..., Worker],
    mechanism: str,
    command: tuple[str, ...] | None,
) -> None:
    secured.let_log_in_by_scram()
    own = {} if command is None else {"command": command}
    worker = start(secured.login(mechanism, log_level="debug"), **own).wait_ready()
    eventually(lambda: administrator.count(topics.output) == 20, "the events are answered")
    pages = json.dumps([worker.page(name) for name in ("livez", "readyz", "statistics")])
    worker.stop()
    assert "SaslAuthenticateRequest" in worker.log
    assert not login_shown(worker.log)
    assert told(PASSWORD, worker.log + pages) == []


@pytest.mark.parametrize("password", [PASSWORD, "a-wrong-one, says the kettle"], ids=["right", "wrong"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
@pytest.mark.parametrize("command", [("send", "a text"), ("topics", "describe"), ("doctor",)], ids=" ".join)
def test_no_command_tells_the_password_however_it_ends(
    secured: SecuredKafka,
    run: Run,
    caplog: pytest.LogCaptureFixture,
    command: tuple[str, ...],
    mechanism: str,
    password: str,
) -> None:
    secured.let_log_in_by_scram()
    caplog.set_level(logging.DEBUG)  # of every library, aiokafka and kafka-python among them
    ran = run(*command, settings=secured.login(mechanism, sasl_password=password, model="/no/such/model"))
    assert "SaslAuthenticateRequest" in caplog.text
    assert not login_shown(caplog.text)
    assert told(password, caplog.text + ran.out + ran.err) == []


@pytest.mark.parametrize("password", [KEY_PASSWORD, "not-of-this-key"], ids=["right", "wrong"])
def test_the_password_of_the_key_is_told_nowhere(
    secured: SecuredKafka, run: Run, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    caplog.set_level(logging.DEBUG)
    own = {"ssl_certfile": secured.certificates.certificate, "ssl_keyfile": secured.certificates.encrypted_key}
    ran = run("send", "a text", settings=secured.tls("MUTUAL", ssl_key_password=password, **own))
    assert ("ssl_key_password" in ran.err) == (password != KEY_PASSWORD)
    assert told(password, caplog.text + ran.out + ran.err) == []


@pytest.mark.parametrize("form", ["table", "toml"])
def test_config_shows_no_password(secured: SecuredKafka, run: Run, form: str) -> None:
    ran = run("config", "--format", form, settings=secured.login(ssl_key_password=KEY_PASSWORD))
    assert USER in ran.out
    assert told(PASSWORD, ran.out + ran.err) + told(KEY_PASSWORD, ran.out + ran.err) == []
