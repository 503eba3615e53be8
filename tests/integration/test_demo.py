"""``sentiment-worker demo`` as a user runs it: embedded broker, real worker, bundled classifier."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from worker.cli.commands.demo.stream import BROKEN
from worker.embedded import rated_sentences
from worker.settings import ENV_PREFIX

COMMAND = [sys.executable, "-m", "worker.cli"]
SENT = len(rated_sentences()) + len(BROKEN)


def _environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
    return inherited | {"COLUMNS": "160"} | variables


@pytest.mark.timeout(300)
def test_every_event_is_answered_once_and_the_summary_says_so(tmp_path: Path) -> None:
    # What is set for the user's own Kafka must not reach the demo's.
    environment = _environment(SENTIMENT_BOOTSTRAP_SERVERS="localhost:1", SENTIMENT_OUTPUT_MODE="verdict")
    (tmp_path / "sentiment-worker.toml").write_text('text_path = "/elsewhere"\n')
    done = subprocess.run(
        [*COMMAND, "demo"], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"in {SENT:,} = out {len(rated_sentences()):,} + dead letters {len(BROKEN)}" in done.stdout
    assert done.stdout.count("dead letter   ") == len(BROKEN)
    (two_way,) = re.findall(r"([\d.]+)% on positive or negative", done.stdout)
    assert float(two_way) > 85
    assert re.search(r"\d+ batches of \d+ texts on average", done.stdout)
    assert "\x1b" not in done.stdout  # no terminal, no colours
    assert done.stderr == ""


@pytest.mark.timeout(300)
def test_kept_running_it_serves_send_and_watch_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "demo", "--keep"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=_environment()
    ) as demo:
        assert demo.stdout
        printed = ""
        for line in demo.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                break
        (bootstrap,) = re.findall(r"export SENTIMENT_BOOTSTRAP_SERVERS=(\S+)", printed)
        (statistics,) = re.findall(r"http://\S+/statistics", printed)
        environment = _environment(SENTIMENT_BOOTSTRAP_SERVERS=bootstrap)
        with subprocess.Popen(
            [*COMMAND, "watch", "-n", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as watch:
            assert watch.stderr
            watch.stderr.readline()  # it says so when it watches
            sent = subprocess.run([*COMMAND, "send", "What a lovely day"], check=False, env=environment)
            assert sent.returncode == 0
            answer = json.loads(watch.communicate(timeout=60)[0])
        assert (answer["text"], answer["sentiment"]["sentiment"]) == ("What a lovely day", "positive")
        with urllib.request.urlopen(statistics) as page:
            assert json.loads(page.read())["published"] == len(rated_sentences()) + 1

        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert demo.returncode == 0
    with pytest.raises(OSError, match="refused"):  # the worker went with it
        urllib.request.urlopen(statistics)


@pytest.mark.timeout(300)
def test_a_terminated_demo_takes_its_worker_along(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "demo"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=_environment()
    ) as demo:
        assert demo.stdout
        (statistics,) = next(found for line in demo.stdout if (found := re.findall(r"http://\S+/statistics", line)))
        demo.terminate()
        demo.communicate(timeout=60)
    assert demo.returncode == 143
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(statistics)


def test_a_worker_that_cannot_start_ends_the_demo_with_its_own_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--model", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=_environment(),
    )
    assert done.returncode == 1
    assert "the worker ended with exit code" in done.stderr
    assert "is not a folder" in done.stderr
    assert "Traceback" not in done.stderr
