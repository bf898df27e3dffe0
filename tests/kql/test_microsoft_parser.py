"""What is sent is still KQL, by the word of Microsoft's own parser."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tap_m365hunting import kql
from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.kql.columns import Columns
from tap_m365hunting.kql.row_flow import RowFlow
from tap_m365hunting.kql.tokens import TokenKind, tokens
from tap_m365hunting.planning.windows import HashPart, TimeWindow
from tests.kql import microsoft
from tests.kql.corpus import CASES, Case, read_or_refused

pytestmark = pytest.mark.skipif(bool(microsoft.why_not()), reason=microsoft.why_not())

DAY = TimeWindow(Instant.parse("2026-01-01"), Instant.parse("2026-01-02"))
NAMES = "let window_start = datetime(2026-01-01); let window_end = datetime(2026-01-02);\n"
MARKS = {*"()[]{}|;"}


@pytest.fixture(scope="module")
def parser() -> Iterator[microsoft.Parser]:
    """Give the parser, with the tables that the emulator has."""
    with microsoft.started() as running:
        yield running


def sent(query: kql.Query, verdict: kql.Verdict) -> Iterator[str]:
    """Yield every text that may be sent for the query."""
    part = HashPart(1, 3)
    yield kql.probe(query)
    if verdict.mode is Mode.WINDOWED:
        yield from (kql.windowed(query, DAY), kql.windowed(query, DAY, part))
        yield kql.total(query, window=DAY)
    elif verdict.cursor is None:
        yield from (kql.whole(query), kql.whole(query, part), kql.total(query))
    else:
        yield from (kql.window(query, verdict.cursor, DAY, p) for p in (None, part))
        yield kql.count(query, verdict.cursor, DAY, timedelta(minutes=90))
        yield kql.total(query, verdict.cursor, DAY)
        yield kql.nulls(query, verdict.cursor)
        yield kql.keys(query, verdict.cursor, DAY, [verdict.cursor])


def significant(pieces: Iterator[tuple[str, bool]]) -> list[str]:
    """Keep what bounding a query depends on: strings, literals with brackets, `|` and `;`."""
    return [text for text, literal in pieces if literal or text in MARKS]


def official(parser: microsoft.Parser, text: str) -> list[str]:
    """Return what Microsoft's lexer makes of the text."""
    return significant(
        (
            token["text"],
            token["kind"] == "StringLiteralToken"
            or (token["kind"].endswith("LiteralToken") and "(" in token["text"]),
        )
        for token in parser.tokens(text)
    )


def ours(text: str) -> list[str]:
    """Return what our tokens make of the text."""
    return significant(
        (token.text, token.kind in (TokenKind.STRING, TokenKind.LITERAL)) for token in tokens(text)
    )


def known(checked: dict[str, Any]) -> bool:
    """Say whether the parser knows all columns of a text's result."""
    return not (checked["errors"] or checked["open"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_sent_parses_as_well_as_the_query(case: Case, parser: microsoft.Parser) -> None:
    """No text of ours has a complaint that the user's own text has not."""
    query = kql.read(case.text)
    said = parser.check(NAMES + case.text if query.windowed else case.text)
    bare = microsoft.complaints(said)
    verdict = kql.assess(
        query,
        method=case.settings.get("method"),
        cursor=case.settings.get("key"),
        unsafe=case.unsafe or not bare,
        columns=said["columns"] if known(said) else None,
    )

    for text in sent(query, verdict) if verdict.ok else ():
        assert parser.complaints(text) <= bare, text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_columns_that_the_text_tells_of_are_there(case: Case, parser: microsoft.Parser) -> None:
    """A yes or no about the cursor, without asking the service, is the parser's as well."""
    query = kql.read(case.text)
    watched = frozenset({"Timestamp", "TimeGenerated", case.settings.get("key", "Timestamp")})
    said = parser.check(case.text)

    columns: Columns = RowFlow(query, watched).result().columns

    times = {name for name, kind in said["columns"] if kind == "datetime"}
    told = {name: columns.has(name) for name in watched if columns.has(name) is not None}
    assert told == {name: name in times for name in told} or not known(said)


ENTRIES = [
    "Timestamp", "(Timestamp)", "startofday(Timestamp)", "bin(Timestamp, 1d)", "['Timestamp']",
    "todatetime(bin(Timestamp, 1h))", "tostring(Timestamp)", "Timestamp + 1h", "Subject",
    "startofweek(Timestamp)", "X = Timestamp", "Timestamp1 = Timestamp", "Timestamp2 = bin(X, 1d)",
    "Timestamp = startofday(Timestamp)", "Subject = Timestamp", "strlen(Subject)", "X",
    "format_datetime(Timestamp, 'yyyy')", "datetime_add('day', 1, Timestamp)", "bin(X, 1h)",
]  # fmt: skip
NAMED = [*"X", "Timestamp", *(f"{name}{n}" for name in ("Timestamp", "X") for n in (1, 2, 3))]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["project", "distinct", "extend", "serialize", "summarize", "summarize by"]),
    st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=5),
)
def test_expressions_without_a_name_have_the_names_that_microsofts_parser_gives(
    parser: microsoft.Parser, operator: str, entries: list[str]
) -> None:
    """The first of a name has it, the next ones have numbers, and text is no time."""
    if operator == "summarize":
        entries = [f"arg_max({entry.rpartition(' = ')[2]}, Subject)" for entry in entries]
    text = (
        f"EmailEvents | project Timestamp, Subject, X = Timestamp | {operator} {', '.join(entries)}"
    )
    said = parser.check(text)
    assume(known(said))

    columns: Columns = RowFlow(kql.read(text), frozenset(NAMED)).result().columns

    times = {name for name, kind in said["columns"] if kind == "datetime"}
    told = {name: has for name in NAMED if (has := columns.has(name)) is not None}
    assert told == {name: name in times for name in told}


def test_the_parser_knows_the_columns_of_most_of_the_corpus(parser: microsoft.Parser) -> None:
    """Where the parser has errors, or leaves columns open, there is nothing to compare with."""
    unknown = [case.name for case in CASES if not known(parser.check(case.text))]

    assert len(unknown) < len(CASES) / 4, unknown


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tokens_are_those_of_microsofts_lexer(case: Case, parser: microsoft.Parser) -> None:
    """Strings, literals, brackets, pipes and semicolons are cut in the same places."""
    assert ours(case.text) == official(parser, case.text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *"()[]{}|;.,=<>-+*/ \t\n\"'@hH`~:é$",
                "\r\n",
                "\\\\",
                "\\n",
                '\\"',
                "//",
                "```",
                "~~~",
                '@"',
                "h@'",
                'h"',
                "datetime(",
                "time(",
                "long(",
                "guid(",
                "x",
                "T",
                "1h",
                "a_b",
                "take",
                '"a;b"',
                "'|'",
                '@"\\"',
                "// c",
                "<|",
                "..",
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_any_text_is_cut_as_microsofts_lexer_cuts_it(parser: microsoft.Parser, text: str) -> None:
    """What we can read at all, we read alike; the rest we refuse with its place."""
    cut = read_or_refused(ours, text)

    if not isinstance(cut, QueryTextError):
        assert cut == official(parser, text)
