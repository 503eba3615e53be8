"""Files of lines: from a path or from stdin, as bytes, with their numbers."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO

from worker.cli.shared.console import stderr
from worker.errors import Code, SettingError

CHUNK_BYTES = 65_536
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@contextmanager
def opened(file: Path | None) -> Iterator[IO[bytes]]:
    """Give the file, or stdin where none is named (``-`` names it, too).

    Raises:
        SettingError: the file cannot be read, or stdin is closed.
    """
    if file is None or str(file) == "-":
        if sys.stdin is None:
            raise SettingError(Code.STREAM_CLOSED, "stdin is closed: name a file by --file, or open stdin (`<FILE`)")
        if sys.stdin.isatty():
            stderr().print("reading lines from the terminal; Ctrl-D ends them", style="dim")
        yield sys.stdin.buffer
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise SettingError(Code.FILE_UNREADABLE, f"{file} cannot be read: {error.strerror}") from error
    with stream:
        yield stream


def numbered_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines and their numbers (from 1), without line ends, blank ones left out."""
    for number, line in enumerate(stream, 1):
        if content := _cleaned(number, line):
            yield number, content


async def lines_as_they_come(stream: IO[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """``numbered_lines``, each as soon as it is there, while the loop does other work."""
    number = 0
    rest = b""
    async for chunk in _chunks(stream.fileno()):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            if content := _cleaned(number, line):
                yield number, content
    if content := _cleaned(number + 1, rest):
        yield number + 1, content


def _cleaned(number: int, line: bytes) -> bytes:
    """Return a line without its end and, if it is the first, without a byte order mark; empty if it is blank."""
    content = line.rstrip(b"\r\n")
    if number == 1:
        content = content.removeprefix(BYTE_ORDER_MARK)
    return content if content.strip() else b""


async def _chunks(descriptor: int) -> AsyncIterator[bytes]:
    """Yield the content of a file, pipe or terminal as it comes.

    A thread reads, since the loop has events to deliver while a person types. It reads from the descriptor, past
    Python's buffer and its lock, and is a daemon: so an interrupt ends the command although the thread still waits.
    """
    loop = asyncio.get_running_loop()

    def read(chunk: asyncio.Future[bytes]) -> None:
        try:
            loop.call_soon_threadsafe(chunk.set_result, os.read(descriptor, CHUNK_BYTES))
        except OSError as error:
            loop.call_soon_threadsafe(chunk.set_exception, error)

    while True:
        chunk: asyncio.Future[bytes] = loop.create_future()
        Thread(target=read, args=(chunk,), daemon=True).start()
        if not (content := await chunk):
            return
        yield content
