"""What the log says of a stream before it is read.

Pure.
"""

import logging
from collections.abc import Iterator

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.run_windows import Agenda


def notices(agenda: Agenda, *, now: Instant, days: int) -> Iterator[tuple[int, str]]:
    """Yield what is out of the ordinary, each with its level; the service keeps so many days."""
    if agenda.void:
        yield logging.WARNING, f"the bookmark {agenda.void}; all is read anew"
    for window in agenda.lost:
        yield (
            logging.WARNING,
            f"rows between {window} are lost: the service keeps {days} days; run more often",
        )
    complete = agenda.bookmark.value
    if agenda.moves and complete and complete > now:
        ahead = f"the bookmark {complete} is ahead of the clock, and nothing before it will be read"
        yield logging.WARNING, f"{ahead}; if a clock was wrong, set the state back to before that"
    elif not agenda.windows:
        yield logging.INFO, f"nothing to read yet: complete until {agenda.fresh}"
