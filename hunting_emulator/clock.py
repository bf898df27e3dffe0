"""The one clock of the emulator, for tokens, quotas, retention and `now()`."""

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time until a test sets the clock; from then on the time that the test says.

    >>> clock = Clock()
    >>> clock.set(datetime(2026, 3, 1, tzinfo=UTC))
    >>> clock.advance(timedelta(hours=1))
    >>> clock.now()
    datetime.datetime(2026, 3, 1, 1, 0, tzinfo=datetime.timezone.utc)
    """

    def __init__(self) -> None:
        self._set_to: datetime | None = None
        self._ahead = timedelta(0)
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._closed = False

    def now(self) -> datetime:
        """Return the emulator's time, in UTC."""
        with self._lock:
            return self._set_to or datetime.now(UTC) + self._ahead

    def set(self, moment: datetime) -> None:
        """Stand still at a moment; without a zone the moment is in UTC."""
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        with self._lock:
            self._set_to = aware.astimezone(UTC)

    def advance(self, span: timedelta) -> None:
        """Move on; a wall clock goes on ticking from there."""
        with self._lock:
            if self._set_to is None:
                self._ahead += span
            else:
                self._set_to += span

    def reset(self) -> None:
        """Go back to wall time, and end every wait."""
        with self._lock:
            self._set_to, self._ahead = None, timedelta(0)
            self._woken.set()
            if not self._closed:
                self._woken = threading.Event()

    def real(self) -> datetime:
        """Return real time: clients sign by real time, however the clock is set."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait in real time: latency on the wire is the client's to feel, whatever the date."""
        with self._lock:
            woken = self._woken
        woken.wait(seconds)

    def seconds(self) -> float:
        """Return a running count of real seconds, to measure with."""
        return time.perf_counter()

    def close(self) -> None:
        """End every wait, now and from now on."""
        with self._lock:
            self._closed = True
            self._woken.set()
