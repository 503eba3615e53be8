"""Errors as a user sees them: one sentence, an exit code, and no traceback unless asked for."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import typer.main
from command_line import Run

import worker
from worker.cli import app as cli
from worker.embedded import EmbeddedBroker
from worker.errors import BrokerError, Code, SettingError


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code", "names"),
    [
        pytest.param(["config", "--max-batch-size", "0"], 2, Code.INVALID_SETTING, "max_batch_size", id="bad-value"),
        pytest.param(["config", "--label-polarity", "{"], 2, Code.INVALID_SETTING, "label_polarity: ", id="bad-json"),
        pytest.param(
            ["--config", "nowhere.toml", "config"],
            2,
            Code.SETTINGS_FILE_NOT_FOUND,
            "nowhere.toml",
            id="no-such-settings-file",
        ),
        pytest.param(["run", "--output-topic", "text-events"], 2, Code.CONFLICTING_SETTINGS, "output_topic", id="loop"),
        pytest.param(["schemas", "nothing"], 2, Code.UNKNOWN_SCHEMA, "text-event.schema.json", id="no-such-schema"),
        pytest.param(["send", "--file", "nowhere"], 2, Code.FILE_UNREADABLE, "nowhere", id="no-such-file"),
        pytest.param(["send", "text", "--file", "x"], 2, Code.CONFLICTING_FLAGS, "--file", id="texts-and-file"),
        pytest.param(
            ["send", "text", "--bootstrap-servers", "localhost:1"],
            1,
            Code.BROKER_UNREACHABLE,
            "localhost:1",
            id="send-no-broker",
        ),
        pytest.param(
            ["watch", "--bootstrap-servers", "localhost:1"],
            1,
            Code.BROKER_UNREACHABLE,
            "localhost:1",
            id="watch-no-broker",
        ),
        pytest.param(
            ["send", "x", "--security-protocol", "SSL", "--ssl-cafile", "gone"],
            2,
            Code.CERTIFICATE_UNUSABLE,
            "ssl_cafile",
            id="no-ca-file",
        ),
    ],
)
def test_a_mistake_is_one_sentence_on_stderr_with_its_code(
    run: Run, arguments: list[str], exit_code: int, code: Code, names: str
) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.error) == (exit_code, code)
    assert ran.out == ""
    assert names in ran.err
    assert ran.err.startswith("sentiment-worker: ")
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "command", ["run", "send x", "watch", "topics create", "topics describe", "doctor", "config"], ids=str
)
def test_every_command_refuses_an_address_without_a_port(run: Run, command: str) -> None:
    ran = run(*command.split(), "--bootstrap-servers", "kafka-1:9092,kafka-2")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "sentiment-worker: bootstrap_servers: 'kafka-2' has no port: write host:port, such as kafka-2:9092 "
        "[invalid_setting]\n"
    )


@pytest.mark.parametrize("command", ["classify good", "watch", "config", "evaluate rows.jsonl", "schemas"])
def test_a_command_whose_results_can_go_nowhere_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    ran = run(*command.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.error == Code.STREAM_CLOSED
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", ["classify", "send"])
def test_a_command_that_cannot_read_stdin_says_so(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ran = run(command)
    assert (ran.code, ran.out) == (2, "")
    assert ran.error == Code.STREAM_CLOSED
    assert "--file" in ran.err
    assert ran.err.count("\n") == 1


def _fail(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def app(prog_name: str) -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)


def test_exit_codes_tell_a_wrong_setting_from_trouble(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, SettingError(Code.INVALID_SETTING, "a"))
    assert run("anything").code == 2
    _fail(monkeypatch, BrokerError(Code.KAFKA_ERROR, "b"))
    assert run("anything").code == 1


def test_a_bug_is_named_without_its_message_which_may_quote_a_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, KeyError("a private text"))
    ran = run("anything")
    assert ran.code == 1
    assert "KeyError" in ran.err
    assert "private" not in ran.err
    assert "--debug" in ran.err


def test_brackets_in_an_error_are_shown_as_they_are(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail(monkeypatch, SettingError(Code.INVALID_SETTING, "not [bold]this[/bold] one"))
    assert "not [bold]this[/bold] one" in run("anything").err


def _cli(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "worker.cli", *arguments]


def test_debug_shows_the_traceback_and_still_the_sentence() -> None:
    done = subprocess.run(_cli("--debug", "schemas", "nothing"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert re.fullmatch(r"sentiment-worker: .* \[unknown_schema\]", done.stderr.splitlines()[-1])


def test_ctrl_c_ends_quietly_with_130(broker: EmbeddedBroker) -> None:
    command = _cli("watch", "--bootstrap-servers", broker.bootstrap_servers)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline().startswith("watching")  # from here on it waits for events
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def test_ctrl_c_ends_a_send_that_waits_for_input(broker: EmbeddedBroker) -> None:
    command = _cli("send", "--bootstrap-servers", broker.bootstrap_servers, "--as", "raw")
    popen = partial(
        subprocess.Popen[str], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watch = _cli("watch", "--bootstrap-servers", broker.bootstrap_servers, "--output-topic", "sent", "-n", "1")
    with (
        popen(watch) as watching,
        popen([*command, "--topic", "sent"]) as process,
    ):
        assert watching.stderr
        assert process.stdin
        assert process.stderr
        watching.stderr.readline()
        process.stdin.write('{"n": 1}\n')
        process.stdin.flush()  # the input stays open
        assert watching.communicate(timeout=30)[0] == '{"n": 1}\n'  # sent at once, although more may come
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        assert process.returncode == 130
        assert "Traceback" not in process.stderr.read()


def test_version_is_the_packages(run: Run) -> None:
    ran = run("--version")
    assert (ran.code, ran.out) == (0, f"sentiment-worker {worker.__version__}\n")


def test_a_mistyped_command_gets_a_suggestion(run: Run) -> None:
    ran = run("clasify")
    assert ran.code == 2
    assert "classify" in ran.err


def _commands(command: Any, name: str = "") -> Iterator[str]:
    """Yield the names of all commands below this one, those of groups behind their group's."""
    for own, below in getattr(command, "commands", {}).items():
        yield (path := f"{name} {own}".strip())
        yield from _commands(below, path)


@pytest.mark.parametrize("command", [*_commands(typer.main.get_command(cli.app))])
def test_every_command_has_help(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")
    assert ran.code == 0
    usage, _, rest = ran.out.partition("Usage: sentiment-worker " + command)[2].partition("\n")
    assert usage
    description = re.sub(r"\W", "", rest.partition("Options")[0])
    assert description, "it does not say what it does"


def test_help_needs_none_of_the_heavy_libraries() -> None:
    heavy = ["torch", "transformers", "faust", "aiokafka", "kafka", "tokenizers"]
    code = f"import sys, worker.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
