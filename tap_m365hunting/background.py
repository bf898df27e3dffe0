"""Work done on another thread, with which no process waits to end."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Future[T]:
    """Begin the work on a thread of its own; what it returns, or raises, is in the future.

    The pools of the standard library let a process wait at its end for all that they do, and an
    answer may take a quarter of an hour.
    """
    result = Future[T]()
    Thread(target=_do, args=(work, result), daemon=True).start()
    return result


def _do(work: Callable[[], T], result: Future[T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised where the result is wanted
        result.set_exception(error)
