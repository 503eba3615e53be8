"""Evaluations as a page to look at: HTML in one file, or Markdown with its pictures beside it."""

from worker.training.report.sections import Subject
from worker.training.report.write import FORMATS, check_report, write_report

__all__ = ["FORMATS", "Subject", "check_report", "write_report"]
