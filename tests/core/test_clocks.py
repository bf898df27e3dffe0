"""The service's own clock tells if this machine's is ahead."""

from datetime import UTC, datetime, timedelta

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.service.client import refuse_ahead

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize("minutes", [-100_000, 0, 4, 5])
def test_clock_that_is_behind_or_a_little_ahead_does_no_harm(minutes: int) -> None:
    """What a run reads ends minutes before its clock."""
    refuse_ahead(DATE, asked=(NOW + timedelta(minutes=minutes)).timestamp())


def test_clock_that_is_ahead_is_refused() -> None:
    """The message says by how much, and what to do."""
    with pytest.raises(FatalAPIError, match=r"is 5:30:00 \(h:mm:ss\) ahead .* set the clock"):
        refuse_ahead(DATE, asked=(NOW + timedelta(hours=5.5)).timestamp())


@pytest.mark.parametrize("date", [None, "", "soon", "Sun, 99 Mar 2026 12:00:00 GMT", "2026-03-01"])
def test_header_that_is_no_date_says_nothing(date: str | None) -> None:
    """Whatever a proxy makes of it."""
    refuse_ahead(date, asked=(NOW + timedelta(days=400)).timestamp())
