"""Tokenising behind one protocol: the fastest backend that gives exactly the ids of Hugging Face's ``tokenizers``."""

from worker.classifier.tokenizing.choice import choose_tokenizer
from worker.classifier.tokenizing.encoding import Encoding

__all__ = ["Encoding", "choose_tokenizer"]
