"""Reads a range of a topic outside any group: from a place to a place, in all partitions or some."""

from worker.reading.places import EARLIEST, LATEST, Place, parse_place
from worker.reading.reader import Reader
from worker.reading.spans import Span, find_spans

__all__ = ["EARLIEST", "LATEST", "Place", "Reader", "Span", "find_spans", "parse_place"]
