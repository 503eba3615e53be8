"""Warnings about labelled texts before one trains on them."""

from pathlib import Path

from worker.datasets.labelled import Labelled, read_labelled
from worker.datasets.warnings import shared_texts, training_warnings


def data(folder: Path, rows: list[tuple[str, str]], labels: list[str] | None = None) -> Labelled:
    file = folder / "a.csv"
    file.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return read_labelled(file, labels)


ENOUGH = [(f"{label} {i}", label) for label in ("a", "b") for i in range(5)]


def test_nothing_is_said_of_what_is_fine(tmp_path: Path) -> None:
    other = data(tmp_path, [("x", "a"), ("y", "b")])

    assert training_warnings(data(tmp_path, ENOUGH), other) == []


def test_texts_on_both_sides_are_counted_whatever_their_case_and_spacing(tmp_path: Path) -> None:
    training, choosing = data(tmp_path, ENOUGH), data(tmp_path, [("A  1", "a"), ("a 1", "b"), ("new", "b")])

    assert shared_texts(training, choosing) == 2
    (said,) = training_warnings(training, choosing)
    assert "2 texts of the dev set are also in the training set" in said
    (said,) = training_warnings(training, data(tmp_path, [("b 1", "a"), ("new", "b")]))
    assert "1 text of the dev set is also in" in said
    assert "b 1" not in said


def test_labels_of_few_texts_and_of_none_are_named(tmp_path: Path) -> None:
    training = data(tmp_path, [*ENOUGH, ("c 1", "c")], ["a", "b", "c", "d"])
    absent, few = training_warnings(training, data(tmp_path, [("x", "a"), ("y", "b")]))

    assert "no text to train on has the label d," in absent
    assert "add more of c (1)," in few


def test_a_label_with_votes_has_texts_though_none_has_most_votes_for_it(tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_text(
        "text,negative,neutral,positive\n" + "".join(f"x {i},{i % 2 * 3},1,{3 - i % 2 * 3}\n" for i in range(10))
    )
    votes = read_labelled(file)

    assert training_warnings(votes, data(tmp_path, [("x", "negative"), ("y", "positive")])) == []
