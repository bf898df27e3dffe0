"""Run after run, killed anywhere: the target has every row, and the bookmark is never ahead."""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.spans import Hole, Timing, advanced, merged
from tap_m365hunting.planning.windows import Ask, CountAsk, ReadAsk, TimeWindow
from tests.core.simulated import SECOND, START, RefusedError, Row, Service, answer_of

LOOKBACK = timedelta(minutes=20)
SETTLE = timedelta(minutes=5)
LATEST = 25 * 60 * SECOND
TIMING = Timing(start_date=START, lookback=LOOKBACK, settle=SETTLE)


class KilledError(Exception):
    """The process ends here."""


@dataclass
class World:
    """Rows that arrive over time, a clock, a target keyed by id, and the state that was saved."""

    random: Random
    rows: list[tuple[int, Row]]  # arrival in ticks, row
    cap: int
    trouble: int
    now: int = START.ticks
    target: dict[int, int] = field(default_factory=dict)
    bookmark: Instant | None = None
    holes: tuple[Hole, ...] = ()

    def chance(self) -> bool:
        """Say if something goes wrong at this point."""
        return self.random.randrange(100) < self.trouble

    def arrived(self) -> list[Row]:
        """Return the rows that the service has now."""
        return sorted(row for arrival, row in self.rows if arrival <= self.now)

    def write(self, rows: list[Row]) -> None:
        """Write rows one by one; the process may be killed between any two."""
        for at, row_id in rows:
            self.target[row_id] = at
            if self.trouble and self.random.randrange(1_000) < self.trouble:
                raise KilledError

    def call(self, planner: Planner, ask: Ask) -> None:
        """Spend a call, which takes time; rows of the newest instant are held back."""
        self.now += self.random.randrange(90) * SECOND
        service = Service(self.arrived(), cap=self.cap)
        try:
            self.refuse()
            if isinstance(ask, CountAsk):
                planner.counted(ask, service.count(ask))
                return
            found = service.read(ask)
        except RefusedError as refused:
            planner.too_large(ask, str(refused), size=refused.size)
            return
        self.stream(planner, ask, found)

    def refuse(self) -> None:
        """Refuse some calls."""
        if self.chance():
            reason = "504 without a message"
            raise RefusedError(reason, size=self.random.random() < 0.5)

    def stream(self, planner: Planner, ask: ReadAsk, found: list[Row]) -> None:
        """Write what is whole while it comes, and the held rows once the planner lets go."""
        newest = found[-1][0] if found else 0
        self.write([row for row in found if row[0] < newest])
        until = planner.answered(ask, answer_of(found))
        if until.ticks > newest:
            self.write([row for row in found if row[0] == newest])

    def windows(self, planner: Planner) -> Iterator[Instant]:
        """Read a span, yielding each bookmark that may be saved."""
        while True:
            while ask := planner.next():
                self.call(planner, ask)
                for done in planner.drain():
                    yield done.window.end
            for done in planner.drain():
                yield done.window.end
            if planner.unreadable is None:
                return
            window = planner.unreadable.window
            assert window is not None
            self.holes = merged([*self.holes, Hole(window, planner.unreadable.reason)])
            planner.skip()

    def run(self, *, clock_error: int = 0) -> None:
        """Run the tap once, until it ends or is killed."""
        now = Instant(self.now - clock_error)
        span = TIMING.span(now=now, bookmark=self.bookmark)
        assert span.gap is None
        try:
            for hole in self.holes:
                self.retry(hole)
            if span.window is None:
                return
            for until in self.windows(Planner(span.window, row_cap=self.cap)):
                self.bookmark = advanced(self.bookmark, until)
                self.check(TimeWindow(span.window.start, until), arrived=now)
        except KilledError:
            return

    def retry(self, hole: Hole) -> None:
        """Read a hole again; only when that is through does it leave the state."""
        others = tuple(other for other in self.holes if other != hole)
        planner, left = Planner(hole.window, row_cap=self.cap), list[Hole]()
        while True:
            while ask := planner.next():
                self.call(planner, ask)
            list(planner.drain())
            if planner.unreadable is None:
                break
            assert planner.unreadable.window is not None
            left.append(Hole(planner.unreadable.window, "504", hole.attempts + 1))
            planner.skip()
        self.holes = merged([*others, *left])

    def check(self, complete: TimeWindow, *, arrived: Instant) -> None:
        """Check that what is called complete is in the target, as far as it had arrived."""
        for arrival, (at, row_id) in self.rows:
            if arrival <= arrived.ticks and complete.start.ticks <= at < complete.end.ticks:
                assert row_id in self.target or self.in_hole(at)

    def in_hole(self, at: int) -> bool:
        """Say if a cursor lies in a hole."""
        return any(Instant(at) in hole.window for hole in self.holes)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw some hours of rows, some late, in bursts and alone."""
    random = Random(draw(st.integers(0, 2**32)))
    rows, row_id = list[tuple[int, Row]](), 0
    for _ in range(draw(st.integers(1, 6))):
        start = START.ticks + random.randrange(3 * 3_600 * SECOND)
        width = random.choice([1, 3, SECOND, 600 * SECOND])
        for _ in range(draw(st.integers(1, 40))):
            at = start + random.randrange(width)
            late = random.randrange(LATEST) if random.random() < 0.2 else 0
            insort(rows, (at + late, (at, row_id)))
            row_id += 1
    return World(random, rows, draw(st.integers(5, 40)), draw(st.sampled_from([0, 3, 10, 40])))


@settings(max_examples=1_200)
@given(world=worlds(), runs=st.integers(1, 8), back=st.sampled_from([0, 0, 60, 7_200]))
def test_whatever_happens_the_target_has_every_row(world: World, runs: int, back: int) -> None:
    """Late rows, refusals, kills between any two rows, clock steps back: lost 0, twice 0."""
    for run in range(runs):
        world.now += world.random.randrange(3_600) * SECOND
        world.run(clock_error=back * SECOND if run % 2 else 0)
    world.trouble = 0
    world.now += 5 * 3_600 * SECOND

    world.run()

    assert world.target == {row_id: at for _, (at, row_id) in world.rows}
    assert world.holes == ()


def test_a_killed_backfill_goes_on_where_it_was() -> None:
    """What was saved is not read again but for the lookback."""
    rows = [(START.ticks, (START.ticks + at * 60 * SECOND, at)) for at in range(300)]
    world = World(Random(1), rows, cap=50, trouble=0, now=START.ticks + 86_400 * SECOND)
    span = TIMING.span(now=Instant(world.now), bookmark=None).window
    assert span is not None
    windows = world.windows(Planner(span, row_cap=50))

    world.bookmark = next(windows)

    again = TIMING.span(now=span.end + SETTLE, bookmark=world.bookmark).window
    assert world.bookmark == START + timedelta(minutes=49)
    assert again == TimeWindow(world.bookmark - LOOKBACK, span.end)
