"""How good models are on labelled texts: figures, comparisons, baselines, behaviour tests and reports."""
