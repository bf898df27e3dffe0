"""What tells rows of a result apart, and which queries may be asked for several windows at once."""

import pytest

from tap_m365hunting.kql import assess, read
from tap_m365hunting.kql.verdict import OTHER, RowIdentity

BOUNDED = "T | where Timestamp >= window_start and Timestamp < window_end"
HOURS = f"{BOUNDED} | summarize N = count() by Hour = bin(Timestamp, 1h), Device"
WHOLE = RowIdentity(whole=True, additive=True)
BY_HOUR = RowIdentity(("Hour", "Device"), ("Hour",), additive=True)


def identity(text: str) -> RowIdentity:
    """Return what tells the rows of a query apart."""
    return assess(read(text), columns=None).identity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(BOUNDED, WHOLE, id="rows"),
        pytest.param(f"{BOUNDED} | extend A = 1 | project Timestamp, A", WHOLE, id="of-each-row"),
        pytest.param(f"{BOUNDED} | mv-expand Bag", WHOLE, id="expanded"),
        pytest.param(f"{BOUNDED} | project Device", OTHER, id="without-a-time"),
        pytest.param(f"{BOUNDED} | take 10", OTHER, id="some-rows"),
        pytest.param(f"{BOUNDED} | count", RowIdentity(()), id="count"),
        pytest.param(f"{BOUNDED} | summarize N = count()", RowIdentity(()), id="one-group"),
        pytest.param(
            f"{BOUNDED} | summarize count() by Device", RowIdentity(("Device",)), id="no-bin"
        ),
        pytest.param(f"{BOUNDED} | distinct A, B", RowIdentity(("A", "B")), id="distinct"),
        pytest.param(HOURS, BY_HOUR, id="bins"),
        pytest.param(
            f"{BOUNDED} | summarize count() by bin(Timestamp, 1h)",
            RowIdentity(("Timestamp",), ("Timestamp",), additive=True),
            id="named-by-its-argument",
        ),
        pytest.param(f"{HOURS} | where N > 3 | order by N", BY_HOUR, id="filtered"),
        pytest.param(
            f"{HOURS} | top 3 by N", RowIdentity(("Hour", "Device"), ("Hour",)), id="ranked"
        ),
        pytest.param(
            f"{HOURS} | project At = Hour, N, Host = Device",
            RowIdentity(("At", "Host"), ("At",), additive=True),
            id="renamed",
        ),
        pytest.param(
            f"{HOURS} | project-rename At = Hour",
            RowIdentity(("At", "Device"), ("At",), additive=True),
            id="renamed-alone",
        ),
        pytest.param(f"{HOURS} | project Hour, N", OTHER, id="dropped"),
        pytest.param(f"{HOURS} | project-away D*", OTHER, id="dropped-by-a-pattern"),
        pytest.param(f"{HOURS} | project-keep Hour, D*", BY_HOUR, id="kept"),
        pytest.param(f"{HOURS} | extend Device = toupper(Device)", OTHER, id="overwritten"),
        pytest.param(f"{HOURS} | mv-expand Bag", OTHER, id="expanded-after"),
        pytest.param(f"{HOURS} | join (U) on Device", OTHER, id="joined"),
        pytest.param(
            f"{HOURS} | join kind=leftsemi (U) on Device",
            RowIdentity(("Hour", "Device"), ("Hour",)),
            id="half-joined",
        ),
        pytest.param(
            f"{HOURS} | summarize sum(N) by Hour",
            RowIdentity(("Hour",), ("Hour",), additive=True),
            id="grouped-again",
        ),
        pytest.param(
            f"{BOUNDED} | summarize by Device, strlen(Device)", OTHER, id="name-that-is-not-told"
        ),
        pytest.param(
            f"let X = {BOUNDED}; X | summarize count() by Hour = bin(Timestamp, 1h)",
            RowIdentity(("Hour",), ("Hour",), additive=True),
            id="let",
        ),
        pytest.param(
            f"{BOUNDED} and A in ((U | where Timestamp > window_start | project A)) | summarize "
            "count() by Hour = bin(Timestamp, 1h)",
            RowIdentity(("Hour",), ("Hour",)),
            id="bounded-twice",
        ),
        pytest.param(
            f"{BOUNDED} | extend B = prev(A) | summarize count() by Hour = bin(Timestamp, 1h)",
            RowIdentity(("Hour",), ("Hour",)),
            id="neighbours",
        ),
        pytest.param(
            f"{BOUNDED} | summarize count() by Week = startofweek(Timestamp)",
            RowIdentity(("Week",)),
            id="uneven",
        ),
        pytest.param(
            "union T, U | where Timestamp >= window_start and Timestamp < window_end",
            WHOLE,
            id="union",
        ),
        pytest.param(f"{BOUNDED} | evaluate basket()", OTHER, id="plugin"),
    ],
)
def test_what_tells_rows_apart(text: str, expected: RowIdentity) -> None:
    """The columns of the last grouping, as far as they reach the result; else nothing is sure."""
    assert identity(text) == expected
