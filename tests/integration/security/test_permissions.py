"""Missing permissions, on a Kafka that checks them: named within seconds, and nothing is done meanwhile."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from command_line import Run
from integration.client import Client
from integration.inputs import keyed
from integration.polling import eventually
from integration.process import Worker, only_sentence, run_command
from integration.security.secured_kafka import COMMON_NAME, USER, SecuredKafka
from integration.topics import Topics

from worker.diagnosis import explained
from worker.settings import load_settings

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
def doctor(run: Run) -> Doctor:
    """Return a function that gives what ``doctor`` says about permissions, without the way out."""

    def findings(settings: dict[str, object]) -> list[str]:
        lines = run("doctor", settings=settings).out.splitlines()
        return [" ".join(line.partition(": allow it")[0].split()) for line in lines if line.split()[1] == "permission"]

    return findings


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


def test_a_start_names_the_topic_that_may_not_be_made_before_it_loads_the_model(
    secured: SecuredKafka, topics: Topics
) -> None:
    new = f"{topics.output}-new"
    secured.allow("write", "topic", new)
    secured.forbid("read", "group", topics.group)
    done = run_command("run", settings=settings_of(secured, topics) | {"output_topic": new, "web_port": 0})
    assert done.returncode == 1  # 2: there is no such model
    said = only_sentence(done.stderr)
    assert f"User:{USER} may not Read the group '{topics.group}', nor Create the topic '{new}': allow it" in said
    assert f"--operation Create --topic {new})" in said


COMMANDS = {
    # The user may read the input, write the output, write to ``new``, which is not there, and nothing with ``hidden``.
    "send to an input": (("send", "--topic", "{input}", "a text"), "Write", "{input}"),
    "send to what is hidden": (("send", "--topic", "{hidden}", "a text"), "Write", "{hidden}"),
    "send to what is to be made": (("send", "--topic", "{new}", "a text"), "Create", "{new}"),
    "watch the output": (("watch", "--from", "earliest"), "Read", "{output}"),
    "watch what is hidden": (("watch", "--output-topic", "{hidden}"), "Read", "{hidden}"),
    "create": (("topics", "create", "{input}", "{new}"), "Create", "{new}"),
    "describe": (("topics", "describe", "{input}", "{hidden}"), "Describe", "{hidden}"),
}


@pytest.mark.parametrize(("command", "operation", "topic"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_names_the_permission_that_it_lacks(
    secured: SecuredKafka,
    administrator: Client,
    topics: Topics,
    run: Run,
    command: tuple[str, ...],
    operation: str,
    topic: str,
) -> None:
    names = {"input": topics.input, "output": topics.output}
    names |= {"hidden": f"{topics.output}-hidden", "new": f"{topics.output}-new"}
    administrator.create(names["hidden"])
    secured.allow("write", "topic", names["new"])
    administrator.produce(topics.output, keyed(range(1)))
    code, _, said = run(*(part.format(**names) for part in command), settings=settings_of(secured, topics))
    named = topic.format(**names)
    assert code == 1
    assert said.splitlines()[-1].startswith(
        f"sentiment-worker: User:{USER} may not {operation} the topic '{named}': allow it (kafka-acls --add "
        f"--allow-principal 'User:{USER}' --operation {operation} --topic {named}), or"
    )
    assert "there is no topic" not in said
    assert names["new"] not in administrator.topics()


def test_where_a_client_does_not_say_which_topic_is_refused_it_is_found_out(
    secured: SecuredKafka, topics: Topics
) -> None:
    secured.forbid("write", "topic", topics.dead_letters)
    settings = load_settings(**settings_of(secured, topics))
    told = asyncio.run(explained(settings, TopicAuthorizationFailedError()))
    assert str(told).startswith(f"User:{USER} may not Write the topic '{topics.dead_letters}': allow it")


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
