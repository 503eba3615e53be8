"""The count sees each kind of harm: records of a good run are harmed by hand, one way at a time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from chaos.accounts import Account, account
from chaos.device import REVISION, code_of, scores_of
from chaos.events import BAD_VALUES, OUTPUT, TOMBSTONE, Source
from chaos.reader import Row

TOPIC = "texts"
COUNT = 400


def answer(source: Row, offset: int, writer: str = "w0", made: str = "2026-01-01T00:00:00.000Z") -> Row:
    """The right output for an input."""
    if source.value is None:
        return replace(source, offset=offset)
    scores = scores_of(np.array([code_of(orjson.loads(source.value)["text"])]))[0].tolist()
    verdict = {
        "id": f"{TOPIC}-{source.partition}-{source.offset}-{REVISION[:12]}",
        "scores": dict(zip(("negative", "neutral", "positive"), scores, strict=True)),
        "model": {"name": writer},
        "processed_at": made,
    }
    value = source.value[:-1] + b',"sentiment":' + orjson.dumps(verdict) + b"}"
    return replace(source, offset=offset, value=value)


def dead_letter(source: Row, offset: int) -> Row:
    return replace(
        source,
        offset=offset,
        reason=source.identity.rsplit(":", 1)[1],
        source_partition=source.partition,
        source_offset=source.offset,
    )


class Run:
    """The records of a good run, to be harmed."""

    def __init__(self) -> None:
        source = Source(seed=1, partitions=1)
        kinds = [*BAD_VALUES]
        events = [
            source.make(kinds[number // 10 % len(kinds)] if number % 10 == 3 else OUTPUT, 0) for number in range(COUNT)
        ]
        self.inputs = [
            Row(0, offset, event.key, event.value, 5_000_000, event.identity.decode())
            for offset, event in enumerate(events)
        ]
        self.outputs: list[Row] = []
        self.dead_letters: list[Row] = []
        for row in self.inputs:
            if row.identity.endswith((OUTPUT, TOMBSTONE)):
                self.outputs.append(answer(row, len(self.outputs)))
            else:
                self.dead_letters.append(dead_letter(row, len(self.dead_letters)))

    def count(self, **more: Any) -> Account:
        return account(TOPIC, self.inputs, self.outputs, self.dead_letters, **more)


@pytest.fixture
def run() -> Run:
    return Run()


def harms(result: Account) -> dict[str, int]:
    found = {name: len(getattr(result, name)) for name in ("lost", "disordered", "late", "wrong", "strange")}
    return {name: number for name, number in (found | {"repeated": result.repeated}).items() if number}


def test_a_good_run_has_no_harm_and_every_reason_is_expected_and_seen(run: Run) -> None:
    result = run.count()
    assert harms(result) == {}
    assert result.kept
    assert result.events == result.required == result.answers == COUNT
    assert result.dead_letters_expected == result.dead_letters_seen
    assert set(result.dead_letters_seen) == {reason for reason, _ in BAD_VALUES.values()} - {TOMBSTONE}


def test_a_missing_output_a_missing_tombstone_and_a_missing_dead_letter_are_lost(run: Run) -> None:
    gone = [run.outputs.pop(7), run.dead_letters.pop(2)]
    tombstone = next(row for row in run.outputs if row.value is None)
    run.outputs.remove(tombstone)
    result = run.count()
    assert sorted(result.lost) == sorted(row.identity for row in (*gone, tombstone))
    assert not result.kept


def test_an_answer_that_comes_again_is_repeated_and_the_most_copies_are_told(run: Run) -> None:
    run.outputs += [run.outputs[-1], run.outputs[-1]]
    run.dead_letters.append(run.dead_letters[-1])
    result = run.count()
    assert harms(result) == {"repeated": 3}
    assert result.most_copies == 3
    assert result.kept


def test_an_event_with_an_output_and_a_dead_letter_has_one_too_many(run: Run) -> None:
    source = next(row for row in run.inputs if row.identity == run.outputs[0].identity)
    run.dead_letters.append(dead_letter(source, 1_000))
    assert run.count().repeated == 1
    assert run.count().wrong == [source.identity]


def test_outputs_of_a_key_that_change_places_are_out_of_order(run: Run) -> None:
    first = run.outputs[5]
    key = first.identity.rsplit(":", 2)[0]
    later = next(n for n, row in enumerate(run.outputs) if n > 5 and row.identity.rsplit(":", 2)[0] == key)
    run.outputs[5], run.outputs[later] = run.outputs[later], run.outputs[5]
    assert first.identity in run.count().disordered


def test_outputs_of_two_keys_that_change_places_are_in_order(run: Run) -> None:
    assert run.outputs[5].key != run.outputs[6].key
    run.outputs[5], run.outputs[6] = run.outputs[6], run.outputs[5]
    assert harms(run.count()) == {}


def test_a_replay_from_the_committed_offset_is_repeated_and_neither_late_nor_out_of_order(run: Run) -> None:
    sources = {row.identity: row for row in run.inputs}
    run.outputs = [
        answer(sources[row.identity], offset, writer)
        for offset, (row, writer) in enumerate(
            [*((row, "w0") for row in run.outputs[:100]), *((row, "w1") for row in run.outputs[60:])]
        )
    ]
    assert harms(run.count(killed={"w0": 0.0})) == {"repeated": 40}


def test_a_worker_that_goes_on_after_another_has_taken_over_is_late(run: Run) -> None:
    sources = {row.identity: row for row in run.inputs}
    writers = [(run.outputs[:100], "w0"), (run.outputs[60:200], "w1"), (run.outputs[100:130], "w0")]
    writers.append((run.outputs[200:], "w1"))
    run.outputs = [
        answer(sources[row.identity], 0, writer, "2026-01-01T00:00:10.000Z" if writer == "w1" else made)
        for (rows, writer), made in zip(writers, ["2026-01-01T00:00:00.000Z"] * 4, strict=True)
        for row in rows
    ]
    tombstones = sum(row.value is None for row in run.outputs[240:270])
    frozen = {"w0": [1_767_225_605.0]}  # 00:00:05
    late = run.count(thaws=frozen).late
    assert len(late) == 30 - tombstones
    assert run.count(thaws=frozen, killed={"w1": 0.0}).late == late
    # Where the other one was killed and nobody was frozen, the partition has come back by right.
    assert run.count(killed={"w1": 0.0}).late == []


def test_a_partition_that_comes_back_by_right_is_read_again_from_the_commit_and_not_late(run: Run) -> None:
    sources = {row.identity: row for row in run.inputs}
    owned = [(run.outputs[:100], "w0"), (run.outputs[100:300], "w1"), (run.outputs[250:], "w0")]
    run.outputs = [answer(sources[row.identity], 0, writer) for rows, writer in owned for row in rows]
    assert harms(run.count()) == {"repeated": 50}


def changed(row: Row, change: Callable[[dict[str, Any]], None]) -> Row:
    value = orjson.loads(row.value or b"")
    change(value["sentiment"])
    head, _, _ = (row.value or b"").partition(b',"sentiment":')
    return replace(row, value=head + b',"sentiment":' + orjson.dumps(value["sentiment"]) + b"}")


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda row: changed(row, lambda v: v["scores"].update(negative=0.9)), id="other-scores"),
        pytest.param(
            lambda row: changed(row, lambda v: v.update(id=f"{TOPIC}-0-99999-{REVISION[:12]}")), id="other-id"
        ),
        pytest.param(lambda row: replace(row, key=b"another"), id="other-key"),
        pytest.param(lambda row: replace(row, value=None), id="no-value"),
        pytest.param(lambda row: replace(row, value=b'{"text":"x"' + (row.value or b"")[10:]), id="other-event"),
    ],
)
def test_an_output_that_is_not_its_event_with_the_right_verdict_is_wrong(run: Run, harm: Callable[[Row], Row]) -> None:
    run.outputs[9] = harm(run.outputs[9])
    assert run.count().wrong == [run.outputs[9].identity]


def test_another_reason_or_another_place_makes_a_dead_letter_wrong(run: Run) -> None:
    run.dead_letters[0] = replace(run.dead_letters[0], reason="no_text_at_all")
    run.dead_letters[3] = replace(run.dead_letters[3], source_offset=COUNT + 5)
    assert run.count().wrong == [run.dead_letters[0].identity, run.dead_letters[3].identity]


def test_a_dead_letter_without_headers_of_its_event_is_known_by_its_place(run: Run) -> None:
    run.dead_letters[0] = replace(run.dead_letters[0], identity="")
    assert harms(run.count()) == {}


def test_an_answer_that_nobody_asked_for_is_strange_unless_its_topic_is_gone(run: Run) -> None:
    run.outputs.append(replace(run.outputs[0], identity="g0-p0-k0:99999:output"))
    assert run.count().strange == ["g0-p0-k0:99999:output"]
    for rows in (run.inputs, run.outputs, run.dead_letters):
        rows[:] = [replace(row, identity=row.identity.replace("g0-", "g1-")) for row in rows]
    run.outputs[-1] = replace(run.outputs[-1], identity="g0-p0-k0:99999:output")
    assert harms(run.count()) == {}


def test_events_from_before_a_topic_was_made_anew_need_no_answer(run: Run) -> None:
    lost = run.outputs.pop(7)
    assert run.count(generation=0).lost == [lost.identity]
    assert run.count(generation=1).lost == []


def test_a_record_that_no_client_can_read_needs_a_dead_letter_of_any_reason(run: Run) -> None:
    run.inputs.append(replace(run.inputs[0], offset=COUNT, identity=""))
    assert len(run.count().lost) == 1
    letter = Row(0, 1_000, None, None, 0, "", "any", 0, COUNT)
    run.dead_letters.append(letter)
    assert harms(run.count()) == {}
