"""Evaluation of models on labelled texts: metrics, comparisons, baselines, behaviour tests and reports."""
