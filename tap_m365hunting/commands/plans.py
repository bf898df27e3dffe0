"""Counts what the next run would read, and plays the run through with the counts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.commands import counting
from tap_m365hunting.commands.inquiry import Inquiry
from tap_m365hunting.commands.rehearsal import Rehearsal, minutes, rehearse
from tap_m365hunting.configuration.config import HuntingQuery, Rations, Settings
from tap_m365hunting.errors import AuthenticationError, FatalSyncError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.bookmarks import WINDOW_END, Bookmark
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.parts import TablePlanner
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.reader import Call
from tap_m365hunting.streams import timing_of

#: The most bars that a histogram has.
BARS: Final = 60
# A run asks for the columns first, unless a catalog tells them.
_PROBE: Final = 1


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What the next run would do for one stream; `error` is why that cannot be told.

    Calls include the one that asks for the columns. `bins` are the rows over time, in bins of one
    width but for the outer ones.
    """

    name: str
    tenant_id: str
    rows: int = 0
    calls: int = _PROBE
    minutes: float = 0.0
    windows: tuple[tuple[TimeWindow, int], ...] = ()
    bins: tuple[tuple[TimeWindow, int], ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the entry of `streams`; `error` only if there is one."""
        return {
            "name": self.name,
            "tenant_id": self.tenant_id,
            "rows": self.rows,
            "calls": self.calls,
            "minutes": round(self.minutes, 2),
            "windows": [
                {"start": str(window.start), "end": str(window.end), "rows": rows}
                for window, rows in self.windows
            ],
            "bins": [{"start": str(bin_.start), "rows": rows} for bin_, rows in self.bins],
            **({"error": self.error} if self.error else {}),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next run would do; its calls share the tenant's quotas, so minutes do not add up."""

    streams: tuple[StreamPlan, ...]
    minutes: float

    @classmethod
    def of(cls, streams: Iterable[StreamPlan], rations: Rations) -> Self:
        """Sum up the streams of a tenant."""
        planned = tuple(streams)
        return cls(planned, minutes(sum(stream.calls for stream in planned), rations))

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(stream.calls for stream in self.streams)

    @property
    def ok(self) -> bool:
        """Whether every stream could be planned."""
        return not any(stream.error for stream in self.streams)

    def to_json(self) -> dict[str, object]:
        """Return the plan for programs."""
        return {
            "calls": self.calls,
            "minutes": round(self.minutes, 2),
            "streams": [stream.to_json() for stream in self.streams],
        }


class Forecaster:
    """Plans one tenant's streams; each costs a probe and as a rule one count.

    `state` is the state that the run would start from.
    """

    def __init__(
        self, settings: Settings, call: Call, *, state: Mapping[str, Any], now: Instant
    ) -> None:
        self._settings = settings
        self._reading = settings.reading
        self._call = call
        self._bookmarks = state.get("bookmarks") or {}
        self._now = now

    def stream(self, query: HuntingQuery) -> StreamPlan:
        """Plan a query.

        Raises:
            AuthenticationError: the service takes no call; it holds for every query.
        """
        tenant = self._settings.connection.tenant_id
        try:
            inquiry = _fit(Inquiry.of(query, self._reading, self._call))
            if inquiry.verdict.mode is Mode.FULL_TABLE:
                return self._whole(inquiry, tenant)
            return self._windowed(inquiry, tenant)
        except AuthenticationError:
            raise
        except SingerSDKError as error:
            return StreamPlan(query.name, tenant, error=str(error))

    def _whole(self, inquiry: Inquiry, tenant: str) -> StreamPlan:
        rows = counting.total(inquiry.hunt, None, self._call)
        cap = self._reading.row_cap
        table = counting.even(TimeWindow.at(self._now), rows)
        played = rehearse(TablePlanner(row_cap=cap), table, row_cap=cap)
        return self._planned(inquiry, tenant, rows, played, ())

    def _windowed(self, inquiry: Inquiry, tenant: str) -> StreamPlan:
        windows = tuple(self._spans(inquiry))
        counted = [self._counted(inquiry, window) for window in windows]
        played = [
            rehearse(
                Planner(window, row_cap=self._reading.row_cap, step=inquiry.hunt.step),
                rows,
                row_cap=self._reading.row_cap,
            )
            for window, rows in zip(windows, counted, strict=True)
        ]
        run = Rehearsal(
            tuple(done for part in played for done in part.windows),
            sum(part.calls for part in played),
        )
        rows = sum(density.total for density in counted)
        # the last span is the run's own; those before it are holes of earlier runs
        over_time = bool(counted) and inquiry.verdict.mode is Mode.INCREMENTAL
        bins = tuple(counting.rebinned(counted[-1], most=BARS)) if over_time else ()
        return self._planned(inquiry, tenant, rows, run, bins)

    def _spans(self, inquiry: Inquiry) -> Iterator[TimeWindow]:
        verdict, reading = inquiry.verdict, self._reading
        bookmark = self._bookmark(inquiry)
        if reading.end is None:
            alive, _ = bookmark.within(reading.retention, now=self._now)
            yield from (hole.window for hole in alive.holes)
        timing = timing_of(inquiry.query, reading, verdict.mode)
        span = timing.span(now=self._now, bookmark=bookmark.value)
        if span.window and (window := inquiry.hunt.whole_steps(span.window)):
            yield window

    def _bookmark(self, inquiry: Inquiry) -> Bookmark:
        cursor = inquiry.verdict.cursor
        key = inquiry.shape.names[cursor] if cursor else WINDOW_END
        try:
            return Bookmark.read(self._bookmarks.get(inquiry.query.name) or {}, key)
        except (AttributeError, KeyError, ValueError) as error:
            msg = f"The state of the stream cannot be read: {error}; mend it or remove it"
            raise FatalSyncError(msg) from error

    def _counted(self, inquiry: Inquiry, window: TimeWindow) -> Density:
        if inquiry.verdict.mode is Mode.WINDOWED:
            return counting.even(window, counting.total(inquiry.hunt, window, self._call))
        cap = self._reading.row_cap
        return counting.density(inquiry.hunt, window, self._call, row_cap=cap)

    def _planned(
        self,
        inquiry: Inquiry,
        tenant: str,
        rows: int,
        played: Rehearsal,
        bins: tuple[tuple[TimeWindow, int], ...],
    ) -> StreamPlan:
        calls = _PROBE + played.calls
        return StreamPlan(
            name=inquiry.query.name,
            tenant_id=tenant,
            rows=rows,
            calls=calls,
            minutes=minutes(calls, self._settings.rations),
            windows=tuple((done.window, done.rows) for done in played.windows),
            bins=bins,
        )


def _fit(inquiry: Inquiry) -> Inquiry:
    """Return the query if it may run.

    Raises:
        FatalSyncError: it may not.
    """
    wrong = [remark.message for remark in inquiry.remarks if remark.severity == "error"]
    if wrong:
        raise FatalSyncError("; ".join(wrong))
    return inquiry
