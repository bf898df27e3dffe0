"""How long to wait: before a call, and after a 429."""

from collections.abc import Callable
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.service.quota import (
    LEAST_CPU_SECONDS,
    MARGIN,
    CpuQuota,
    MovingQuota,
    TenantQuota,
)
from tap_m365hunting.service.retry_after import (
    CPU_CYCLE,
    DAY,
    header_wait,
    stated_quota,
    stated_wait,
    wait_after,
)

# 2026-11-21T22:04:00Z, four minutes into a quarter of an hour.
NOW = 1_795_298_640.0
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
PER_MINUTE = "API calls quota exceeded! maximum allowed 45 per 00:01:00"
PER_HOUR = "API calls quota exceeded! maximum allowed 1500 per 01:00:00"
AGAIN = "You have exceeded processing resources allocated to this tenant. You can run queries again"
CPU = "The tenant has used 100 % of its CPU quota"


def take(quota: TenantQuota, now: float) -> float:
    """Wait as the client does; return the time at which the call was made."""
    while wait := quota.take(now):
        now += wait
    return now


def spend(quota: MovingQuota, now: float) -> None:
    """Make a call that is answered at once."""
    quota.begin()
    quota.answered(now)


# --- before a call ------------------------------------------------------------------------------


def test_calls_up_to_the_limit_need_no_wait() -> None:
    """A burst is allowed; the quota counts, it does not space calls out."""
    quota = MovingQuota(3, 60)
    for at in (0.0, 1.0, 2.0):
        assert quota.delay(at) == 0
        spend(quota, at)

    assert quota.delay(2.0) == 58
    assert quota.delay(59.0) == 1
    assert quota.left(59.0) == 0
    assert quota.delay(60.0) == 0
    assert quota.left(60.0) == 1


def test_a_lowered_limit_waits_for_more_than_one_call_to_leave() -> None:
    """With 3 calls out and 1 allowed, all 3 must have left the period."""
    quota = MovingQuota(5, 60)
    for at in (0.0, 10.0, 20.0):
        spend(quota, at)

    quota.lower(1)

    assert quota.delay(20.0) == 60
    assert quota.left(20.0) == 0


def test_a_limit_never_grows_and_never_stops_everything() -> None:
    """A 429 that names a higher limit, or none at all, changes nothing for the worse."""
    quota = MovingQuota(5, 60)

    quota.lower(9)
    assert quota.limit == 5
    quota.lower(0)
    assert quota.limit == 1


@settings(max_examples=500)
@given(
    limit=st.integers(1, 8),
    period=st.sampled_from([1.0, 60.0, 61.0]),
    gaps=st.lists(st.floats(0, 100, allow_nan=False), max_size=60),
)
def test_no_moving_period_ever_holds_more_than_the_limit(
    limit: int, period: float, gaps: list[float]
) -> None:
    """Whatever the pattern of calls."""
    quota, now, made = TenantQuota([MovingQuota(limit, period)]), NOW, list[float]()
    for gap in gaps:
        now = take(quota, now + gap)
        made.append(now)

    for index, last in enumerate(made[limit:]):
        # `made[index]` is limit calls before `last`; floats may lose an ulp of so large a number
        assert last - made[index] >= period - 1e-6


@given(limit=st.integers(1, 60), share=st.sampled_from([100, 50, 10]), took=st.floats(0, 0.5))
def test_a_busy_tap_uses_what_it_may(limit: int, share: int, took: float) -> None:
    """Always busy, at least 95 % of the allowed calls are made."""
    quota = TenantQuota.of_calls(per_minute=limit, per_hour=10**6, share_percent=share)
    allowed, now, made = max(1, limit * share // 100), NOW, 0
    while (now := take(quota, now)) < NOW + 600:
        made, now = made + 1, now + took

    assert made >= 0.95 * 10 * min(allowed, 60 / took if took else allowed)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5)), max_size=120))
def test_parallel_callers_keep_to_the_quota_together(turns: list[tuple[int, float]]) -> None:
    """Each asks again after its wait, as another may have been faster."""
    quota, now = TenantQuota([MovingQuota(3, 60)]), NOW
    wakes, made = dict.fromkeys(range(4), NOW), list[float]()
    for caller, gap in turns:
        now = max(now + gap, wakes[caller])
        wait = quota.take(now)
        wakes[caller] = now + wait
        if not wait:
            made.append(now)

    assert all(b - a >= 60 - 1e-6 for a, b in zip(made, made[3:], strict=False))


def test_the_hour_counts_as_well_as_the_minute() -> None:
    """All quotas hold at once; the longest wait decides."""
    quota = TenantQuota([MovingQuota(2, 60), MovingQuota(3, 3_600)])
    made = [take(quota, NOW) for _ in range(2)]

    made += [take(quota, NOW + 100), take(quota, NOW + 100)]

    assert made == [NOW, NOW, NOW + 100, NOW + 3_600]


def test_a_call_has_its_place_until_a_period_after_its_answer() -> None:
    """The service counts it when it arrives, which may be any time before its answer."""
    quota = TenantQuota([MovingQuota(2, 60)])
    begun = [quota.begin(NOW), quota.begin(NOW)]

    assert begun == [0, 0]
    assert quota.begin(NOW + 600) == inf
    quota.answered(NOW + 600)
    assert quota.begin(NOW + 630) == 30
    assert quota.left(NOW + 630) == 0
    assert quota.begin(NOW + 660) == 0


def test_calls_on_their_way_count_for_a_quota_that_a_429_names() -> None:
    """The quota is learned in the middle of things."""
    quota = TenantQuota([])
    quota.begin(NOW)

    quota.throttled(NOW, wait=1, text="maximum allowed 2 per 1.00:00:00")

    assert quota.left(NOW + 1) == 1
    quota.answered(NOW + 2)
    assert quota.left(NOW + 2) == 1


def test_a_share_leaves_room_for_analysts() -> None:
    """A tenth of 45 calls is 4, and never none."""
    quota = TenantQuota.of_calls(per_minute=45, per_hour=1_500, share_percent=10)

    assert quota.left(NOW) == 4
    assert TenantQuota.of_calls(per_minute=5, per_hour=5, share_percent=10).left(NOW) == 1


def test_calls_left_are_those_that_need_no_wait() -> None:
    """The progress line says how many calls are left this minute."""
    quota = TenantQuota.of_calls(per_minute=45, per_hour=1_500)
    for _ in range(5):
        take(quota, NOW)

    assert quota.left(NOW) == 40
    quota.throttled(NOW, wait=10)
    assert quota.left(NOW) == 0


def test_all_callers_wait_after_a_429() -> None:
    """One stream's 429 is the tenant's."""
    quota = TenantQuota.of_calls(per_minute=45, per_hour=1_500)

    quota.throttled(NOW, wait=30)
    quota.throttled(NOW + 5, wait=1)

    assert quota.delay(NOW + 5) == 25
    assert take(quota, NOW + 5) == NOW + 30


def test_a_429_lowers_the_quota_that_it_names() -> None:
    """`maximum allowed 15 per 00:01:00`, and the tap's share of it holds from then on."""
    quota = TenantQuota.of_calls(per_minute=45, per_hour=1_500, share_percent=40)

    quota.throttled(NOW, wait=1, text=PER_MINUTE.replace("45", "15"))

    assert quota.left(NOW + 100) == 6
    quota.throttled(NOW + 100, wait=1, text=PER_MINUTE)
    assert quota.left(NOW + 200) == 6


def test_a_429_may_name_a_quota_that_nobody_knew() -> None:
    """A quota per day is kept from then on."""
    quota = TenantQuota.of_calls(per_minute=45, per_hour=1_500)

    quota.throttled(NOW, wait=1, text="maximum allowed 2 per 1.00:00:00")
    made = [take(quota, NOW + 100) for _ in range(3)]

    assert made == [NOW + 100, NOW + 100, NOW + 100 + DAY + MARGIN]


def test_a_clock_set_back_does_not_make_anyone_wait_longer() -> None:
    """What was spent, and a 429's wait, stay as long ago as they were."""
    quota = TenantQuota([MovingQuota(1, 60)])
    take(quota, NOW)
    quota.throttled(NOW, wait=30)

    assert quota.delay(NOW - DAY) == 60
    assert quota.delay(NOW - DAY + 60) == 0


# --- after a 429 --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry_after", "text", "attempt", "seconds"),
    [
        pytest.param("7", "", 0, 7, id="seconds"),
        pytest.param(" 7 ", "", 0, 7, id="seconds-with-blanks"),
        pytest.param("7.5", "", 0, 7.5, id="fractions"),
        pytest.param("Sat, 21 Nov 2026 22:05:00 GMT", "", 0, 60, id="date"),
        pytest.param("Sat, 21 Nov 2026 22:05:00 -0000", "", 0, 60, id="date-without-zone"),
        pytest.param("Sat, 21 Nov 2026 21:00:00 GMT", "", 0, 1, id="date-that-is-over"),
        pytest.param("0", "", 0, 1, id="at-least-a-second"),
        pytest.param("0", "", 3, 8, id="twice-as-long-each-time"),
        pytest.param("Sat, 21 Nov 2026 21:00:00 GMT", "", 9, 60, id="up-to-a-minute"),
        pytest.param("999999999", "", 0, DAY, id="at-most-a-day"),
        pytest.param("7", PER_MINUTE, 0, 7, id="header-before-body"),
        pytest.param("soon", PER_MINUTE, 0, 60, id="header-that-says-nothing"),
        pytest.param("-5", "", 0, 60, id="negative"),
        pytest.param(None, PER_MINUTE, 3, 60, id="period-of-a-minute"),
        pytest.param(None, PER_HOUR, 0, 3_600, id="period-of-an-hour"),
        pytest.param(None, f"{AGAIN} in 5 minutes.", 0, 300, id="minutes"),
        pytest.param(None, f"{AGAIN} in 1 hour 30 min.", 0, 5_400, id="hour-and-minutes"),
        pytest.param(None, f"{AGAIN} in 00:05:30.", 0, 330, id="timespan"),
        pytest.param(None, f"{AGAIN} in PT1H30M.", 0, 5_400, id="iso-duration"),
        pytest.param(None, "Please retry after 30 seconds", 0, 30, id="retry-after-in-words"),
        pytest.param(None, f"{AGAIN} at 2026-11-21T22:10:00Z", 0, 360, id="moment"),
        pytest.param(None, "Failed at 2026-11-21T22:00:00Z", 0, 60, id="moment-that-is-over"),
        pytest.param(None, f"{AGAIN} later.", 0, 660, id="cpu-waits-for-the-quarter"),
        pytest.param(None, CPU, 5, 660, id="cpu-by-name"),
        pytest.param(None, "", 0, 60, id="nothing-said"),
        pytest.param(None, "Please retry again later.", 2, 240, id="doubling"),
        pytest.param(None, "Too many requests.", 99, 60 * 1_024, id="doubling-ends"),
        pytest.param(None, f"Limit exceeded for tenant {TENANT}.", 0, 60, id="id-of-a-tenant"),
        pytest.param(None, f"Limit exceeded for {TENANT}; wait 9 s", 0, 9, id="id-and-seconds"),
        pytest.param(None, "Limit exceeded for id5d 3f 2h7", 0, 60, id="other-ids"),
        pytest.param(None, "in total 45 messages", 0, 60, id="words-that-are-no-duration"),
        pytest.param(None, "again at 2026-13-45T99:00:00Z", 0, 60, id="a-moment-that-is-none"),
    ],
)
def test_a_429_says_how_long_to_wait(
    retry_after: str | None, text: str, attempt: int, seconds: float
) -> None:
    """The header, else the body, else the CPU's cycle, else a minute that doubles."""
    assert wait_after(retry_after, text, now=NOW, attempt=attempt) == pytest.approx(seconds)


@given(
    st.text(max_size=40) | st.none(), st.text(max_size=80), st.integers(0, 10**6), st.floats(0, 1)
)
def test_a_wait_is_never_absurd(
    retry_after: str | None, text: str, attempt: int, jitter: float
) -> None:
    """Whatever a proxy on the way may write."""
    plain = wait_after(retry_after, text, now=NOW, attempt=attempt)
    wait = wait_after(retry_after, text, now=NOW, attempt=attempt, jitter=jitter)

    assert 1 <= plain <= DAY
    assert plain <= wait <= plain + 30


@pytest.mark.parametrize(("seconds", "most"), [("20", 22.0), ("3000", 3_030.0)])
def test_jitter_only_ever_adds(seconds: str, most: float) -> None:
    """A tenth at most, and at most half a minute; nobody comes back too early."""
    assert wait_after(seconds, "", now=NOW, attempt=0, jitter=1.0) == most


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        (PER_MINUTE, (45, 60.0)),
        (PER_HOUR, (1_500, 3_600.0)),
        ("10 per 1.02:00:00", (10, 93_600.0)),
        ("5 per 00:00:00", None),
        ("45 per minute", None),
        ("", None),
    ],
)
def test_the_quota_that_a_text_names(text: str, quota: tuple[int, float] | None) -> None:
    """Limit and period; a period of nothing is none."""
    assert stated_quota(text) == quota


@pytest.mark.parametrize("read", [lambda t: header_wait(t, NOW), lambda t: stated_wait(t, NOW)])
def test_text_without_a_time_is_no_wait(read: Callable[[str], float | None]) -> None:
    """`None` is not 0: the next rule decides."""
    assert read("no time at all") is None


def test_many_callers_at_random_share_an_hour_fairly_well() -> None:
    """A day of random work never breaks either quota, seen from outside."""
    random, quota, now, made = (
        Random(3),
        TenantQuota.of_calls(per_minute=45, per_hour=1_500),
        NOW,
        [],
    )
    while now < NOW + 4 * 3_600:
        now = take(quota, now + random.expovariate(1.0))
        made.append(now)

    for limit, period in ((45, 60.0), (1_500, 3_600.0)):
        assert all(b - a > period for a, b in zip(made, made[limit:], strict=False))


# --- the CPU ------------------------------------------------------------------------------------

QUARTER = NOW - NOW % CPU_CYCLE


class CpuService:
    """A tenant that has so many CPU seconds a quarter, and a caller who heeds what it learns."""

    def __init__(self, has: float, share_percent: int = 100) -> None:
        self.quota = CpuQuota(share_percent=share_percent)
        self.has = has
        self.used = dict[float, float]()
        self.refused = 0
        self.now = QUARTER

    def call(self, seconds: float) -> None:
        """Make a call, after a wait if need be, until it is let through."""
        while not self._tried(seconds):
            self.refused += 1
            self.quota.charge(self.now, 0.0, let_through_at=None)
            self.quota.throttled(self.now)
            self.now += CPU_CYCLE - self.now % CPU_CYCLE

    def _tried(self, seconds: float) -> bool:
        while wait := self.quota.delay(self.now):
            self.now += wait
        self.quota.begin()
        before, quarter = self.quota.used, self.now // CPU_CYCLE
        if self.used.get(quarter, 0.0) >= self.has:
            return False
        self.used[quarter] = self.used.get(quarter, 0.0) + seconds
        self.quota.charge(self.now, seconds, let_through_at=before)
        self.now += 0.5
        return True


COSTS = st.lists(st.floats(0.01, 60), min_size=1, max_size=120)


@settings(max_examples=300)
@given(has=st.floats(LEAST_CPU_SECONDS, 300, exclude_min=True), costs=COSTS)
def test_one_429_teaches_what_cpu_there_is(has: float, costs: list[float]) -> None:
    """Whatever each call costs, the service refuses once and never again."""
    service = CpuService(has)

    for seconds in costs:
        service.call(seconds)

    assert service.refused <= 1
    assert sum(service.used.values()) == pytest.approx(sum(costs))


@given(has=st.floats(30, 300), cost=st.floats(1, 10), share=st.sampled_from([100, 80]))
def test_what_was_learned_is_used(has: float, cost: float, share: int) -> None:
    """Each quarter holds what the tenant allows, times the share, but for one call's cost."""
    service = CpuService(has, share)

    for _ in range(int(5 * has / cost)):
        service.call(cost)

    full = list(service.used.values())[:-1]
    assert all(used >= (has - 2 * cost) * share / 100 for used in full)
    assert all(used <= has * share / 100 + cost for used in full[1:])


def test_cpu_of_calls_on_their_way_is_supposed() -> None:
    """Two at once might be one too many, so the second waits for what the first will cost."""
    quota = CpuQuota()
    for used in (0.0, 20.0):
        quota.begin()
        quota.charge(NOW, 20.0, let_through_at=used)
    quota.begin()
    quota.charge(NOW, 0.0, let_through_at=None)
    quota.throttled(NOW)
    now = NOW + CPU_CYCLE

    quota.begin()
    assert quota.delay(now) == 0
    quota.begin()
    assert quota.delay(now) == pytest.approx(660 + MARGIN)
    quota.charge(now, 1.0, let_through_at=0.0)
    assert quota.delay(now) > 0
    quota.charge(now, 1.0, let_through_at=0.0)
    assert quota.delay(now) == 0


def test_what_others_have_used_is_not_held_against_the_tap_for_ever() -> None:
    """An analyst's query may have used all: that says little of the next quarter."""
    quota = CpuQuota()
    quota.throttled(NOW)
    assert quota.delay(NOW) == 0

    quota.begin()
    quota.charge(NOW, 0.1, let_through_at=0.0)
    quota.throttled(NOW)
    quota.begin()
    quota.charge(NOW, LEAST_CPU_SECONDS - 0.2, let_through_at=0.1)

    assert quota.delay(NOW) == 0


def test_a_429_for_the_cpu_holds_for_all_calls_of_the_tenant() -> None:
    """The text says that it is the CPU; from the next quarter on it is not tried so far again."""
    quota = TenantQuota([])
    for used in (0.0, 50.0):
        assert quota.begin(NOW) == 0
        quota.answered(NOW)
        quota.charged(NOW, 50.0, let_through_at=used)
    assert quota.cpu_used == 100
    quota.throttled(NOW, wait=1, text=CPU)
    later = NOW + CPU_CYCLE

    assert quota.begin(later) == 0
    quota.answered(later)
    quota.charged(later, 51.0, let_through_at=0.0)

    assert quota.begin(later) == pytest.approx(660 + MARGIN)
    assert quota.left(later) == 0
