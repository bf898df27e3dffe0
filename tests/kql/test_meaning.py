"""A fit query, read window by window as time goes on, gives what one reading at the end gives."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunting_emulator.engine import Engine
from hunting_emulator.tables import Table
from tap_m365hunting import kql
from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.windows import HashPart, TimeWindow

START = Instant.parse("2026-01-01")
CUTS = [START + timedelta(hours=hours) for hours in (0, 7, 31, 72)]
WINDOWS = [TimeWindow(*ends) for ends in pairwise(CUTS)]
WHOLE = TimeWindow(CUTS[0], CUTS[-1])

FIT = [
    "where n > 20",
    "where name in ('a', 'b') and n % 2 == 0",
    "where name in ((Owners | take 2 | project name))",
    "extend twice = n * 2",
    "project Timestamp, name, n",
    "extend spare = 1 | project-away spare",
    "distinct Timestamp, name, n",
    "order by n desc",
    "mv-expand tag = parse_json('[1, 2]')",
    "join kind=inner (Owners) on name",
    "join kind=leftouter (Owners | summarize owners = count() by name) on name",
    "join kind=leftsemi Owners on name",
    "join kind=leftanti (Owners | where owner == 'Ann') on name",
    "lookup (Owners | distinct name) on name",
    "union (Events | where n < 10 | project Timestamp, name, n)",
    "parse name with * 'b' tail",
]
UNFIT = [
    "take 5",
    "limit 5",
    "sample 5",
    "summarize Timestamp = max(Timestamp), rows = count() by name",
    "order by Timestamp desc | extend before = prev(n)",
    "order by Timestamp asc | extend after = next(n)",
    "join kind=fullouter (Events | where n > 50) on name",
    "union (Events | take 3)",
    "top 5 by n",
    "summarize arg_max(Timestamp, *) by name",
    "summarize n = sum(n) by bin(Timestamp, 1d), name",
    "order by Timestamp desc | serialize place = row_number() | where place <= 5",
    "join kind=rightouter (Events | where n > 50) on name",
]
UNFIT_TEXTS = [
    "let r = () { row_number() }; Events | order by Timestamp desc | extend i = r() | where i < 6",
    "let few = Events | top 5 by n; ['few']",
    "let ['my few'] = Events | top 5 by n; ['my few']",
    "let 5few = Events | top 5 by n; 5few",
    "let few = Events | top 5 by n; union ['few'], (Events | where n < 3)",
    (
        "Events | join kind=inner (States | summarize arg_max(Timestamp, state) by name) on name"
        " | project Timestamp = Timestamp1, name, state"
    ),
    (
        "Events | join kind=inner (States | top 5 by state) on name"
        " | project Timestamp = Timestamp1, name, state"
    ),
    (
        "Events | join kind=inner (States | top 5 by state) on name"
        " | extend Seen = Timestamp1 | project-away Timestamp | project-rename Timestamp = Seen"
    ),
    (
        "Events | lookup kind=inner (States | summarize Last = max(Timestamp) by name) on name"
        " | project Timestamp = Last, name, n"
    ),
    "Owners | project name | join kind=inner (Events | top 5 by n) on name",
    (
        "Owners | project name | join kind=inner (Events | top 5 by n) on name"
        " | extend Timestamp = Timestamp + 0s"
    ),
]
WITHOUT_CURSOR = [
    "union Events, DeviceTvmSoftwareInventory",
    "union Events, DeviceTvm*",
    "union Events, (Owners | project name)",
    "union Events, (Owners | project name) | extend Timestamp = bin(Timestamp, 1s)",
    (
        "Owners | join kind=leftouter (Events | where name == 'a' | project name, Seen = Timestamp)"
        " on name | project Timestamp = Seen, name"
    ),
]


EVENTS = Table.of(
    "Events", {"Timestamp": "datetime", "name": "string", "n": "long", "spare": "string"}
)
STATES = Table.of("States", {"Timestamp": "datetime", "name": "string", "state": "string"})
TIMELESS = Table.of("DeviceTvmSoftwareInventory", {"name": "string"})
OWNERS = Table.of("Owners", {"name": "string", "owner": "string"})


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Three days of events that become visible as they happen, and who owns what."""
    made = Engine(tables=(EVENTS, STATES, OWNERS, TIMELESS))
    times = [str(START + timedelta(minutes=70 * i)) for i in range(60)]
    events = [{"Timestamp": t, "name": "abcde"[i * 7 % 5], "n": i} for i, t in enumerate(times)]
    made.load("Events", reversed(events))
    states = [
        {"Timestamp": t, "name": "abcde"[i % 5], "state": str(i)} for i, t in enumerate(times)
    ]
    made.load("States", states)
    made.load("DeviceTvmSoftwareInventory", [{"name": "a"}])
    owners = (("a", "Ann"), ("b", "Bob"), ("b", "Ann"), ("x", "Di"))
    made.load("Owners", [{"name": name, "owner": owner} for name, owner in owners])
    return made


def rows(engine: Engine, query: kql.Query, window: TimeWindow) -> Counter[str]:
    """Return the rows of the window, as they are when it ends."""
    sent = kql.window(query, "Timestamp", window)
    return Counter(map(repr, engine.run(sent, now=str(window.end)).rows()))


def window_by_window(engine: Engine, query: kql.Query) -> Counter[str]:
    """Return the rows that runs at the end of each window bring together."""
    found = Counter[str]()
    for window in WINDOWS:
        found += rows(engine, query, window)
    return found


@settings(max_examples=25, deadline=None)
@given(stages=st.lists(st.sampled_from(FIT), max_size=3, unique=True), bound=st.booleans())
def test_windows_of_a_fit_query_add_up(engine: Engine, stages: list[str], *, bound: bool) -> None:
    """No row is missing, none is there twice, and none has become another since."""
    pipeline = " | ".join(["Events", *stages])
    query = kql.read(f"let all = {pipeline}; all" if bound else pipeline)

    assert kql.assess(query).ok
    assert window_by_window(engine, query) == rows(engine, query, WHOLE)


@pytest.mark.parametrize("text", [*(f"Events | {stage}" for stage in UNFIT), *UNFIT_TEXTS])
def test_each_refusal_is_deserved(engine: Engine, text: str) -> None:
    """What is refused would indeed give another answer window by window."""
    query = kql.read(text)

    assert not kql.assess(query).ok
    assert window_by_window(engine, query) != rows(engine, query, WHOLE)


@pytest.mark.parametrize("text", WITHOUT_CURSOR)
def test_rows_without_a_cursor_would_never_be_read(engine: Engine, text: str) -> None:
    """They are in the whole, and in no window of it."""
    query = kql.read(text)
    whole = engine.run(kql.whole(query), now=str(WHOLE.end)).rows()

    assert not kql.assess(query).ok
    assert rows(engine, query, WHOLE).total() < len(list(whole))


@pytest.mark.parametrize(
    "text",
    [
        "union Events, (States | extend Timestamp = bin(Timestamp, 1d))",
        "union (States | extend Timestamp = bin(Timestamp, 1d)), Events",
        "Events | union (States | extend Timestamp = startofday(Timestamp))",
    ],
)
def test_windows_of_a_cursor_that_one_branch_rounds_add_up(engine: Engine, text: str) -> None:
    """They are whole bins of that branch; other windows would miss the rest of a bin."""
    query = kql.read(text)
    verdict = kql.assess(query)
    width = verdict.bin or timedelta()
    found = Counter[str]()
    for day in range(3):
        start = START + day * timedelta(days=1)
        found += rows(engine, query, TimeWindow(start, start + width))

    assert [problem.severity for problem in verdict.problems] == ["warning"]
    assert window_by_window(engine, query) != rows(engine, query, WHOLE)
    assert found == rows(engine, query, WHOLE)


def answers(engine: Engine, query: kql.Query, windows: list[TimeWindow]) -> Counter[str]:
    """Return the rows of a query that bounds itself, read at the end of each window."""
    found = Counter[str]()
    for window in windows:
        found += Counter(
            map(repr, engine.run(kql.windowed(query, window), now=str(window.end)).rows())
        )
    return found


BOUNDED = "Events | where Timestamp >= window_start and Timestamp < window_end"


@pytest.mark.parametrize(
    "stages",
    [
        "summarize n = sum(n) by bin(Timestamp, 1d), name",
        "summarize n = sum(n) by bin(Timestamp, timespan(1.00:00:00)), name",
        "summarize n = sum(n) by Day = bin(Timestamp, time(24:00:00)), name",
        "summarize n = sum(n) by Day = (bin(Timestamp, 1d)), name",
        "summarize n = sum(n) by Day = tostring(bin(Timestamp, 1d)), name",
        "summarize n = sum(n) by format_datetime(startofday(Timestamp), 'dd'), name",
        "summarize n = sum(n) by Day = day_of(Timestamp), name",
        "extend Day = bin(Timestamp, 1d) | summarize n = sum(n) by Day = tostring(Day)",
        "summarize n = sum(n) by Day = bin(Timestamp, 1d) | project-away Day",
        "distinct Day = bin(Timestamp, 1d), name",
    ],
)
def test_windows_of_whole_bins_add_up(engine: Engine, stages: str) -> None:
    """An aggregate that bounds itself is exact where windows start and end at whole bins."""
    query = kql.read(f"let day_of = (t: datetime) {{ bin(t, 1d) }}; {BOUNDED} | {stages}")
    days = [START + timedelta(days=day) for day in range(4)]
    windows = [TimeWindow(*ends) for ends in pairwise(days)]

    verdict = kql.assess(query)

    assert (verdict.bin, verdict.problems) == (timedelta(days=1), ())
    assert answers(engine, query, windows) == answers(engine, query, [WHOLE])
    assert answers(engine, query, WINDOWS) != answers(engine, query, [WHOLE])


@pytest.mark.parametrize(
    "by",
    [
        "startofweek(Timestamp)",
        "Month = startofmonth(Timestamp)",
        "Day = format_datetime(Timestamp, 'yyyy-MM-dd')",
    ],
)
def test_groups_that_windows_may_cut_are_warned_of(engine: Engine, by: str) -> None:
    """Nothing says where a window may end, so a group comes out in parts."""
    query = kql.read(f"{BOUNDED} | summarize n = sum(n) by {by}")

    verdict = kql.assess(query)

    assert verdict.ok
    assert [problem.operator for problem in verdict.problems] == ["summarize"]
    assert answers(engine, query, WINDOWS) != answers(engine, query, [WHOLE])


@given(st.integers(1, 7))
@settings(max_examples=4, deadline=None)
def test_hash_parts_of_a_window_add_up(engine: Engine, count: int) -> None:
    """Each row is in exactly one part, however many there are."""
    query = kql.read("Events | where n > 3")
    now = str(WHOLE.end)

    parts = Counter[str]()
    for index in range(count):
        sent = kql.window(query, "Timestamp", WHOLE, HashPart(index, count))
        parts += Counter(map(repr, engine.run(sent, now=now).rows()))

    assert parts == rows(engine, query, WHOLE)
    (total,) = engine.run(kql.total(query, "Timestamp", WHOLE), now=now).rows()
    assert parts.total() == total[0]
