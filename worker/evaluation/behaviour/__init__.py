"""Behaviour of a classifier, capability by capability: minimum functionality, invariance and direction.

The three kinds of test are those of Ribeiro et al. 2020 ("Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList"); the tests themselves, in `suite.toml`, are our own. `held_out.toml` is for figures on the model card alone.
"""

from __future__ import annotations

from pathlib import Path

from worker.evaluation.behaviour.measure import Result, measure, per_capability
from worker.evaluation.behaviour.suite import Test, read_suite

#: Our suites: what is measured with them is never trained on.
SUITES = tuple(Path(__file__).with_name(name) for name in ("suite.toml", "held_out.toml"))

__all__ = ["SUITES", "Result", "Test", "measure", "per_capability", "read_suite"]
