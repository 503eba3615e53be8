"""Numbers go on behind what was written, and a new epoch starts at 0."""

from worker.delivery.numbering import LAST_EPOCH, Numbering


def test_numbers_go_on_and_wrap_as_the_brokers_do() -> None:
    assert Numbering(7).after(3).after(4) == Numbering(7, 0, 7)
    assert Numbering(7, 0, 2**31 - 2).after(3) == Numbering(7, 0, 1)


def test_a_new_epoch_starts_anew_and_the_last_has_none_after_it() -> None:
    assert Numbering(7, 1, 9).next_epoch() == Numbering(7, 2, 0)
    assert Numbering(7, LAST_EPOCH, 9).next_epoch() is None
