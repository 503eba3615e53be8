"""Fine-tuning a classifier: from labelled texts and a base model to a folder that the worker runs."""
