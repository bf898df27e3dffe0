"""KQL text is cut where Kusto cuts it, and any text at all is cut or refused with its place."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.kql.tokens import TokenKind, line_starts, position, tokens
from tests.kql.corpus import read_or_refused

texts = st.text(
    st.sampled_from("abhH@\"'`~\\|;()[]{}/#.,:=<>-0159 \t\r\n\u00a0\u2028é$") | st.characters(),
    max_size=200,
)


def pieces(text: str) -> list[str]:
    """Return the text of each token."""
    return [token.text for token in tokens(text)]


def error_offset(error: QueryTextError, text: str) -> int:
    """Return where in the text the error points."""
    return line_starts(text)[error.line - 1] + error.column - 1


def kinds(text: str) -> list[tuple[str, str]]:
    """Return kind and text of each token that is code."""
    return [(token.kind.name, token.text) for token in tokens(text) if token.is_code]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"a;b|c"', id="double-quotes"),
        pytest.param("'a\"b'", id="single-quotes"),
        pytest.param(r'"a\"b"', id="escaped-quote"),
        pytest.param(r'"a\\"', id="escaped-backslash-at-the-end"),
        pytest.param('@"C:\\"', id="verbatim-backslash"),
        pytest.param('@"a""b"', id="verbatim-doubled-quote"),
        pytest.param("@'a''b'", id="verbatim-single-quotes"),
        pytest.param('h"secret"', id="hidden"),
        pytest.param("H'secret'", id="hidden-capital"),
        pytest.param('h@"C:\\"', id="hidden-verbatim"),
        pytest.param("```a\n\n\"b' ~~~```", id="backticks"),
        pytest.param("~~~a\n``` \\~~~", id="tildes"),
        pytest.param('"// no comment"', id="no-comment"),
    ],
)
def test_every_form_of_string_is_one_token(text: str) -> None:
    """What stands in a string, whatever its form, cannot end a statement or a stage."""
    assert kinds(f"{text};x") == [("STRING", text), ("SIGN", ";"), ("NAME", "x")]


@pytest.mark.parametrize(
    "literal",
    [
        "int32(a;b)",
        "int64(1)",
        "date(2026-01-01)",
        "datetime(2026-01-01 00:00:00)",
        "time(1.02:00:00)",
        "guid(a;b)",
        "real(+inf)",
        "long(null)",
    ],
)
def test_a_typed_literal_holds_raw_text(literal: str) -> None:
    """Colons, dots and semicolons inside are no operators."""
    assert kinds(f"{literal}|x") == [("LITERAL", literal), ("SIGN", "|"), ("NAME", "x")]


@pytest.mark.parametrize("text", ["datetime (1)", "todatetime(1)", "dynamic(1)", "DateTime(1)"])
def test_what_only_looks_like_a_typed_literal_is_a_call(text: str) -> None:
    """Kusto wants the type's name in lower case with the bracket right after it."""
    assert [kind for kind, _ in kinds(text)] == ["NAME", "SIGN", "NUMBER", "SIGN"]


def test_comments_end_with_their_line_and_nothing_else_is_one() -> None:
    """Kusto knows no block comments, and a slash alone divides."""
    assert kinds("a // b; 'c\nd / e /* f") == [
        ("NAME", "a"),
        ("NAME", "d"),
        ("SIGN", "/"),
        ("NAME", "e"),
        ("SIGN", "/"),
        ("SIGN", "*"),
        ("NAME", "f"),
    ]


@given(texts)
@example('h@"')
@example("datetime(")
@example("``")
def test_any_text_is_cut_whole_or_refused_with_its_place(text: str) -> None:
    """Tokens, put together, are the text; a refusal points at a place in it."""
    cut = read_or_refused(pieces, text)

    if isinstance(cut, QueryTextError):
        assert 1 <= error_offset(cut, text) + 1 <= len(text)
    else:
        assert "".join(cut) == text


@pytest.mark.parametrize(
    "piece", ['"', "'a", '@"', "(", "datetime(", "`", "~~", "\\", '"a" ', "h", "//", "[{(", "\n\r"]
)
def test_a_long_text_takes_no_longer_by_its_form(piece: str) -> None:
    """A hundred thousand characters of anything are cut or refused; nothing is tried twice."""
    text = piece * (100_000 // len(piece))

    cut = read_or_refused(pieces, text)

    if isinstance(cut, QueryTextError):
        assert cut.line == 1
    else:
        assert "".join(cut) == text


@given(st.lists(st.sampled_from(["a", "\n", "\r\n", "\r", " "]), max_size=30))
def test_a_position_counts_lines_of_any_ending(words: list[str]) -> None:
    """Line and column lead back to the offset."""
    text = "".join(words) + "x"

    line, column = position(text, len(text) - 1)

    assert line_starts(text)[line - 1] + column - 1 == len(text) - 1


def test_no_token_is_space_or_comment_and_code() -> None:
    """Space and comments mean nothing; a directive does."""
    codes = {token.kind for token in tokens("a #b\n// c") if token.is_code}

    assert codes == {TokenKind.NAME, TokenKind.DIRECTIVE}
