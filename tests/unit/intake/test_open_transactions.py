"""A partition that stands at the same last stable offset, with records behind it, is named once."""

from worker.delivery.ledger import Partition
from worker.intake.open_transactions import Ends, OpenTransactions

P = Partition("texts", 3)


def test_a_stalled_partition_is_named_once_and_again_when_it_goes_on() -> None:
    watch = OpenTransactions()
    open_ = {P: Ends(10, 10, 12)}
    assert watch.look({P: Ends(10, 10, 10)}) == ([], [])
    assert watch.look(open_) == ([], []), "a transaction may be open at one look"
    assert watch.look(open_) == ([P], [])
    assert watch.stalled == {P: 2}
    assert watch.look({P: Ends(10, 10, 20)}) == ([], [])
    assert watch.stalled == {P: 10}
    assert watch.look({P: Ends(15, 20, 20)}) == ([], [P])
    assert watch.stalled == {}


def test_a_partition_that_lags_or_moves_is_not_stalled() -> None:
    watch = OpenTransactions()
    for position, stable in ((5, 10), (6, 10), (10, 11), (11, 12), (12, 13)):
        assert watch.look({P: Ends(position, stable, 99)}) == ([], [])


def test_a_partition_that_was_revoked_is_not_said_to_go_on() -> None:
    watch = OpenTransactions()
    for _ in range(2):
        watch.look({P: Ends(10, 10, 12)})
    assert watch.look({}) == ([], [])
    assert watch.stalled == {}
