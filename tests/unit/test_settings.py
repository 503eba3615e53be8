"""Settings from everywhere, and one sentence for each that is wrong."""

import re
import traceback
from pathlib import Path

import pytest
from error_codes import raises_code

from worker.errors import Code, SettingError
from worker.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SENTIMENT_{name.upper()}", raising=False)


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sentiment-worker.toml").write_text(
        'group_id = "file"\noutput_topic = "file"\ndead_letter_topic = "file-dead"'
    )
    monkeypatch.setenv("SENTIMENT_GROUP_ID", "environment")
    monkeypatch.setenv("SENTIMENT_OUTPUT_TOPIC", "environment")
    settings = load_settings(group_id="flag")
    assert (settings.group_id, settings.output_topic, settings.dead_letter_topic) == (
        "flag",
        "environment",
        "file-dead",
    )


def test_lists_are_comma_separated_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_INPUT_TOPICS", "reviews, posts,")
    assert load_settings().input_topics == ("reviews", "posts")


@pytest.mark.parametrize(
    ("overrides", "code", "names"),
    [
        pytest.param(
            {"input_topics": "a,b", "output_topic": "a"},
            Code.CONFLICTING_SETTINGS,
            ["output_topic", "'a'", "input_topics"],
            id="output is an input",
        ),
        pytest.param(
            {"input_topics": "a", "dead_letter_topic": "a"},
            Code.CONFLICTING_SETTINGS,
            ["dead_letter_topic", "'a'", "input_topics"],
            id="dead is an input",
        ),
        pytest.param(
            {"output_topic": "a", "dead_letter_topic": "a"},
            Code.CONFLICTING_SETTINGS,
            ["output_topic", "dead_letter_topic", "'a'"],
            id="one topic for both",
        ),
        pytest.param({"input_topics": " , "}, Code.INVALID_SETTING, ["input_topics"], id="no input"),
        pytest.param({"text_path": "text"}, Code.INVALID_SETTING, ["text_path", "'/text'"], id="not a pointer"),
        pytest.param(
            {"text_path": "review.body"},
            Code.INVALID_SETTING,
            ["text_path", "'/review/body'"],
            id="dots are no pointer",
        ),
        pytest.param({"input_topics": "re views"}, Code.INVALID_SETTING, ["'re views'"], id="no topic name"),
        pytest.param({"output_topic": "x" * 250}, Code.INVALID_SETTING, ["output_topic"], id="topic name too long"),
        pytest.param({"text_path": "/a~2b"}, Code.INVALID_SETTING, ["text_path", "'~0'"], id="no escape"),
        pytest.param({"topic_replication": 0}, Code.INVALID_SETTING, ["topic_replication"], id="no replicas"),
        pytest.param({"max_batch_size": 0}, Code.INVALID_SETTING, ["max_batch_size"], id="no batch"),
        pytest.param({"nonsense": 1}, Code.UNKNOWN_SETTING, ["'nonsense'"], id="unknown"),
        pytest.param(
            {"security_protocol": "SASL_SSL"},
            Code.CONFLICTING_SETTINGS,
            ["security_protocol=SASL_SSL", "sasl_username", "sasl_password"],
            id="no credentials",
        ),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(overrides: dict[str, object], code: Code, names: list[str]) -> None:
    with raises_code(SettingError, code) as raised:
        load_settings(**overrides)
    assert [name for name in names if name not in str(raised.value)] == []
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("servers", "sentence"),
    [
        pytest.param("kafka", "'kafka' has no port: write host:port, such as kafka:9092", id="no port"),
        pytest.param("a:9092,b", "'b' has no port: write host:port, such as b:9092", id="the second has no port"),
        pytest.param("kafka:", "'kafka:' has no port", id="nothing behind the colon"),
        pytest.param(":9092", "':9092' has no host: write host:port", id="no host"),
        pytest.param("[]:9092", "'[]:9092' has no host", id="empty brackets"),
        pytest.param("[::1]", "'[::1]' has no port: write host:port, such as [::1]:9092", id="IPv6 without a port"),
        pytest.param("::1", "'::1' is not host:port: write an IPv6 address in brackets", id="IPv6 without brackets"),
        pytest.param("[kafka]:9092", "'kafka' is not an IPv6 address", id="brackets around a name"),
        pytest.param("[::1:9092", "'[::1:9092' is not host:port", id="half a bracket"),
        pytest.param("kafka:port", "'kafka:port' is not host:port: 'port' is not a port number", id="no number"),
        pytest.param("kafka:-1", "'-1' is not a port number", id="negative"),
        pytest.param("kafka:0", "port 0 is not between 1 and 65535", id="port 0"),
        pytest.param("kafka:65536", "port 65536 is not between 1 and 65535", id="port too large"),
        pytest.param("a:9092;b:9092", "several addresses are separated by commas", id="semicolons"),
        pytest.param("a:9092 b:9092", "several addresses are separated by commas", id="spaces"),
        pytest.param("a..b:9092", "'a..b' is not a host name", id="an empty part"),
        pytest.param(f"{'x' * 64}:9092", "is not a host name", id="a part that is too long"),
        pytest.param("SSL://kafka:9092", "leave out 'SSL://' and set security_protocol", id="as a listener"),
    ],
)
def test_an_address_that_is_none_is_named_with_the_form_that_is_expected(servers: str, sentence: str) -> None:
    with pytest.raises(SettingError) as raised:
        load_settings(bootstrap_servers=servers)
    assert str(raised.value).startswith("bootstrap_servers: ")
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    "servers",
    [
        pytest.param("me:hunter2@kafka:9092", id="before a host"),
        pytest.param("kafka://me:hunter2@kafka:9092", id="in a URL"),
        pytest.param("me:hunter2,x@kafka:9092", id="with a comma in it"),
        pytest.param("kafka:9092,me:hunter2 x@kafka:9092", id="in the second address"),
    ],
)
def test_a_password_in_an_address_is_not_repeated(servers: str) -> None:
    with pytest.raises(SettingError, match=r"^bootstrap_servers: .*'@' .*host:port.* sasl_password$") as raised:
        load_settings(bootstrap_servers=servers)
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


def test_names_and_addresses_of_both_families_are_taken() -> None:
    servers = ("kafka-1.example.com:9092", "10.0.0.1:1", "[::1]:65535", "[fe80::1%eth0]:9092")
    assert load_settings(bootstrap_servers=",".join(servers)).bootstrap_servers == servers


def test_a_secret_is_never_shown() -> None:
    settings = load_settings(security_protocol="SASL_SSL", sasl_username="me", sasl_password="hunter2")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


def test_a_secret_is_not_in_the_traceback_of_another_settings_error() -> None:
    secrets = {"security_protocol": "SASL_SSL", "sasl_username": "me", "sasl_password": "hunter2"}
    with pytest.raises(SettingError) as raised:
        load_settings(**secrets, output_topic="a", dead_letter_topic="a")
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("name", ["SENTIMENT_BOOTSTRAP_SERVER", "sentiment_input_topic", "SENTIMENT_BATCH_SIZE"])
def test_a_variable_that_is_nearly_a_settings_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with raises_code(SettingError, Code.UNKNOWN_SETTING) as raised:
        load_settings()
    assert re.search(rf"{name}\b.* SENTIMENT_\w+", str(raised.value))


def test_other_variables_that_begin_alike_are_somebody_elses_business(monkeypatch: pytest.MonkeyPatch) -> None:
    # What Kubernetes sets for a service named sentiment-worker.
    for name in ("SENTIMENT_WORKER_PORT", "SENTIMENT_WORKER_SERVICE_HOST", "SENTIMENT_WORKER_PORT_6066_TCP_ADDR"):
        monkeypatch.setenv(name, "10.0.0.1")
    load_settings()


def test_a_config_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_CONFIG", "nowhere.toml")
    with raises_code(SettingError, Code.SETTINGS_FILE_NOT_FOUND) as raised:
        load_settings()
    assert "nowhere.toml" in str(raised.value)


def test_a_variable_that_is_no_json_is_named_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_LABEL_POLARITY", "{bad")
    with raises_code(SettingError, Code.INVALID_SETTING) as raised:
        load_settings()
    assert re.match(r"label_polarity: .*\{\"toxic\": -1", str(raised.value))


def test_a_file_that_is_no_toml_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("model = bundled")
    monkeypatch.setenv("SENTIMENT_CONFIG", "mine.toml")
    with raises_code(SettingError, Code.SETTINGS_FILE_UNREADABLE) as raised:
        load_settings()
    assert "mine.toml" in str(raised.value)


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
