"""Reads the tap's lines on a thread of its own, so that loading does not block the pipe."""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from bulk_loader.errors import LoadError
from bulk_loader.slices import Item
from bulk_loader.sorting import COMMIT_BYTES, Sorter

if sys.platform == "linux":
    import fcntl

_BLOCK: Final = 1 << 18
# with slices of 64 MB: so much of the disk is taken before the tap has to wait
_MOST_WAITING: Final = 4
_PAUSE_SECONDS: Final = 2.0
Read = Callable[[int], bytes]


class Intake:
    """The lines of a tap, as items to load one after another."""

    def __init__(self, read: Read, folder: Path, *, commit_bytes: int = COMMIT_BYTES) -> None:
        self._read = read
        self._items = queue.Queue[Item | BaseException | None](_MOST_WAITING)
        self._sorter = Sorter(folder, self._items.put, commit_bytes=commit_bytes)
        self._sorting = threading.Lock()

    def items(self) -> Iterator[Item]:
        """Yield what to load, until the tap ends.

        Raises:
            LoadError: the input is broken; what came up to the last STATE was yielded before.
        """
        threading.Thread(target=self._run, name="intake", daemon=True).start()
        while (item := self._next()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _next(self) -> Item | BaseException | None:
        while True:
            with suppress(queue.Empty):
                return self._items.get(timeout=_PAUSE_SECONDS)
            # never waited for: whoever holds the lock may wait for room in the queue
            if self._sorting.acquire(blocking=False):
                self._sorter.settle()
                self._sorting.release()

    def _run(self) -> None:
        try:
            self._sort()
        except BaseException as error:  # noqa: BLE001 - raised again where items are taken
            self._items.put(error)
        else:
            self._items.put(None)

    def _sort(self) -> None:
        try:
            for block in blocks(self._read):
                with self._sorting:
                    self._sorter.add(block)
        except LoadError:
            self._sorter.fail()
            raise
        self._sorter.end()


def blocks(read: Read) -> Iterator[bytes]:
    """Yield whole lines, as many as there are at once.

    Raises:
        LoadError: the last line has no end.
    """
    parts: list[bytes] = []
    while block := read(_BLOCK):
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join((*parts, block[:end]))
            parts.clear()
        if end < len(block):
            parts.append(block[end:])
    if rest := b"".join(parts).strip():
        yield _ended(rest)


def _ended(line: bytes) -> bytes:
    """Return a last line that only lacks its newline."""
    if line.endswith(b"}"):
        return line + b"\n"
    msg = "The last line is cut: the tap did not end as it should"
    raise LoadError(msg)


def reader(descriptor: int) -> Read:
    """Return what reads from a file descriptor whatever is there."""
    if sys.platform == "linux":
        # a pipe holds a quarter of a block by itself; there may be another limit, or it is a file
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _BLOCK)

    def read(size: int) -> bytes:
        return os.read(descriptor, size)

    return read
