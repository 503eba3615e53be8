"""The log hears of dead letters at once, and then not too often."""

from worker.delivery.notices import Notices
from worker.errors import Reason


def test_the_first_is_told_at_once_and_the_next_ones_together_later() -> None:
    notices = Notices(seconds=10)
    assert notices.count([Reason.NO_TEXT], 100.0) == "1 dead letter: no_text 1"
    assert notices.count([Reason.NO_TEXT] * 1_500, 101.0) is None
    assert notices.count([Reason.NOT_JSON], 109.9) is None
    assert notices.count([Reason.NO_TEXT], 110.0) == "1,502 dead letters: no_text 1,501, not_json 1"
    assert notices.count([Reason.NO_TEXT], 111.0) is None


def test_it_is_known_when_the_next_sentence_is_due() -> None:
    notices = Notices(seconds=10)
    notices.count([Reason.NO_TEXT], 100.0)
    notices.count([Reason.NO_TEXT], 101.0)
    assert notices.due == 110.0


def test_the_rest_is_told_at_the_end_and_nothing_twice() -> None:
    notices = Notices(seconds=10)
    assert notices.rest(1.0) is None
    notices.count([Reason.NO_TEXT], 1.0)
    notices.count([Reason.EMPTY_TEXT] * 2, 2.0)
    assert notices.rest(3.0) == "2 dead letters: empty_text 2"
    assert notices.rest(4.0) is None
