"""Fine-tuning of a classifier of one's own: from labelled texts and a base to a folder that the worker runs."""
