"""A hunting service that is a plain list of rows, answering the tap's requests in this process.

It shares nothing with the emulator, nor with the tap but the wire: texts of KQL in, JSON out.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from io import BytesIO
from random import Random
from threading import RLock
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import requests
from urllib3 import HTTPResponse

TICK: Final = 10_000_000  # ticks of 100 ns a second
_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BOUNDS: Final = re.compile(r"where \['(.+)'\] >= datetime\((\S+)\) and \S+ < datetime\((\S+)\)")
_PART: Final = re.compile(r"where hash\(tostring\(pack_all\(\)\), (\d+)\) == (\d+)")
_BINS: Final = re.compile(r"summarize __rows = count\(\) by __bin = bin\(\['(.+)'\], (\d+)(.)\)")
_LET: Final = re.compile(r"let (window_start|window_end) = datetime\((\S+)\);\n")
_NULLS: Final = re.compile(r"summarize __rows = countif\(isnull\(\['(.+?)'\]\)\)")
_ORDER: Final = re.compile(r"order by (?:\['(.+)'\]|(\w+)) asc")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Row = dict[str, Any]


def ticks(text: str) -> int:
    """Read an instant, as ticks since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = (datetime.fromisoformat(f"{whole}+00:00") - _ZERO) // timedelta(seconds=1)
    return seconds * TICK + int(fraction.ljust(7, "0"))


def instant(at: int) -> str:
    """Write an instant, with all its digits."""
    seconds, rest = divmod(at, TICK)
    return f"{_ZERO + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:07}Z"


@dataclass(frozen=True)
class Event:
    """A row, when it is and when it can first be read, in ticks.

    `tenant` is whose it is, if there are several; `clicked` is when another table has its match.
    """

    number: int
    at: int
    arrives: int
    device: str
    tenant: str = ""
    clicked: int = 0

    def cells(self) -> Row:
        """Return the row's values."""
        return {"Timestamp": self.at, "Number": self.number, "Device": self.device}


COLUMNS: Final = {"Timestamp": "DateTime", "Number": "Int64", "Device": "String"}


class Refusal(Exception):  # noqa: N818 - what a service does
    """An answer that is not 200."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": "BadRequest", "message": message}}
        self.headers = dict(headers or {})


@dataclass
class PlainService:
    """Rows of one table `T`; `now` is its clock in ticks, `seconds_a_call` what each call takes.

    `columns` are the table's, and `shown` is what a row has in them. `made` says of a query's text
    what it makes of rows, if not the rows themselves. `fault` is told the kind of each call and may
    refuse it; `spoil` may change the rows of an answer.
    """

    now: int
    cap: int
    events: list[Event] = field(default_factory=list)
    retention: int = 30 * 86400 * TICK
    seconds_a_call: float = 0.0
    columns: Mapping[str, str] = field(default_factory=lambda: dict(COLUMNS))
    shown: Callable[[Event], Row] = Event.cells
    draw: Random = field(default_factory=Random)
    made: Mapping[str, Callable[[Sequence[Row]], tuple[dict[str, str], list[Row]]]] = field(
        default_factory=dict
    )
    fault: Callable[[str], None] = lambda _: None
    spoil: Callable[[str, list[Row]], list[Row]] = lambda _, rows: rows
    calls: Counter[str] = field(default_factory=Counter)
    _lock: Any = field(default_factory=RLock)

    def seconds(self) -> float:
        """Return the time in seconds since 1970."""
        return self.now / TICK

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.now += round(seconds * TICK)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer every request of this process."""

        def request(_: Any, __: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
            asked = SimpleNamespace(headers={})
            if options.get("auth"):
                asked = options["auth"](asked)
            return self._response(url, options.get("json"), asked.headers)

        # all that Requests does with the environment and the parts of a request is most of the cost
        with patch.object(requests.Session, "request", request):
            yield

    def _response(self, url: str, asked: Any, sent: Mapping[str, str]) -> requests.Response:  # noqa: ANN401 - JSON
        status, headers, body = 200, dict[str, str](), dict[str, Any]()
        with self._lock:
            if "openid-configuration" in url:
                body = _login(url)
            elif url.endswith("/token"):
                tenant = url.split("/")[3].lower()
                body = {"token_type": "Bearer", "expires_in": 86400, "access_token": tenant}
            else:
                tenant = sent["Authorization"].removeprefix("Bearer ")
                try:
                    body = self._answer(asked or {}, tenant)
                except Refusal as refused:
                    status, headers, body = refused.status, refused.headers, refused.body
            headers["Date"] = formatdate(self.now // TICK, usegmt=True)
        data = json.dumps(body).encode()
        response = requests.Response()
        response.status_code, response.url = status, url
        response.headers.update({"Content-Type": "application/json", **headers})
        response.raw = HTTPResponse(
            BytesIO(data), headers=response.headers, status=status, preload_content=False
        )
        return response

    def _answer(self, asked: Mapping[str, Any], tenant: str) -> dict[str, Any]:
        text = str(asked.get("Query"))
        self.now += round(self.seconds_a_call * TICK)
        bounds = {name: ticks(at) for name, at in _LET.findall(text)}
        text = _LET.sub("", text)
        base, stages = text.strip(), list[str]()
        if wrapped := re.fullmatch(r"let (\w+) = \(\n(.*)\n\);\n\1\n\| (.*)", text, re.DOTALL):
            base, stages = wrapped[2].strip(), wrapped[3].split("\n| ")
        kind = _kind(stages)
        self.calls[kind] += 1
        self.fault(kind)
        columns, rows = self._based(base, bounds, tenant)
        for stage in stages:
            columns, rows = _staged(stage, columns, rows)
        rows = self.spoil(kind, rows[: self.cap])
        return {
            "schema": [{"name": name, "type": of} for name, of in columns.items()],
            "results": [_cells(row, columns) for row in rows],
        }

    def _based(
        self, base: str, bounds: Mapping[str, int], tenant: str
    ) -> tuple[dict[str, str], list[Row]]:
        oldest = self.now - self.retention
        rows = [
            self.shown(e)
            for e in self.events
            if e.arrives <= self.now and e.at >= oldest and e.tenant in ("", tenant)
        ]
        self.draw.shuffle(rows)
        if bounds:
            rows = [
                r for r in rows if bounds["window_start"] <= r["Timestamp"] < bounds["window_end"]
            ]
        return self.made[base](rows) if base in self.made else (dict(self.columns), rows)


def _login(url: str) -> dict[str, str]:
    root = url.split("/v2.0/", maxsplit=1)[0]
    return {
        "issuer": f"{root}/v2.0",
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "token_endpoint": f"{root}/oauth2/v2.0/token",
    }


def _kind(stages: Sequence[str]) -> str:
    """Return what a call asks for: rows, a part of them, counts, a total or columns alone."""
    last = " ".join(stages)
    kinds = {"take 0": "probe", "by __bin": "count", "summarize": "total", "hash(": "part"}
    return next((kind for sign, kind in kinds.items() if sign in last), "rows")


def _staged(
    stage: str, columns: dict[str, str], rows: list[Row]
) -> tuple[dict[str, str], list[Row]]:
    """Apply one of the operators that the tap adds to a query."""
    if bounds := _BOUNDS.fullmatch(stage):
        name, low, high = bounds[1], ticks(bounds[2]), ticks(bounds[3])
        return columns, [row for row in rows if row[name] is not None and low <= row[name] < high]
    if part := _PART.fullmatch(stage):
        return columns, [row for row in rows if _hash(row) % int(part[1]) == int(part[2])]
    if ordered := _ORDER.fullmatch(stage):
        name = ordered[1] or ordered[2]
        return columns, sorted(rows, key=lambda row: row[name])
    return (columns, []) if stage == "take 0" else _summed(stage, rows)


def _summed(stage: str, rows: list[Row]) -> tuple[dict[str, str], list[Row]]:
    if bins := _BINS.fullmatch(stage):
        wide = int(bins[2]) * _UNITS[bins[3]] * TICK
        # bins are counted from the year 1, which is a whole number of days before 1970
        found = Counter((row[bins[1]] + _YEARS) // wide * wide - _YEARS for row in rows)
        made = [{"__bin": at, "__rows": n} for at, n in sorted(found.items())]
        return {"__bin": "DateTime", "__rows": "Int64"}, made
    if nulls := _NULLS.match(stage):
        times = [row[nulls[1]] for row in rows]
        return {"__rows": "Int64", "__oldest": "DateTime"}, [
            {"__rows": times.count(None), "__oldest": min(filter(None, times), default=None)}
        ]
    if not stage.startswith("summarize __rows = count()"):
        raise AssertionError(stage)
    total: Row = {"__rows": len(rows)}
    if "__checksum" in stage:
        total["__checksum"] = sum(_hash(row) % 4_294_967_296 for row in rows)
    return dict.fromkeys(total, "Int64"), [total]


_YEARS: Final = ((_ZERO - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)) * TICK


def _hash(row: Row) -> int:
    return zlib.crc32(json.dumps(row, sort_keys=True).encode())


def _cells(row: Row, columns: Mapping[str, str]) -> Row:
    return {
        name: instant(value) if columns[name] == "DateTime" and isinstance(value, int) else value
        for name, value in row.items()
        if name in columns
    }
