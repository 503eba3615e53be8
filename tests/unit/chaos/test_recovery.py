"""Recovery is counted from the end of a fault until every partition has answered something newer."""

from chaos.late import Answered
from chaos.recovery import made_within, recovery_times


def answered(partition: int, created: float, made: float) -> Answered:
    return Answered(f"g0-p{partition}:{created}:output", partition, partition, 0, "w0", made, int(created * 1_000))


def test_the_slowest_partition_counts() -> None:
    answers = [answered(0, 100, 101), answered(0, 111, 112), answered(1, 100, 101), answered(1, 112, 119)]
    assert recovery_times([("kill", 110.0)], answers) == [("kill", 9.0)]


def test_a_fault_after_the_last_event_has_none() -> None:
    assert recovery_times([("kill", 200.0)], [answered(0, 100, 101)]) == []


def test_outputs_count_once_for_each_window_that_they_were_made_in() -> None:
    answers = [answered(0, 1, second) for second in (10, 10, 11, 20, 21, 22)]
    assert made_within([(9, 10), (10, 20)], answers) == 2 + 4
    assert made_within([], answers) == 0
