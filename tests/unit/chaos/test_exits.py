"""An end of a worker is expected for a reason that was there, and else it is not."""

import signal

import pytest
from chaos.exits import BROKER_AWAY, DEVICE_BROKEN, FLOOD, TOPIC_AWAY, End, Window, why_expected

TERM, KILL = signal.SIGTERM, signal.SIGKILL


def end(code: int, *signals: int, log: str = "assigned: texts[0]", time: float = 100.0) -> End:
    return End("w1.0", 1, time, code, signals, log)


def window(kind: str, slot: int | None = None, begin: float = 90.0, closed: float = 95.0) -> Window:
    return Window(kind, begin, slot, closed)


@pytest.mark.parametrize(
    ("found", "windows"),
    [
        pytest.param(end(-KILL, KILL), [], id="killed"),
        pytest.param(end(0, TERM), [], id="stopped"),
        pytest.param(end(-TERM, TERM, log=""), [], id="stopped-before-it-listened"),
        pytest.param(end(-TERM, TERM, log="sentiment-worker: no broker"), [], id="stopped-when-it-had-given-up"),
        pytest.param(end(143, TERM, log="sentiment-worker: no broker"), [], id="and-said-so-by-its-exit-code"),
        pytest.param(end(1, log="texts is missing on the cluster"), [window(TOPIC_AWAY)], id="start-without-topic"),
        pytest.param(end(1, TERM), [window(BROKER_AWAY)], id="stop-without-broker"),
        pytest.param(end(1, log="raise max_consecutive_invalid"), [window(FLOOD)], id="flood"),
        pytest.param(end(1, log="the device no longer classifies"), [window(DEVICE_BROKEN, 1)], id="device"),
        pytest.param(end(1, log="no Kafka broker answers"), [window(BROKER_AWAY)], id="start-without-broker"),
    ],
)
def test_an_end_with_a_reason_is_expected(found: End, windows: list[Window]) -> None:
    assert why_expected(found, windows)


@pytest.mark.parametrize(
    ("found", "windows"),
    [
        pytest.param(end(0), [], id="ended-by-itself"),
        pytest.param(end(1, TERM), [], id="stop-that-ran-out-of-time"),
        pytest.param(end(-TERM, TERM), [], id="no-clean-stop"),
        pytest.param(end(143, TERM), [], id="no-clean-stop-by-its-exit-code"),
        pytest.param(end(1, log="missing on the cluster"), [], id="start-without-topic-that-nobody-took"),
        pytest.param(end(1), [window(TOPIC_AWAY)], id="gave-up-on-the-topic"),
        pytest.param(end(-KILL), [window(BROKER_AWAY)], id="killed-by-somebody-else"),
        pytest.param(end(-signal.SIGABRT, TERM), [window(BROKER_AWAY)], id="aborted-at-a-stop"),
        pytest.param(end(1, log="raise max_consecutive_invalid"), [], id="flood-without-flood"),
        pytest.param(end(1, log="the device no longer classifies"), [window(DEVICE_BROKEN, 2)], id="device-of-another"),
        pytest.param(end(1), [window(BROKER_AWAY)], id="gave-up-on-the-broker"),
        pytest.param(end(1, TERM, time=500.0), [window(BROKER_AWAY)], id="long-after"),
        pytest.param(end(1, TERM, time=80.0), [window(BROKER_AWAY)], id="before"),
    ],
)
def test_an_end_without_one_is_not(found: End, windows: list[Window]) -> None:
    assert why_expected(found, windows) is None
