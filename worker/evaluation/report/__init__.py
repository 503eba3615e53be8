"""Reports of evaluations: HTML in one file, or Markdown with its pictures next to it."""

from worker.evaluation.report.sections import Subject
from worker.evaluation.report.write import FORMATS, check_report, write_report

__all__ = ["FORMATS", "Subject", "check_report", "write_report"]
