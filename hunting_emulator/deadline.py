"""The moment by which a call has its answer, and the interruption of Python past the moment.

A long text costs the translator seconds in pure Python, out of reach of a library's time-out. The
interpreter raises an exception in the thread of the call, as for Ctrl-C in the main thread.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

_AGAIN: Final = 0.05  # seconds until a held interruption is tried again
# seconds until an interruption comes again: a destructor, or a callback of the collector, that was
# running at its time has swallowed the one before
_SWALLOWED: Final = 1.0
_STEPS: Final = 100  # more than Python takes to the next look at what interrupts it
T = TypeVar("T")
_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Interruption(BaseException):
    """Raised in the middle of Python past its deadline, and past every `except Exception`."""


class Deadline:
    """A moment of the monotonic clock, so many seconds from now; none without seconds.

    Belongs to one thread.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._watch: _Watch | None = None

    @property
    def left(self) -> float | None:
        """The seconds until the moment, 0 past the moment, `None` without end."""
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def check(self) -> None:
        """Raise TimeoutError past the moment."""
        if self.left == 0:
            raise TimeoutError

    def kept(self, work: Callable[[], T]) -> T:
        """Do some work in this thread, and interrupt the work past the moment.

        Raises:
            TimeoutError: the moment came.
        """
        left = self.left
        if left is None:
            return work()
        self._watch = watch = _Watch(threading.get_ident())
        waiting = threading.Thread(target=watch.run, args=(left,), daemon=True)
        try:  # an interruption may come in the first line inside, and as late as in the last
            try:
                waiting.start()
                return work()
            finally:
                self._watch = None
                watch.end()
        except Interruption as error:
            watch.end()
            raise TimeoutError from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let work with a limit of its own run to its end: locks, DuckDB, another engine."""
        watch = self._watch
        if watch is None:
            yield
            return
        watch.hold(held=True)
        try:
            yield
        finally:
            watch.hold(held=False)


class _Watch:
    """Interrupts a thread at a time open to interruptions, and again while the work goes on."""

    def __init__(self, thread: int) -> None:
        self._thread = ctypes.c_ulong(thread)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._held = False
        self._sent = False

    def run(self, seconds: float) -> None:
        """Wait so long, then interrupt, unless the work is over by then."""
        wait = seconds
        while not self._over.wait(wait):
            wait = _AGAIN
            with self._lock:
                if not self._held and not self._over.is_set():
                    self._send()
                    wait = _SWALLOWED

    def hold(self, *, held: bool) -> None:
        with self._lock:
            self._held = held

    def end(self) -> None:
        """Let the thread be, which calls this; an interruption on its way arrives in here.

        To take one back would leave CPython 3.11 with a word of an interruption that never comes:
        from then on a function that is traced or profiled does not get past its first instruction.
        """
        with self._lock:
            self._over.set()
        while self._sent:
            try:
                self._send()  # in place of the one on its way, if there is one
                for _ in range(_STEPS):
                    pass
            except Interruption:
                self._sent = False

    def _send(self) -> None:
        self._sent = True
        _raise_in(self._thread, ctypes.py_object(Interruption))
