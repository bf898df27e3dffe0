"""Work on a background thread; no process waits for the thread at exit."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Future[T]:
    """Begin the work on a thread of its own; the future holds the result, or the error.

    The pools of the standard library let a process wait at exit for all their work, and an answer
    may take a quarter of an hour.
    """
    result = Future[T]()
    Thread(target=_do, args=(work, result), daemon=True).start()
    return result


def _do(work: Callable[[], T], result: Future[T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised where the result is wanted
        result.set_exception(error)
