"""This machine's clock, held against the service's.

Pure. What a run reads ends at its clock's time, and is called complete: with a clock that is ahead
it would be called so before the rows are there, and they would never be read.
"""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from singer_sdk.exceptions import FatalAPIError

# A run stays that far behind its clock by default (`settle_minutes`), and its lookback is longer.
_MOST_AHEAD: Final = timedelta(minutes=5)


def refuse_ahead(date: str | None, *, asked: float) -> None:
    """Hold the header `Date` of an answer against when it was asked for by this machine's clock.

    `asked` counts seconds since the epoch. A header that is missing, or no date, says nothing; nor
    does it matter if the clock is behind.

    Raises:
        FatalAPIError: the clock is more than five minutes ahead.
    """
    try:
        told = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    ahead = timedelta(seconds=round(asked - told))
    if ahead > _MOST_AHEAD:
        msg = (
            f"The clock of this machine is {ahead} (h:mm:ss) ahead of the service's ({date}). Rows "
            "that are still to come would be called complete; set the clock, by NTP for instance"
        )
        raise FatalAPIError(msg)
