"""Texts that are held out to choose by."""

from pathlib import Path

import numpy as np
import pytest
from error_codes import raises_code
from unit.datasets.labelled_files import written

from worker.datasets.labelled import read_labelled
from worker.datasets.split import hold_out
from worker.errors import Code, SettingError


def test_repeats_of_a_text_stay_on_one_side_and_every_label_is_held_out(tmp_path: Path) -> None:
    rows = "".join(f"text {i // 2}{' !'[i % 2]},{i // 2 % 3}\n".replace(" ,", ",") for i in range(120))
    data = read_labelled(written(tmp_path, "a.csv", "text,label\n" + rows.replace("!", " ")))
    train, dev = hold_out(data, 0.2, seed=3)

    assert sorted([*train, *dev]) == list(range(120))
    plain = [" ".join(text.split()) for text in data.texts]
    assert not {plain[i] for i in train} & {plain[i] for i in dev}
    assert np.bincount(data.truth[dev]).tolist() == [8, 8, 8]
    assert hold_out(data, 0.2, seed=3)[1].tolist() == dev.tolist()
    assert hold_out(data, 0.2, seed=4)[1].tolist() != dev.tolist()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param("great,a\nbad,b\n" * 60, "2 different texts in 120 rows", id="two texts"),
        pytest.param("great,a\nGreat ,b\n" * 30, "one text in all of its 60 rows", id="one text"),
        pytest.param("".join(f"x{i},{i}\n" for i in range(60)), "as many labels as rows, 60", id="a label a row"),
    ],
)
def test_why_nothing_can_be_held_out_is_said(tmp_path: Path, rows: str, words: str) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label\n" + rows))

    with raises_code(SettingError, Code.TOO_FEW_TEXTS) as caught:
        hold_out(data, 0.1, seed=3)
    assert words in str(caught.value)
    assert "--dev FILE" in str(caught.value)
    assert "great" not in str(caught.value)
