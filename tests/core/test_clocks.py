"""The service's own clock tells if this machine's is ahead."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.service.client import refuse_ahead
from tap_m365hunting.service.retry_after import http_date

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [-100_000, 0, 4, 5])
def test_clock_that_is_behind_or_a_little_ahead_does_no_harm(minutes: int) -> None:
    """What a run reads ends minutes before its clock."""
    refuse_ahead(NOW.timestamp(), asked=(NOW + timedelta(minutes=minutes)).timestamp())


def test_clock_that_is_ahead_is_refused() -> None:
    """The message says by how much, and what to do."""
    words = (
        r"is 5:30:00 \(h:mm:ss\) ahead of the service's \(2026-03-01 12:00:00 UTC\).* set the clock"
    )
    with pytest.raises(FatalAPIError, match=words):
        refuse_ahead(NOW.timestamp(), asked=(NOW + timedelta(hours=5.5)).timestamp())


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "soon",
        "Sun, 99 Mar 2026 12:00:00 GMT",
        "Sun, 01 Mar 99999999999999999999 12:00:00 GMT",
        "2026-03-01",
    ],
)
def test_header_that_is_no_date_says_nothing(date: str | None) -> None:
    """Whatever a proxy makes of it."""
    assert http_date(date) is None


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", "UTC"])
def test_date_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """This machine's own zone has nothing to say about it."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert http_date(f"Sun, 01 Mar 2026 12:00:00 {zone}") == NOW.timestamp()
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
