"""Failures to connect to a real broker: each cause is one sentence that names the setting to change."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from command_line import Run
from integration.process import only_sentence, run_command
from integration.security.secured_kafka import NOWHERE, SecuredKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]  # the first test waits for Kafka to start

WRONG = "another-password"


def plain(kafka: SecuredKafka, listener: str) -> dict[str, object]:
    return {"bootstrap_servers": kafka.address(listener)}


def mutual(kafka: SecuredKafka, certificate: Path, key: Path, **changes: object) -> dict[str, object]:
    return kafka.tls("MUTUAL", ssl_certfile=certificate, ssl_keyfile=key, **changes)


Case = Callable[[SecuredKafka], Mapping[str, object]]

CASES: dict[str, tuple[Case, tuple[str, ...]]] = {
    "nothing listens": (lambda _: {"bootstrap_servers": NOWHERE}, ("nothing listens there", "--bootstrap-servers")),
    "no such name": (
        lambda _: {"bootstrap_servers": "no-such-host.invalid:9092"},
        ("its name cannot be resolved", "--bootstrap-servers"),
    ),
    "sent astray": (lambda k: plain(k, "ASTRAY"), (f"sends its clients to {NOWHERE} (advertised.listeners)",)),
    "plaintext to TLS": (lambda k: plain(k, "TLS"), ("set security_protocol=SSL,",)),
    "plaintext to mutual TLS": (lambda k: plain(k, "MUTUAL"), ("set security_protocol=SSL (or SASL_SSL",)),
    "plaintext to a login": (
        lambda k: plain(k, "LOGIN"),
        ("set security_protocol=SASL_PLAINTEXT", "PLAIN or SCRAM-SHA-256 login: set sasl_mechanism"),
    ),
    "plaintext to a login by TLS": (lambda k: plain(k, "LOGINTLS"), ("set security_protocol=SASL_SSL",)),
    "TLS to a login by TLS": (lambda k: k.tls("LOGINTLS"), ("set security_protocol=SASL_SSL", "sasl_username")),
    "TLS to a login in the clear": (lambda k: k.tls("LOGIN"), ("set security_protocol=SASL_PLAINTEXT",)),
    "a login to plaintext": (
        lambda k: k.login(bootstrap_servers=k.bootstrap),
        ("set security_protocol=PLAINTEXT",),
    ),
    "a login to TLS": (lambda k: k.login(bootstrap_servers=k.address("TLS")), ("set security_protocol=SSL",)),
    "a login by TLS to TLS": (
        lambda k: k.login() | k.tls("TLS", security_protocol="SASL_SSL"),
        ("set security_protocol=SSL",),
    ),
    "wrong password": (
        lambda k: k.login(sasl_password=WRONG),
        ("does not accept the PLAIN login of the user 'worker'", "sasl_password"),
    ),
    "wrong password by SCRAM and TLS": (
        lambda k: k.login("SCRAM-SHA-256", sasl_password=WRONG) | k.tls("LOGINTLS", security_protocol="SASL_SSL"),
        ("does not accept the SCRAM-SHA-256 login of the user 'worker'", "sasl_mechanism"),
    ),
    "another mechanism": (
        lambda k: k.login("SCRAM-SHA-512"),
        ("offers no SCRAM-SHA-512 login", "sasl_mechanism", "(PLAIN, SCRAM-SHA-256)"),
    ),
    "another CA": (
        lambda k: k.tls(ssl_cafile=k.certificates.other_ca),
        ("not signed by a CA that we trust", "other-ca.pem", "set ssl_cafile"),
    ),
    "no CA": (
        lambda k: {"bootstrap_servers": k.address("TLS"), "security_protocol": "SSL"},
        ("not signed by a CA that we trust", "set ssl_cafile"),
    ),
    "another host name": (lambda k: k.tls("ELSEWHERE"), ("is for another host name", "bootstrap_servers")),
    "the broker's certificate has expired": (lambda k: k.tls("EXPIRED"), ("of the broker at", "has expired")),
    "no client certificate": (
        lambda k: k.tls("MUTUAL"),
        ("wants a client certificate", "set ssl_certfile and ssl_keyfile"),
    ),
    "our certificate has expired": (
        lambda k: k.tls("MUTUAL", ssl_certfile=k.certificates.expired),
        ("our certificate", "expired.pem has expired"),
    ),
    "no password for our key": (
        lambda k: mutual(k, k.certificates.certificate, k.certificates.encrypted_key),
        ("encrypted-key.pem", "ssl_key_password is missing"),
    ),
    "wrong password for our key": (
        lambda k: mutual(k, k.certificates.certificate, k.certificates.encrypted_key, ssl_key_password=WRONG),
        ("encrypted-key.pem", "ssl_key_password is not its password"),
    ),
    "the key of another certificate": (
        lambda k: mutual(k, k.certificates.certificate, k.certificates.expired),
        ("ssl_certfile", "ssl_keyfile", "mismatch"),
    ),
}


@pytest.mark.parametrize(("settings", "says"), CASES.values(), ids=CASES)
def test_each_cause_is_one_sentence_with_the_setting_to_change(
    secured: SecuredKafka, run: Run, settings: Case, says: tuple[str, ...]
) -> None:
    code, _, said = run("send", "a text", settings=settings(secured))
    assert code in (1, 2)
    assert said.startswith("sentiment-worker: ")
    assert said.count("\n") == 1
    assert [part for part in says if part not in said] == []
    assert WRONG not in said


@pytest.mark.parametrize("settings", [lambda k: k.tls(), lambda k: k.login()], ids=["TLS", "login"])
def test_what_is_right_is_let_in(secured: SecuredKafka, run: Run, settings: Case) -> None:
    _, _, said = run("topics", "describe", "not-there", settings=settings(secured))
    # Whoever was not let in was not told this, either.
    assert "may not Describe the topic 'not-there'" in said or said.startswith("sentiment-worker: missing: not-there;")


@pytest.mark.parametrize(
    "command", [("run",), ("watch",), ("topics", "create"), ("topics", "describe"), ("doctor",)], ids=" ".join
)
def test_every_command_names_the_cause(secured: SecuredKafka, command: tuple[str, ...]) -> None:
    settings = secured.login(sasl_password=WRONG, model="/no/such/model", web_port=0)
    done = run_command(*command, settings=settings)
    assert done.returncode == 1
    said = done.stdout if command[0] == "doctor" else only_sentence(done.stderr)
    assert "does not accept the PLAIN login of the user 'worker': check sasl_username and sasl_password" in said
    assert WRONG not in done.stdout + done.stderr
