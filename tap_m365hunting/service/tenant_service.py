"""The hunting service of one tenant: a query in, its answer out."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Self

from tap_m365hunting.auth import token_source
from tap_m365hunting.configuration.config import Connection, Rations
from tap_m365hunting.instants import Instant
from tap_m365hunting.service.client import Client, Errand
from tap_m365hunting.wire.answer import Answer, read_answer
from tap_m365hunting.wire.dialects import Dialect


class HuntingService:
    """What a stream sees of the service; `clock` tells seconds since the epoch."""

    def __init__(self, client: Client, dialect: Dialect, clock: Callable[[], float]) -> None:
        self._client = client
        self._read = partial(read_answer, dialect=dialect)
        self._clock = clock

    @classmethod
    def connect(
        cls,
        place: Connection,
        rations: Rations,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> Self:
        """Reach a tenant; nothing is sent before the first query."""
        tokens = token_source(place, clock=clock, sleep=sleep)
        client = Client(place, rations, tokens, clock=clock, sleep=sleep)
        return cls(client, place.dialect, clock)

    def run(self, text: str, errand: Errand | None = None) -> Answer:
        """Spend a call; errors are those of `Client.run`, and the caller closes the answer."""
        return self._client.run(text, read=self._read, errand=errand)

    def calls_left(self) -> int:
        """Return how many calls the tenant's quotas allow at once."""
        return self._client.calls_left()

    def now(self) -> Instant:
        """Return the time."""
        return Instant.of(datetime.fromtimestamp(self._clock(), tz=UTC))
