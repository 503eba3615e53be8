"""Secrets in a log record are hidden, whatever spells them and whoever prints the record."""

import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from aiokafka.protocol.admin import SaslAuthenticateRequest

from worker import redaction
from worker.connection import client_options
from worker.redaction import HIDDEN, hide, redacted
from worker.settings import Settings

SECRET = "pä'ss\"wörd\\ 1 %"
log = logging.getLogger("some.client")


@pytest.fixture(autouse=True)
def _as_at_the_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    monkeypatch.setattr(redaction, "_spellings", set())
    monkeypatch.setattr(redaction, "_pattern", None)
    monkeypatch.setattr(redaction, "_installed", None)
    logging.setLogRecordFactory(logging.LogRecord)
    yield
    logging.setLogRecordFactory(factory)


SPELLINGS = {
    "as it is": SECRET,
    "a string": repr(SECRET),
    "bytes": repr(SECRET.encode()),
    "JSON": json.dumps(SECRET),
    "JSON with letters": json.dumps(SECRET, ensure_ascii=False),
    "a URL": quote(SECRET, safe=""),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_hidden_in_every_spelling(spelling: str, caplog: pytest.LogCaptureFixture) -> None:
    hide(SECRET)
    log.error("logging in with %s to %s", spelling, "broker")
    assert HIDDEN in caplog.text
    assert [part for part in ("wör", "w\\xc3", "w\\u00f6", "w%C3") if part in caplog.text] == []
    assert "broker" in caplog.text


def test_a_traceback_is_printed_without_it(caplog: pytest.LogCaptureFixture) -> None:
    hide(SECRET)
    try:
        raise ValueError(f"no {SECRET} here")
    except ValueError:
        log.exception("it failed")
    assert f"ValueError: no {HIDDEN} here" in caplog.text
    assert "Traceback" in caplog.text


def test_a_login_is_hidden_even_if_nobody_named_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    hide()
    request = SaslAuthenticateRequest(b"n,,n=user,r=nonce").prepare({36: (0, 1)})
    log.warning("Request to %s %d: %s", "broker:9092", 2, request)
    assert caplog.messages == [f"Request to broker:9092 2: {type(request).__name__}{HIDDEN}"]


def test_arguments_that_do_not_fit_are_told_without_it(caplog: pytest.LogCaptureFixture) -> None:
    hide(SECRET)
    log.warning("%d tries", SECRET)
    assert caplog.messages == [f"%d tries ('{HIDDEN}',)"]


class Unshowable:
    """An argument that its library changes while it is shown."""

    def __str__(self) -> str:
        raise RuntimeError("dictionary changed size during iteration")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("state: %s", (Unshowable(),), "state: %s (its arguments cannot be shown)"),
        (f"{SECRET}: %s", (Unshowable(),), f"{HIDDEN}: %s (its arguments cannot be shown)"),
        (Unshowable(), (), "<Unshowable> (its arguments cannot be shown)"),
    ],
    ids=["argument", "beside a secret", "message"],
)
def test_what_cannot_be_shown_raises_nothing_into_who_logs_it(
    caplog: pytest.LogCaptureFixture, message: object, arguments: tuple[object, ...], shown: str
) -> None:
    hide(SECRET)
    log.warning(message, *arguments)
    assert caplog.messages == [shown]


def test_a_traceback_through_a_login_loses_one_line(caplog: pytest.LogCaptureFixture) -> None:
    hide()

    def log_in() -> None:
        SaslAuthenticateRequest(b"n,,n=user,r=nonce").prepare({36: (7, 9)})

    try:
        log_in()
    except NotImplementedError:
        log.exception("it failed")
    assert f"SaslAuthenticateRequest{HIDDEN}" in caplog.text
    assert "nonce" not in caplog.text
    assert "in prepare" in caplog.text
    assert "NotImplementedError: Support for SaslAuthenticateRequest v7" in caplog.text


def test_a_record_without_a_secret_is_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    hide(SECRET)
    log.warning("%d of %s", 3, "four")
    (record,) = caplog.records
    assert (record.msg, record.args) == ("%d of %s", (3, "four"))


def test_a_short_secret_is_not_cut_out_of_words() -> None:
    hide("abc")
    assert redacted("abcdef") == "abcdef"


def test_hiding_again_and_again_adds_one_factory() -> None:
    hide(SECRET)
    factory = logging.getLogRecordFactory()
    hide(SECRET, "another one")
    assert logging.getLogRecordFactory() is factory
    assert redacted("another one") == HIDDEN


def test_whoever_gets_a_password_for_a_client_hides_it_in_logs() -> None:
    client_options(Settings(security_protocol="SASL_PLAINTEXT", sasl_username="user", sasl_password=SECRET))
    assert redacted(SECRET) == HIDDEN
