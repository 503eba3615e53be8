"""The attack is the same for the same seed, and leaves nothing out."""

from collections import Counter

import pytest
from chaos.__main__ import command_line
from chaos.command import print_schedule
from chaos.faults import FAULTS
from chaos.schedule import EVERY, KINDS, MAIN, TRACKS, schedule


def kinds_of(seed: int, minutes: float) -> Counter[str]:
    return Counter(
        fault.kind for epoch in schedule(seed, minutes) for faults in epoch.tracks.values() for fault in faults
    )


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    assert schedule(7, 10) == schedule(7, 10)
    assert schedule(7, 10) != schedule(8, 10)


def test_every_kind_can_be_carried_out_and_every_fault_is_of_a_kind() -> None:
    assert {kind.name for kind in KINDS} == set(FAULTS)


@pytest.mark.parametrize("seed", range(20))
def test_ten_minutes_have_more_than_forty_faults_of_every_kind(seed: int) -> None:
    kinds = kinds_of(seed, 10)
    assert set(kinds) == set(FAULTS)
    assert kinds.total() > 40


@pytest.mark.parametrize("seed", range(20))
def test_in_every_epoch_and_track_all_kinds_come_before_one_comes_again(seed: int) -> None:
    for epoch in schedule(seed, 10):
        for track in TRACKS:
            kinds = [fault.kind for fault in epoch.tracks[track]]
            possible = sum(kind.track == track and epoch.name in kind.epochs for kind in KINDS)
            assert all(
                len(set(kinds[start : start + possible])) == len(kinds[start : start + possible])
                for start in range(0, len(kinds), possible or 1)
            )


@pytest.mark.parametrize("minutes", [2, 10])
def test_faults_lie_within_the_bounds_of_their_kinds_and_epochs_within_the_time(minutes: float) -> None:
    bounds = {kind.name: kind for kind in KINDS}
    epochs = schedule(3, minutes)
    assert sum(epoch.seconds for epoch in epochs) == pytest.approx(60 * minutes)
    assert [epoch.name for epoch in epochs] == [*EVERY]
    for epoch in epochs:
        for track, faults in epoch.tracks.items():
            assert all(bounds[fault.kind].track == track for fault in faults)
            assert all(epoch.name in bounds[fault.kind].epochs for fault in faults)
            assert all(
                bounds[fault.kind].seconds[0] <= fault.seconds <= bounds[fault.kind].seconds[1] for fault in faults
            )
            assert sum(fault.gap + fault.seconds for fault in faults[:-1]) < epoch.seconds


def test_what_destroys_records_never_comes_where_nothing_may_be_lost() -> None:
    destructive = {"topic_recreated", "output_recreated", "broker_replaced"}
    main = next(epoch for epoch in schedule(5, 30) if epoch.name == MAIN)
    assert not destructive & {fault.kind for faults in main.tracks.values() for fault in faults}


def test_a_short_run_leaves_out_what_takes_a_minute() -> None:
    assert "output_leaderless_long" not in kinds_of(1, 2)


def test_a_printed_schedule_says_what_its_columns_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_schedule(command_line().parse_args(["--print-schedule"])) == 0
    columns, target, _, epoch, *_ = capsys.readouterr().out.splitlines()
    assert "target" in columns.split(", ")[-1]
    assert target.startswith("The target is")
    assert epoch == "main, 72 s"
