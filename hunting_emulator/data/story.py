"""One attack, told across the tables.

Pure, but for reading the package's file of the attack. A phish, a click, a foothold, stolen
passwords, a server, the mailbox and the alerts: a handful of rows for a hunter's queries to find.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

BEGINS_BEFORE_ANCHOR: Final = timedelta(days=2, hours=1)

_FILE: Final = Path(__file__).parents[1] / "catalog" / "attack.json"
_BETWEEN: Final = timedelta(seconds=6)
_NUMBER: Final = "{n}"


def story(anchor: datetime) -> Mapping[str, list[Mapping[str, object]]]:
    """Return the rows of the attack by table; the attack begins two days before the anchor.

    >>> from datetime import UTC
    >>> sorted(story(datetime(2026, 3, 1, tzinfo=UTC)))[0]
    'AlertEvidence'
    """
    start = anchor.replace(minute=12, second=7, microsecond=0) - BEGINS_BEFORE_ANCHOR
    told: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    for event in json.loads(_FILE.read_text("utf-8")):
        first = start + timedelta(seconds=event["after_seconds"])
        rows = told[event["table"]]
        for number in range(event.get("times", 1)):
            moment = first + number * _BETWEEN
            fraction = f"{4_711_000 + len(rows):07}"
            row = {name: _numbered(value, number) for name, value in event["row"].items()}
            rows.append({"Timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z", **row})
    return told


def _numbered(value: object, number: int) -> object:
    return value.replace(_NUMBER, f"{number:02}") if isinstance(value, str) else value
