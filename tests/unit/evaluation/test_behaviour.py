"""The behaviour suite as data, and failure rates worked out on classifiers whose faults are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.evaluation.behaviour import Test as BehaviourTest
from worker.evaluation.behaviour import measure, per_capability, read_suite
from worker.evaluation.behaviour.measure import mean_failure_rate
from worker.evaluation.behaviour.suite import expand

Scores = NDArray[np.float64]


def by_word(texts: list[str]) -> Scores:
    """Positive with "good" in it, negative with "bad", otherwise neutral."""
    table = {"good": [0.1, 0.1, 0.8], "bad": [0.8, 0.1, 0.1]}
    return np.array([next((s for w, s in table.items() if w in text), [0.1, 0.8, 0.1]) for text in texts])


def test_labels_fail_text_by_text() -> None:
    test = BehaviourTest("t", "c", "label", ("positive", "neutral"), (("good",), ("bad",), ("chair",), ("bad bad",)))
    (result,) = measure([test], by_word)
    assert result.failed == ("bad", "bad bad")
    assert result.failure_rate == 0.5


def test_groups_fail_by_each_text_that_differs_from_the_first() -> None:
    test = BehaviourTest("t", "c", "same", (), (("good A", "good B", "bad C"), ("chair", "good")))
    (result,) = measure([test], by_word)
    assert (result.cases, result.failed) == (3, ("bad C", "good"))


@pytest.mark.parametrize(("expect", "failed"), [("up", ("bad",)), ("down", ("good",))])
def test_directions_fail_by_moving_against_them(expect: str, failed: tuple[str, ...]) -> None:
    groups = (("chair", "bad"), ("chair", "good"), ("chair", "table"))
    (result,) = measure([BehaviourTest("t", "c", "direction", (expect,), groups)], by_word)
    assert result.failed == failed


def by_number(texts: list[str]) -> Scores:
    """The polarity that a text is."""
    polarity = np.array([float(text) for text in texts])
    return np.stack([(1 - polarity) / 2, np.zeros(len(texts)), (1 + polarity) / 2], axis=1)


@pytest.mark.parametrize(
    ("expect", "pair", "fails"),
    [
        pytest.param("up", ("0", "0"), True, id="nothing changes"),
        pytest.param("up", ("0", "0.05"), True, id="too little changes"),
        pytest.param("up", ("0", "0.2"), False, id="enough changes"),
        pytest.param("down", ("0", "0.2"), True, id="the other way"),
        pytest.param("down", ("0", "-0.2"), False, id="enough changes, down"),
        pytest.param("up", ("0.95", "0.95"), False, id="no room for more"),
        pytest.param("up", ("0.95", "0.85"), True, id="back from the ceiling"),
        pytest.param("down", ("-0.95", "-0.95"), False, id="no room for less"),
        pytest.param("down", ("0.95", "0.95"), True, id="room at the other end"),
    ],
)
def test_a_least_change_is_asked_for_where_there_is_room(expect: str, pair: tuple[str, str], fails: bool) -> None:
    (result,) = measure([BehaviourTest("t", "c", "direction", (expect,), (pair,), least=0.1)], by_number)
    assert result.failed == (pair[1:] if fails else ())


@pytest.mark.parametrize("name", ["emoji turns the verdict", "a sentence of praise added", "a sentence of scorn added"])
def test_a_classifier_that_sees_no_change_fails_what_promises_one(name: str) -> None:
    (test,) = (test for test in read_suite() if test.name == name)
    (result,) = measure([test], lambda texts: np.full((len(texts), 3), 1 / 3))
    assert result.failure_rate == 1.0


def test_every_test_counts_once_whatever_its_size() -> None:
    small = BehaviourTest("s", "c", "label", ("positive",), (("bad",),))
    large = BehaviourTest("l", "c", "label", ("positive",), tuple((f"good {i}",) for i in range(9)))
    other = BehaviourTest("o", "d", "label", ("neutral",), (("chair",),))
    results = measure([small, large, other], by_word)
    assert per_capability(results) == {"c": 0.5, "d": 0.0}
    assert mean_failure_rate(results) == pytest.approx(1 / 3)


def test_scores_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="expected scores"):
        measure(read_suite()[:1], lambda texts: np.ones((len(texts), 2)))


def test_templates_that_belong_together_get_the_same_words() -> None:
    assert expand(["{a} b", "{a} {c}"], {"a": ["x", "y"], "c": ["1"]}) == [("x b", "x 1"), ("y b", "y 1")]


def test_the_suite_covers_what_it_should() -> None:
    suite = read_suite()
    assert sum(test.cases for test in suite) > 1_000
    assert len({test.name for test in suite}) == len(suite)
    assert {test.capability for test in suite} >= {
        "negation", "negation at a distance", "intensifiers", "contrast", "emoji", "emoticons", "slang", "casing",
        "typos", "fairness", "neutral", "numbers", "urls", "length",
    }  # fmt: skip
    for test in suite:
        assert not [text for text in test.texts if "{" in text or "}" in text], test.name
        assert all(len(group) == 2 for group in test.groups) or test.kind != "direction", test.name
        assert all(len(group) >= 2 for group in test.groups) or test.kind != "same", test.name


def test_an_over_slot_makes_one_group_of_all_its_words(tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text(
        '[words]\nwho = ["A", "B"]\nhow = ["x", "y"]\n[[test]]\nname = "n"\ncapability = "c"\nkind = "same"\n'
        'over = "who"\ngroups = [["{who} is {how}"]]\n',
        encoding="utf-8",
    )
    (test,) = read_suite(tmp_path / "suite.toml")
    assert test.groups == (("A is x", "B is x"), ("A is y", "B is y"))
    assert test.cases == 2


def test_a_test_without_a_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text(
        '[words]\n[[test]]\nname = "empty"\ncapability = "c"\nkind = "same"\ngroups = [["alone"]]\n', encoding="utf-8"
    )
    with pytest.raises(ValueError, match="empty"):
        read_suite(tmp_path / "suite.toml")


def test_two_tests_of_one_name_are_refused(tmp_path: Path) -> None:
    test = '[[test]]\nname = "twin"\ncapability = "c"\nkind = "same"\ngroups = [["a", "b"]]\n'
    (tmp_path / "suite.toml").write_text(f"[words]\n{test}{test}", encoding="utf-8")
    with pytest.raises(ValueError, match="'twin' exists twice"):
        read_suite(tmp_path / "suite.toml")


def test_a_change_that_nobody_knows_is_refused_with_those_there_are(tmp_path: Path) -> None:
    test = '[[test]]\nname = "t"\ncapability = "c"\nkind = "same"\ntexts = ["a"]\nchange = "shout"\n'
    (tmp_path / "suite.toml").write_text(f"[words]\n{test}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"'t': change must be one of .*upper"):
        read_suite(tmp_path / "suite.toml")


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        pytest.param("same", "0.1", id="of another kind"),
        pytest.param("direction", "0", id="nothing"),
        pytest.param("direction", "2.5", id="longer than the scale"),
        pytest.param("direction", "nan", id="no number"),
        pytest.param("direction", "true", id="a boolean"),
        pytest.param("direction", '"0.1"', id="a word"),
    ],
)
def test_a_least_change_that_makes_no_sense_is_refused(tmp_path: Path, kind: str, least: str) -> None:
    (tmp_path / "suite.toml").write_text(
        f'[words]\n[[test]]\nname = "odd"\ncapability = "c"\nkind = "{kind}"\nexpect = ["up"]\nleast = {least}\n'
        'groups = [["a", "b"]]\n',
        encoding="utf-8",
    )
    with pytest.raises(ValueError, match=r"'odd'.*`least`"):
        read_suite(tmp_path / "suite.toml")
