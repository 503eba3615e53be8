"""A batch in trouble is sent until the broker has it once, and the log tells of the trouble and its end."""

import pytest
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
)
from unit.delivery.scripted_broker import Bench, publish, range_of, with_publisher

from worker.delivery.outcomes import RequestCutOffError, SessionUnconfirmedError


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, and the answer lost"])
def test_a_batch_of_unknown_fate_is_sent_again_and_is_there_once(written: bool) -> None:
    async def body(bench: Bench) -> None:
        values = [b"%03d" % number for number in range(60)]
        publish(bench, range_of(60), list(values))
        await bench.until(lambda: bool(bench.delivered))
        assert bench.producer.values("out") == values
        assert bench.failures == []

    with_publisher(body, troubles=[None, (RequestTimedOutError(), written), (NodeNotReadyError(), False)])


def test_who_sees_warnings_alone_sees_both_ends_of_a_trouble(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.delivery.retries.PATIENCE_SECONDS", 0.0)

    async def body(bench: Bench) -> None:
        publish(bench, range_of(1), [b"a"])
        await bench.until(lambda: bool(bench.delivered))
        said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert [sentence.split(":")[0] for sentence in said] == [
            "out[0] cannot be written to (NodeNotReadyError)",
            "outputs wait",
            "all of out can be written to again",
            "outputs wait no longer for the group's coordinator",
        ]
        assert bench.metrics.produce_retries.by_label() == {"out": 2}
        assert bench.metrics.produce_refused_records.total == 0

    with_publisher(body, troubles=[(NodeNotReadyError(), False), (SessionUnconfirmedError(), False)])


def test_a_broker_that_lost_our_numbers_gets_new_ones_and_every_record_in_order() -> None:
    async def body(bench: Bench) -> None:
        publish(bench, range_of(5), [b"a"] * 5)
        await bench.until(lambda: len(bench.delivered) == 1)
        bench.producer.forget_producers()
        publish(bench, range_of(5), [b"%d" % number for number in range(5)])
        await bench.until(lambda: len(bench.delivered) == 2)
        assert bench.producer.values("out")[5:] == [b"0", b"1", b"2", b"3", b"4"]
        assert bench.failures == []

    with_publisher(body)


@pytest.mark.parametrize("error", [CorruptRecordException, RequestCutOffError])
def test_a_batch_that_did_not_arrive_whole_once_is_sent_again(error: type[KafkaError]) -> None:
    async def body(bench: Bench) -> None:
        publish(bench, range_of(3), [b"a"] * 3)
        await bench.until(lambda: bool(bench.delivered))
        assert (bench.producer.values("out"), bench.producer.values("dead")) == ([b"a"] * 3, [])

    with_publisher(body, troubles=[(error(), False)])
