"""How a process of ours ends: at a signal, at the end of a command, and once a worker has stopped.

The interpreter's own way out waits for threads and then takes the ground from under those that run C++ (torch,
tokenizers, drivers), which abort the process. So whatever is to be done is done first, and then the process just ends.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
#: How long tasks that a stop has cancelled may take to end.
CANCEL_SECONDS = 1.0
_SHOW_CURSOR = "\x1b[?25h"


def end(code: int) -> NoReturn:
    """End the process now, with all that was printed and logged, and without the interpreter's own shutdown."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # closed, or nobody reads it any more
            stream.flush()
    with contextlib.suppress(Exception):
        logging.shutdown()
    os._exit(code)


def open_standard_streams() -> None:
    """Open those of stdin, stdout and stderr without which the process was started, so that they lead nowhere.

    Otherwise the first files and sockets that are opened get their numbers, and what a library prints goes there.
    ``sys.stdout`` and ``sys.stdin`` stay None where they were closed: whoever needs them has to say so.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for as long as the process lives


def run_to_the_end(command: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its exit code."""
    try:
        code = command()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as leaving:
        code = _exit_code(leaving)
    end(code)


def end_at_signals(*, terminated: int = TERMINATED, tidies_up: bool = True) -> None:
    """Have SIGTERM and Ctrl-C end the process without a traceback, whatever it is doing.

    SIGTERM ends it at once with ``terminated``. Ctrl-C raises ``KeyboardInterrupt`` where a command ``tidies_up``; the
    second one ends the process at once, and so does the first where it would interrupt an import: an extension module
    that is read in turns the exception into another one, or aborts.
    """
    interrupted_before = False

    def interrupt(_: int, frame: FrameType | None) -> None:
        nonlocal interrupted_before
        if interrupted_before or not tidies_up or _imports(frame):
            _end_in_a_terminal(INTERRUPTED)
        interrupted_before = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, lambda *_: _end_in_a_terminal(terminated))


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; Ctrl-C cancels it, then raises ``KeyboardInterrupt``."""
    in_main = threading.current_thread() is threading.main_thread()
    former = signal.getsignal(signal.SIGINT)
    try:
        if in_main:  # in place of Python's own handler alone asyncio puts one that cancels
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return asyncio.run(main)
    finally:
        main.close()  # interrupted before it began, it is not to be missed
        if in_main:
            signal.signal(signal.SIGINT, former)


def run_until_stopped(worker: Any) -> None:
    """Run a mode worker until a signal or a crash has stopped it.

    The event loop stays open: threads that are still at work (a device, a model that loads) may hand over what they
    have without harm, and the process ends anyway.

    Raises:
        BaseException: what the worker crashed with.
    """
    loop = worker.loop
    # Where mode looks for what to cancel, once everything has stopped: a model that loads must not hold a stop up.
    start = worker._starting_fut = asyncio.ensure_future(worker.start(), loop=loop)
    try:
        loop.run_until_complete(start)
    except asyncio.CancelledError:
        pass  # by a signal
    finally:
        loop.run_until_complete(_stop(worker))
    if worker.crash_reason:
        raise worker.crash_reason


async def _stop(worker: Any) -> None:
    if worker._signal_stop_future is not None:
        await asyncio.wait([worker._signal_stop_future])
    else:
        await worker.stop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=CANCEL_SECONDS)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end_in_a_terminal(code: int) -> NoReturn:
    if sys.stderr is not None and sys.stderr.isatty():
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())  # a progress bar may have hidden it
    end(code)


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    print(leaving.code, file=sys.stderr)  # noqa: T201  # as the interpreter does
    return 1
