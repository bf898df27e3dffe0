"""The hunting service of one tenant: a query in, its answer out."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from tap_m365hunting.client import Client, Effort
from tap_m365hunting.instants import Instant
from tap_m365hunting.wire.dialects import Dialect
from tap_m365hunting.wire.records import Answer, read_answer


class HuntingService:
    """What a stream sees of the service; `clock` tells seconds since the epoch."""

    def __init__(self, client: Client, dialect: Dialect, clock: Callable[[], float]) -> None:
        self._client = client
        self._read = partial(read_answer, dialect=dialect)
        self._clock = clock

    def run(self, text: str) -> Answer:
        """Spend a call; errors are those of `Client.run`, and the caller closes the answer."""
        return self._client.run(text, read=self._read)

    def now(self) -> Instant:
        """Return the time."""
        return Instant.of(datetime.fromtimestamp(self._clock(), tz=UTC))

    def effort(self) -> Effort:
        """Return what calls have cost besides themselves."""
        return self._client.effort
