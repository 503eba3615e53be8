"""Faust's worker, which leaves the word in the log to ours."""

import asyncio
import logging

import faust

from worker.engine.sentences import NOT_PERMITTED, READ_AGAIN, because
from worker.errors import WorkerError
from worker.observability.repeated_lines import RepeatedLines
from worker.process import INTERRUPTED, end

logger = logging.getLogger(__name__)


class QuietWorker(faust.Worker):
    """Faust's worker, whose log shows crashes and tracebacks of bugs alone; Ctrl-C amid a stop ends it at once."""

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        super().on_setup_root_logger(logger, level)
        for handler in logger.handlers:
            handler.addFilter(_is_worth_a_line)
            if level > logging.DEBUG:
                handler.addFilter(RepeatedLines("aiokafka"))
                handler.addFilter(RepeatedLines("mode.timers"))  # a commit that takes longer than its interval

    def _on_sigint(self) -> None:
        if self._signal_stop_time is None and self.crash_reason is None:
            super()._on_sigint()
            return
        logger.warning("stopping at once%s: %s", because(self.crash_reason), READ_AGAIN)
        end(INTERRUPTED)


#: aiokafka's words for what it tries again by itself, several times where a broker is fresh. What lasts has others.
_CHATTER = (
    "Group Coordinator Request failed",
    "Marking the coordinator dead",
    "Topic %s not found in cluster metadata",
)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    if record.name.startswith("aiokafka") and str(record.msg).startswith(_CHATTER):
        return False
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, (WorkerError, *NOT_PERMITTED)):  # a sentence says, or will say, all there is to say
        record.exc_info = None
        if "Crashed reason=" in str(record.msg):  # mode's words; that sentence ends the log
            return False
    return not isinstance(error, asyncio.CancelledError)  # agents that a crash takes along


def quieten(level: str) -> None:
    """Leave the word to the worker: the libraries below it speak from warnings on, unless everything is asked for."""
    if level != "debug":
        for library in ("aiokafka", "faust", "mode"):
            logging.getLogger(library).setLevel(logging.WARNING)
