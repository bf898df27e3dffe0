"""Quotas, caps and retention bite as the service's do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunting_emulator.limits import CYCLE, CallsSpent, CpuSpent, Usage, next_cycle
from hunting_emulator.settings import Limits
from tests.emulator.conftest import Client, same_but_ids
from tests.samples import sample

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

gaps = st.lists(st.integers(0, 30_000).map(lambda ms: timedelta(milliseconds=ms)), max_size=60)


@given(gaps, st.integers(1, 5), st.integers(1, 8))
def test_no_period_holds_more_calls_than_its_quota(
    waits: list[timedelta], minutely: int, hourly: int
) -> None:
    """However calls are spaced, any moving minute or hour has at most its quota of accepted ones.

    And a call that would fit is accepted.
    """
    usage, now, accepted = Usage(), NOON, list[datetime]()
    limits = Limits(calls_per_minute=minutely, calls_per_hour=hourly)

    for wait in waits:
        now += 10 * wait
        minute, hour = (
            sum(now - at < period for at in accepted)
            for period in (timedelta(minutes=1), timedelta(hours=1))
        )
        fits = minute < minutely and hour < hourly
        assert (usage.refusal(now, limits) is None) == fits
        accepted += [now] * fits


@given(gaps, st.integers(1, 5))
def test_after_the_wait_a_call_is_taken_and_not_before(waits: list[timedelta], quota: int) -> None:
    """The wait that a refusal names is exact."""
    usage, now = Usage(), NOON
    limits = Limits(calls_per_minute=quota, calls_per_hour=None)
    for wait in waits:
        now += wait
        refusal = usage.refusal(now, limits)
        if refusal is not None:
            assert usage.refusal(now + refusal.wait - timedelta(microseconds=1), limits) is not None
            now += refusal.wait
            assert usage.refusal(now, limits) is None


def test_a_quota_of_nothing_refuses_the_first_call() -> None:
    """A tenant may be shut out altogether."""
    refusal = Usage().refusal(NOON, Limits(calls_per_minute=0))

    assert refusal == CallsSpent(0, timedelta(minutes=1), timedelta(minutes=1))


def test_cpu_comes_back_on_the_quarter() -> None:
    """A spent share blocks until the clock's next quarter of an hour, not for a quarter."""
    usage, limits = Usage(), Limits(cpu_seconds_per_cycle=10.0)
    late = NOON + timedelta(minutes=14)
    usage.burn(late, 10.0)

    assert usage.refusal(late, limits) == CpuSpent(timedelta(minutes=1))
    assert usage.refusal(NOON + CYCLE, limits) is None


def test_cpu_adds_up_within_a_cycle() -> None:
    """Many small queries spend a share as a large one does; the next cycle starts from nothing."""
    usage, limits = Usage(), Limits(cpu_seconds_per_cycle=10.0)

    usage.burn(NOON, 6.0)
    before = usage.refusal(NOON, limits)
    usage.burn(NOON, 4.0)
    spent = usage.refusal(NOON, limits)
    usage.burn(NOON + CYCLE, 6.0)

    assert (before, spent) == (None, CpuSpent(CYCLE))
    assert usage.refusal(NOON + CYCLE, limits) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 -- bounds
def test_the_next_cycle_is_a_quarter_ahead_at_most(now: datetime) -> None:
    """Cycles lie on the clock's quarters, and the next is always still to come."""
    following = next_cycle(now)

    assert timedelta(0) < following - now <= CYCLE
    assert (following.minute % 15, following.second, following.microsecond) == (0, 0, 0)


@pytest.mark.parametrize(
    ("limits", "captured"),
    [
        pytest.param({"calls_per_minute": 45}, "mde_429_minute", id="a-minute"),
        pytest.param(
            {"calls_per_minute": None, "calls_per_hour": 45}, "mde_429_hour", id="an-hour"
        ),
    ],
)
def test_the_legacy_api_names_the_quota(
    client: Client, limits: dict[str, int | None], captured: str
) -> None:
    """The captured words, with the quota that was hit, and no header."""
    client.emulator.configure(**limits)
    client.emulator.clock.set(NOON)

    answers = [client.hunt("print 1", api="defender") for _ in range(46)]

    expected = sample(captured).json
    expected["error"]["message"] = expected["error"]["message"].replace("1500", "45")
    assert [answer.status_code for answer in answers] == [200] * 45 + [429]
    assert same_but_ids(answers[-1].json(), expected)
    assert "Retry-After" not in answers[-1].headers


def test_graph_says_when_to_come_back(client: Client) -> None:
    """The wait in the header is just enough."""
    client.emulator.configure(calls_per_minute=2)
    client.emulator.clock.set(NOON)
    client.hunt("print 1")
    client.emulator.clock.advance(20 * SECOND)
    client.hunt("print 1")

    refused = client.hunt("print 1")

    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "TooManyRequests"
    assert refused.headers["Retry-After"] == "40"
    client.emulator.clock.advance(39 * SECOND)
    assert client.hunt("print 1").status_code == 429
    client.emulator.clock.advance(SECOND)
    assert client.hunt("print 1").status_code == 200


def test_the_header_can_be_left_out(client: Client) -> None:
    """Nothing promises it for hunting."""
    client.emulator.configure(calls_per_minute=0, retry_after=())

    assert "Retry-After" not in client.hunt("print 1").headers


def test_both_apis_share_a_tenants_quota(client: Client) -> None:
    """The quota is the tenant's, whichever way its calls come."""
    client.emulator.configure(calls_per_minute=1)

    statuses = [client.hunt("print 1", api=api).status_code for api in ("graph", "defender")]

    assert statuses == [200, 429]


def test_refused_queries_count_and_throttled_calls_are_logged(client: Client) -> None:
    """A 400 is a call all the same."""
    client.emulator.configure(calls_per_minute=1)

    client.hunt("Nowhere")
    client.hunt("print 1")

    assert [call.status for call in client.emulator.calls] == [400, 429]


@pytest.mark.parametrize("api", ["graph", "defender"])
def test_a_spent_cpu_share_blocks_until_the_quarter(client: Client, api: str) -> None:
    """The first query may finish; the next one waits for the cycle."""
    client.emulator.configure(cpu_seconds_per_cycle=1e-9)
    client.emulator.clock.set(NOON + timedelta(minutes=10))

    answers = [client.hunt("print 1", api=api) for _ in range(2)]
    client.emulator.clock.set(NOON + CYCLE)
    later = client.hunt("print 1", api=api)

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["error"]["code"] == "TooManyRequests"
    assert "run queries again in 5 minutes" in answers[1].json()["error"]["message"]
    assert later.status_code == 200


@pytest.mark.parametrize("api", ["graph", "defender"])
def test_rows_above_the_cap_go_without_a_word(client: Client, api: str) -> None:
    """Nothing in the answer tells a cut result from a whole one."""
    client.emulator.configure(row_cap=3)
    rows = {"graph": "results", "defender": "Results"}[api]

    cut, whole = (client.hunt(f"range n from 1 to {n} step 1", api=api).json() for n in (5, 3))

    assert len(cut[rows]) == 3
    assert list(cut) == list(whole)


def test_a_result_of_too_many_bytes_is_a_400(client: Client) -> None:
    """As captured; a result of just the size is given."""
    client.emulator.configure(result_bytes=len('{"n":1},{"n":2}'))

    fits, exceeds = (client.hunt(f"range n from 1 to {n} step 1") for n in (2, 3))

    assert (fits.status_code, exceeds.status_code) == (200, 400)
    assert same_but_ids(exceeds.json(), sample("graph_400_result_size").json)


def test_a_query_that_burns_too_much_is_preempted(client: Client) -> None:
    """As captured: a 400, not a 429."""
    client.emulator.configure(cpu_seconds_per_query=0.0)

    answer = client.hunt("range n from 1 to 100000 step 1 | summarize sum(n)")

    assert answer.status_code == 400
    assert same_but_ids(answer.json(), sample("graph_400_preempted").json)


def test_a_query_that_takes_too_long_is_a_504(client: Client) -> None:
    """As captured: an empty message."""
    client.emulator.configure(query_seconds=0.0)

    answer = client.hunt("print 1")

    assert answer.status_code == 504
    assert same_but_ids(answer.json(), sample("graph_504").json)


def test_a_request_of_too_many_bytes_ends_at_the_proxy(client: Client) -> None:
    """The proxy in front answers in HTML; the next call goes well."""
    query = "print 1 //" + "x" * 1_100_000

    answer = client.hunt(query)

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "text/html"
    assert "<title>413 Request Entity Too Large</title>" in answer.text
    assert client.hunt("print 1").status_code == 200


def test_what_is_older_than_retention_is_gone(client: Client) -> None:
    """30 days back, to the second."""
    client.emulator.clock.set(NOON)
    kept, lost = (NOON - timedelta(days=30) + n * SECOND for n in (1, -1))
    rows = [{"Timestamp": at.isoformat(), "DeviceName": str(at)} for at in (kept, lost)]
    client.emulator.engine.load("DeviceInfo", rows)

    seen = client.hunt("DeviceInfo | project DeviceName").json()["results"]
    client.emulator.configure(retention_days=31)
    more = client.hunt("DeviceInfo | project DeviceName", Timespan="P31D").json()["results"]

    assert seen == [{"DeviceName": str(kept)}]
    assert len(more) == 2


@pytest.mark.parametrize(
    "timespan",
    [
        pytest.param("PT2H", id="duration"),
        pytest.param("2026-03-01T10:00:00Z", id="instant"),
        pytest.param("2026-03-01T10:00:00Z/2026-03-01T12:00:00Z", id="start-end"),
        pytest.param("PT2H/2026-03-01T12:00:00Z", id="duration-end"),
        pytest.param("2026-03-01T10:00:00Z/PT2H", id="start-duration"),
        pytest.param("2026-03-01T11:00:00+01:00/PT120M", id="zone"),
        pytest.param("2026-03-01T10:00:00.0000000Z/PT1H59M60S", id="ticks"),
    ],
)
def test_a_timespan_bounds_what_is_seen(client: Client, timespan: str) -> None:
    """All documented forms, here of the same two hours."""
    client.emulator.clock.set(NOON)
    hours = range(1, 5)
    client.emulator.engine.load(
        "DeviceInfo",
        [
            {"Timestamp": (NOON - h * timedelta(hours=1)).isoformat(), "DeviceName": str(h)}
            for h in hours
        ],
    )

    answer = client.hunt("DeviceInfo | project DeviceName", Timespan=timespan)

    assert sorted(row["DeviceName"] for row in answer.json()["results"]) == ["1", "2"]


@pytest.mark.parametrize("ago", ["30m", "3h"])
def test_the_shorter_of_timespan_and_query_wins(client: Client, ago: str) -> None:
    """A filter of the query's own holds inside the timespan, never beyond it."""
    client.emulator.clock.set(NOON)
    client.emulator.engine.load(
        "DeviceInfo",
        [
            {"Timestamp": (NOON - m * timedelta(minutes=1)).isoformat(), "DeviceName": str(m)}
            for m in (10, 50, 100)
        ],
    )

    answer = client.hunt(f"DeviceInfo | where Timestamp > ago({ago}) | count", Timespan="PT1H")

    assert answer.json()["results"] == [{"Count": {"30m": 1, "3h": 2}[ago]}]


@pytest.mark.parametrize(
    "timespan",
    [
        "yesterday",
        "P",
        "PT",
        "P1",
        "30D",
        "P-1D",
        "p1d",
        "P999999999D",
        "P9999999999999999999Y",
        "2026-03-02/2026-03-01",
        "2026-03-01 12:00:00",
        "2026-W09-7",
        "2026-02-30",
        "P1D/P1D",
        "P1D/",
        "/P1D",
        "a/b/c",
    ],
)
def test_another_timespan_is_refused(client: Client, timespan: str) -> None:
    """What is in no documented form is a 400."""
    assert client.hunt("print 1", Timespan=timespan).status_code == 400
