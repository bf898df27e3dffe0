"""What is sent: the user's statements as they were, and around them what bounds the result."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting import kql
from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.windows import HashPart, TimeWindow
from tests.kql.corpus import CASES, Case

HOUR = timedelta(hours=1)
DAY = TimeWindow(
    Instant.parse("2026-01-01T00:00:00.0000001Z"), Instant.parse("2026-01-02T00:00:00Z")
)
LETS = kql.read(
    "let n = 5;\n// keep\nDeviceEvents\n| where ReportId > n // | take 1\n| render table;"
)
WINDOWED = kql.read(
    "set notruncation;\nT | where Timestamp >= window_start and Timestamp < window_end"
)
DEFINITIONS = (
    "let window_start = datetime(2026-01-01T00:00:00.0000001Z);\n"
    "let window_end = datetime(2026-01-02T00:00:00.0000000Z);\n"
)


def test_a_window_bounds_the_result_by_its_cursor() -> None:
    """Statements before the last stay, the last is bound to a name, half-open bounds follow."""
    assert kql.window(LETS, "Timestamp", DAY) == (
        "let n = 5;\n"
        "// keep\n"
        "let __hunt = (\n"
        "DeviceEvents\n"
        "| where ReportId > n\n"
        ");\n"
        "__hunt\n"
        "| where ['Timestamp'] >= datetime(2026-01-01T00:00:00.0000001Z)"
        " and ['Timestamp'] < datetime(2026-01-02T00:00:00.0000000Z)\n"
        "| order by ['Timestamp'] asc"
    )


def test_a_hash_part_is_taken_from_the_bounded_rows() -> None:
    """The hash is of the whole row, so that any query has parts."""
    lines = kql.window(LETS, "Timestamp", DAY, HashPart(2, 5)).splitlines()

    assert lines[-2] == "| where hash(tostring(pack_all()), 5) == 2"
    assert lines[-1] == "| order by ['Timestamp'] asc"


def test_a_count_tells_the_rows_of_each_bin() -> None:
    """Bins are named where no query of a hunter has a column."""
    lines = kql.count(LETS, "Timestamp", DAY, 6 * HOUR).splitlines()

    assert lines[-3].startswith("| where ['Timestamp'] >= datetime(")
    assert lines[-2:] == [
        "| summarize __rows = count() by __bin = bin(['Timestamp'], 6h)",
        "| order by __bin asc",
    ]


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (timedelta(days=7), "7d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=15), "15m"),
        (timedelta(seconds=90), "90s"),
        (timedelta(milliseconds=1), "1ms"),
        (timedelta(microseconds=3), "30tick"),
    ],
)
def test_the_width_of_bins_is_exact(width: timedelta, text: str) -> None:
    """No width is rounded on its way into the text."""
    assert f"bin(['t'], {text})" in kql.count(LETS, "t", DAY, width)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Timestamp", "['Timestamp']"),
        ("it's", r"['it\'s']"),
        ("a\\b", r"['a\\b']"),
        ("a b\tc\nd\re", r"['a b\tc\nd\re']"),
        ('"', "['\"']"),
    ],
)
def test_a_cursor_of_any_name_is_quoted(name: str, text: str) -> None:
    """A column's name may hold what would end a string."""
    assert f"countif(isnull({text})), __oldest = min({text})" in kql.nulls(LETS, name)


def test_a_probe_asks_for_no_rows() -> None:
    """The schema is free."""
    assert kql.probe(LETS).endswith("\n);\n__hunt\n| take 0")


def test_keys_are_counted_in_the_window() -> None:
    """Two rows with one key are two rows of one key; nulls are rows, as a loader would see them."""
    text = kql.keys(LETS, "t", DAY, ["a b", "t"])

    _, bounds, by_key, in_all = text.rsplit("\n| ", 3)
    assert bounds.startswith("where ['t'] >= datetime(")
    assert by_key.endswith("countif(isnull(['a b']) or isnull(['t'])) by ['a b'], ['t']")
    assert in_all.startswith("summarize __rows = sum(__rows), __keys = count()")


def test_totals_are_of_the_window_or_of_all() -> None:
    """Hash parts are checked against one number."""
    assert kql.total(LETS).endswith("__hunt\n| summarize __rows = count()")
    assert kql.total(LETS, "t", DAY).splitlines()[-2].startswith("| where ['t'] >= datetime(")


def test_a_whole_query_runs_as_it_stands() -> None:
    """Nothing is added where nothing is bounded, and the end of the text is kept."""
    assert kql.whole(LETS) == LETS.text
    assert kql.whole(LETS, HashPart(0, 2)).endswith(
        "__hunt\n| where hash(tostring(pack_all()), 2) == 0"
    )


def test_window_names_are_defined_before_the_users_own_statements() -> None:
    """The user's own lets can use them."""
    assert kql.windowed(WINDOWED, DAY) == DEFINITIONS + WINDOWED.text


def test_every_text_of_a_windowed_query_defines_the_names() -> None:
    """A probe or a count would fail on names that nobody defined."""
    part = kql.windowed(WINDOWED, DAY, HashPart(0, 2))

    assert part.startswith(DEFINITIONS + "set notruncation;\nlet __hunt = (\nT | where")
    assert kql.total(WINDOWED, window=DAY).startswith(DEFINITIONS)
    assert kql.probe(WINDOWED).startswith("let window_start = datetime(")


def test_the_taps_own_name_is_one_that_the_text_does_not_hold() -> None:
    """In no case, string or comment, so that it can also be found again."""
    query = kql.read("let __Hunt = 1; let __hunt1 = '__HUNT2'; T | where a == __Hunt")

    assert "\nlet __hunt3 = (\n" in kql.probe(query)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("\n\nT\n\n\n| count\n \t\n", "T\n| count\n", id="lines-without-text"),
        pytest.param("T\r\n\r\n| count\r\n", "T\r\n| count\r\n", id="carriage-returns"),
        pytest.param("T\n\u00a0\n| count", "T\n| count", id="hard-spaces"),
        pytest.param("T | extend a = ```\n\n```\n\n| count", "T | extend a = ```\n\n```\n| count",
                     id="not-in-a-string"),
        pytest.param("T\n//\n| count", "T\n//\n| count", id="not-a-comment"),
    ],
)  # fmt: skip
def test_no_blank_line_is_sent(text: str, sent: str) -> None:
    """Some gateways end a query at a blank line; in a string it is part of a value."""
    assert kql.whole(kql.read(text)) == sent


def without_blank_lines(text: str) -> list[str]:
    """Return the lines that hold anything, without the space at their ends."""
    return [line.rstrip() for line in text.split("\n") if line.strip()]


@given(st.sampled_from(CASES))
def test_the_users_statements_are_sent_as_they_were(case: Case) -> None:
    """Byte for byte, from the first statement to the end of the last; blank lines apart."""
    query = kql.read(case.text)
    start, end = query.tokens[query.final.start].start, query.tokens[query.final.end - 1].end
    leading, final = case.text[:start], case.text[start:end]

    sent = kql.window(query, "Timestamp", DAY)

    head, _, tail = sent.partition(f"let {query.hunt} = (\n")
    body = tail.rpartition(f"\n);\n{query.hunt}\n")[0]
    expected = without_blank_lines(leading)
    assert without_blank_lines(head)[-len(expected) :] == expected or not expected
    assert without_blank_lines(body) == without_blank_lines(final)


@given(st.sampled_from(CASES), st.sampled_from(["\n\n", "\r\n\r\n", " \n\t\n", "\n"]), st.data())
def test_a_line_of_a_sent_text_leads_back_to_the_users_own(
    case: Case, gap: str, data: st.DataObject
) -> None:
    """The service's error names a line of what was sent; the user sees a line of the file."""
    query = kql.read(case.text.replace("\n", gap))
    part = data.draw(st.sampled_from([None, HashPart(0, 2)]))
    sent = kql.windowed(query, DAY, part) if query.windowed else kql.whole(query, part)
    lines = sent.split("\n")
    number = data.draw(st.integers(1, len(lines)))

    line = kql.user_line(query, sent, number)

    own = query.text.split("\n")[line - 1]
    added = lines[number - 1].startswith(("let window_", f"let {query.hunt}", ");", query.hunt))
    assert added or "pack_all()" in lines[number - 1] or lines[number - 1].rstrip("\r") in own


@pytest.mark.parametrize(
    ("sent_line", "line"), [(0, 1), (1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 4), (99, 4)]
)
def test_lines_that_the_tap_added_lead_to_the_nearest_of_the_users(
    sent_line: int, line: int
) -> None:
    """An error in what was added is shown where the user's text ends."""
    assert kql.user_line(LETS, kql.window(LETS, "Timestamp", DAY), sent_line) == line


def test_a_table_is_a_query_of_its_own() -> None:
    """With the time of arrival if wanted, added where it is exact."""
    assert kql.table_query("DeviceInfo") == "DeviceInfo"
    assert kql.table_query("DeviceInfo", ingestion_time=True).splitlines() == [
        "DeviceInfo",
        "| extend IngestionTime = ingestion_time()",
    ]


@pytest.mark.parametrize("name", ["", "Device Info", "T | take 1", "1T", "T;", "Gerät", "T\n"])
def test_a_table_has_a_plain_name(name: str) -> None:
    """Anything else is a query, and belongs under `query`."""
    with pytest.raises(QueryTextError, match="use `query`"):
        kql.table_query(name)
