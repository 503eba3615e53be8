"""Behavioural tests of a classifier, capability by capability: minimum functionality, invariance and direction.

The three kinds of test are those of Ribeiro et al. 2020 ("Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList"); the tests themselves, in `suite.toml`, are our own.
"""

from __future__ import annotations

from worker.evaluation.behaviour.measure import Result, measure, per_capability
from worker.evaluation.behaviour.suite import Test, read_suite

__all__ = ["Result", "Test", "measure", "per_capability", "read_suite"]
