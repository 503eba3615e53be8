"""What the user is not allowed, on a Kafka that looks at it: named within seconds, and nothing is done meanwhile."""

from collections.abc import Callable

import pytest
from integration.client import Client
from integration.conftest import Topics
from integration.inputs import keyed
from integration.polling import eventually
from integration.process import Worker, run_command
from integration.security.conftest import Ran
from integration.security.secured_kafka import COMMON_NAME, USER, SecuredKafka
from integration.test_refusals import only_sentence

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]  # the first test waits for Kafka to start

Permission = tuple[str, str, str]
Doctor = Callable[[dict[str, object]], list[str]]


def of(topics: Topics) -> dict[str, Permission]:
    """Every permission that a worker needs: operation, resource, name."""
    return {
        "input": ("Read", "topic", topics.input),
        "group": ("Read", "group", topics.group),
        "output": ("Write", "topic", topics.output),
        "dead letters": ("Write", "topic", topics.dead_letters),
    }


def settings_of(secured: SecuredKafka, topics: Topics) -> dict[str, object]:
    return topics.settings(secured.address("LOGIN"), "/no/such/model") | secured.login()  # type: ignore[arg-type]


@pytest.fixture
def doctor(run_here: Callable[..., Ran]) -> Doctor:
    """What ``doctor`` says of permissions, without the way out."""

    def run(settings: dict[str, object]) -> list[str]:
        lines = run_here(settings, "doctor").out.splitlines()
        return [" ".join(line.partition(": allow it")[0].split()) for line in lines if line.split()[1] == "permission"]

    return run


@pytest.mark.parametrize("what", ["input", "group", "output", "dead letters"])
def test_doctor_names_each_permission_that_is_missing(
    secured: SecuredKafka, topics: Topics, doctor: Doctor, what: str
) -> None:
    operation, resource, name = of(topics)[what]
    secured.forbid(operation, resource, name)
    found = doctor(settings_of(secured, topics))
    assert found == [f"FAIL permission User:{USER} may not {operation} the {resource} '{name}'"]


def test_doctor_lists_all_that_is_missing_and_says_so_when_nothing_is(
    secured: SecuredKafka, topics: Topics, doctor: Doctor
) -> None:
    assert doctor(settings_of(secured, topics))[0].startswith(f"ok permission User:{USER} may read")
    for permission in of(topics).values():
        secured.forbid(*permission)
    named = [f"{operation} the {resource} '{name}'" for operation, resource, name in of(topics).values()]
    assert doctor(settings_of(secured, topics)) == [f"FAIL permission User:{USER} may not {one}" for one in named]


def test_doctor_names_the_topic_that_may_not_be_made(secured: SecuredKafka, topics: Topics, doctor: Doctor) -> None:
    new = f"{topics.output}-new"
    secured.allow("write", "topic", new)
    found = doctor(settings_of(secured, topics) | {"output_topic": new})
    assert found == [f"FAIL permission User:{USER} may not Create the topic '{new}'"]


def test_with_a_certificate_it_is_the_certificate_that_may_not(
    secured: SecuredKafka, topics: Topics, doctor: Doctor
) -> None:
    own = {"ssl_certfile": secured.certificates.certificate, "ssl_keyfile": secured.certificates.key}
    found = doctor(settings_of(secured, topics) | secured.tls("MUTUAL", **own))
    assert len(found) == len(of(topics))
    assert all(finding.startswith(f"FAIL permission User:CN={COMMON_NAME},") for finding in found)


def test_where_nobody_looks_at_permissions_all_is_allowed(broker: object, topics: Topics, doctor: Doctor) -> None:
    found = doctor(topics.settings(broker.bootstrap, "/no/such/model"))  # type: ignore[attr-defined, arg-type]
    assert [finding.partition(" may ")[0] for finding in found] == ["ok permission User:ANONYMOUS"]


def test_a_start_without_permissions_names_them_all_and_makes_nothing(
    secured: SecuredKafka, administrator: Client, topics: Topics
) -> None:
    for permission in of(topics).values():
        secured.forbid(*permission)
    new = f"{topics.output}-new"
    done = run_command("run", settings=settings_of(secured, topics) | {"output_topic": new, "web_port": 0})
    assert done.returncode == 1
    said = only_sentence(done.stderr)
    assert (
        f"User:{USER} may not Read the topic '{topics.input}', nor Read the group '{topics.group}', nor Write" in said
    )
    assert f"kafka-acls --add --allow-principal 'User:{USER}' --operation Read --topic {topics.input}" in said
    assert new not in administrator.topics()


@pytest.mark.parametrize("what", ["group", "input", "output"])
def test_a_permission_that_is_taken_away_ends_the_worker_which_names_it(
    secured: SecuredKafka, administrator: Client, topics: Topics, start: Callable[..., Worker], what: str
) -> None:
    worker = start(secured.login()).wait_ready()
    eventually(
        lambda: sum(administrator.committed(topics.group, topics.input).values()) == 20,
        "the events are answered, and committed",
    )
    operation, resource, name = of(topics)[what]
    secured.forbid(operation, resource, name)
    if what != "group":  # of the group it hears although there is nothing to commit
        administrator.produce(topics.input, keyed(range(20, 40)))
    assert worker.wait(30) == 1
    said = worker.log.splitlines()[-1]
    assert said.startswith(f"sentiment-worker: User:{USER} may not {operation} the {resource} '{name}': allow it")


def test_doctor_disturbs_no_group_and_writes_nothing(
    secured: SecuredKafka, administrator: Client, topics: Topics, start: Callable[..., Worker], doctor: Doctor
) -> None:
    worker = start(secured.login()).wait_ready()
    eventually(lambda: administrator.count(topics.output) == 20, "the events are answered")
    before = secured.group(topics.group)
    assert doctor(settings_of(secured, topics))[0].startswith("ok")
    assert secured.group(topics.group) == before
    assert before[0] == "Stable"
    administrator.produce(topics.input, keyed(range(20, 40)))
    eventually(lambda: administrator.count(topics.output) == 40, "what comes later is answered, too")
    assert (worker.log.count("assigned: "), administrator.count(topics.dead_letters)) == (1, 0)
