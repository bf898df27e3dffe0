"""The kinds of streams that scenarios live: their text, how late rows come, what may change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.soak.plain_service import COLUMNS, Event, PlainService, Row
from tests.soak.texts import HOUR, MINUTE, SETTLE, TEXTS

_WIDE: Final = {"lookback_minutes": 200}


@dataclass(frozen=True)
class Kind:
    """One kind of stream.

    A row is there at most `reach` after its time, and its match in another table at most `match`.
    `sums` names the column that a step's sums have their step in.
    """

    text: str
    reach: int = SETTLE
    match: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    plain: bool = False
    sums: str = ""

    @property
    def windowed(self) -> bool:
        """Whether the query bounds itself."""
        return "window_start" in self.text


KINDS: Final = {
    "rows": Kind("T", plain=True),
    "crowd": Kind("T", plain=True),
    "late": Kind("T", reach=55 * MINUTE, plain=True),
    "inner": Kind(TEXTS["inner"], reach=3 * HOUR, settings=_WIDE, plain=True),
    "outer": Kind(
        TEXTS["outer"], match=3 * HOUR, settings={**_WIDE, "primary_keys": ["Number"]}, plain=True
    ),
    "own": Kind(TEXTS["own"], plain=True),
    "bins": Kind(TEXTS["bins"], sums="Hour"),
    "groups": Kind(TEXTS["groups"], sums="window_start"),
    "table": Kind(TEXTS["table"]),
}

#: How the columns of a table may change between two runs.
CHANGES: Final = ("double", "dynamic", "column", "order")


class Drift:
    """Changes the columns of a service's table as time goes on; its rows stay what they are."""

    def __init__(self, draw: Random) -> None:
        self._coming = draw.sample(CHANGES, draw.randrange(1, len(CHANGES) + 1))
        self._came = set[str]()

    def goes_on(self, service: PlainService) -> None:
        """Change one thing, for old rows as well."""
        if self._coming:
            self._came.add(self._coming.pop())
        self.applies(service)

    def applies(self, service: PlainService) -> None:
        """Have the service answer with the columns of this time."""
        columns = {**COLUMNS, "Bag": "Object" if "dynamic" in self._came else "String"}
        if "double" in self._came:
            columns["Number"] = "Double"
        if "column" in self._came:
            columns["Extra"] = "String"
        if "order" in self._came:
            columns = dict(reversed(columns.items()))
        service.columns, service.shown = columns, self._shown

    def _shown(self, event: Event) -> Row:
        row = event.cells()
        row["Bag"] = {"k": event.number % 3} if "dynamic" in self._came else (
            f'{{"k": {event.number % 3}}}'
        )  # fmt: skip
        if "double" in self._came:
            row["Number"] = float(event.number)
        if "column" in self._came:
            row["Extra"] = f"x{event.number}"
        return row


def matched(service: PlainService) -> None:
    """Have each row show when its match in another table came, once it has come."""

    def shown(event: Event) -> Row:
        return {**event.cells(), "Click": event.clicked if event.clicked <= service.now else None}

    service.columns, service.shown = {**COLUMNS, "Click": "DateTime"}, shown
