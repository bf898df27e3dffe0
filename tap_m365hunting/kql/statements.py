"""From text to a query that can be bounded: brackets pair, and exactly one statement has a result.

Pure.
"""

from collections.abc import Mapping
from itertools import count
from typing import Final

from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.kql.lookalikes import refuse_lookalikes
from tap_m365hunting.kql.names import definition, functions, variables
from tap_m365hunting.kql.query import WINDOW_NAMES, Query, TokenSpan
from tap_m365hunting.kql.tokens import Token, TokenKind, position, tokens

# A hunter's query nests a dozen deep; a text beyond this is no query, and would not be read safely.
MAX_DEPTH: Final = 60

_CLOSING: Final[Mapping[str, str]] = {"(": ")", "[": "]", "{": "}"}
_LEADING: Final = frozenset({"let", "set", "declare", "alias", "restrict"})


def read(text: str) -> Query:
    r"""Take a query's text apart.

    Raises:
        QueryTextError: the text is not KQL with exactly one result, with line and column.

    >>> query = read("let n = 5;\nDeviceInfo | where OnboardingStatus == 'a;b' // c;")
    >>> len(query.leading), [t.text for t in query.tokens[query.final.start :]][:3]
    (1, ['DeviceInfo', '|', 'where'])
    """
    text = text.removeprefix("\ufeff")
    code = tuple(token for token in tokens(text) if token.is_code)
    refuse_lookalikes(text, code)
    closing = _partners(text, code)
    draft = Query(text, code, closing, (), TokenSpan(0, len(code)), _unused_name(text))
    statements = [span for span in draft.split(draft.final, ";") if span]
    final = _result(draft, statements)
    _check_definitions(draft)
    leading = tuple(statements[:-1])
    lets = {let.name: let.value for span in leading if (let := definition(draft, span))}
    found = functions(draft), lets, variables(draft)
    return Query(text, code, closing, leading, final, draft.hunt, *found)


def _unused_name(text: str) -> str:
    folded = text.casefold()
    names = ("__hunt" if n == 0 else f"__hunt{n}" for n in count())
    return next(name for name in names if name not in folded)


def _partners(text: str, code: tuple[Token, ...]) -> dict[int, int]:
    """Lead from each opening bracket to the closing one."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(code):
        if token.kind is not TokenKind.SIGN:
            continue
        if token.text in _CLOSING:
            opened.append(index)
            _check_depth(text, code, opened)
        elif token.text in _CLOSING.values():
            _check_pair(text, code, opened, index)
            partners[opened.pop()] = index
    if opened:
        msg = f"'{code[opened[-1]].text}' is never closed"
        raise _at(msg, text, code[opened[-1]])
    return partners


def _check_depth(text: str, code: tuple[Token, ...], opened: list[int]) -> None:
    if len(opened) > MAX_DEPTH:
        msg = f"Brackets nest deeper than {MAX_DEPTH}; name the inner parts with let"
        raise _at(msg, text, code[opened[-1]])


def _check_pair(text: str, code: tuple[Token, ...], opened: list[int], index: int) -> None:
    closing = code[index]
    if not opened:
        msg = f"'{closing.text}' closes nothing"
        raise _at(msg, text, closing)
    opening = code[opened[-1]]
    if _CLOSING[opening.text] != closing.text:
        line, column = position(text, opening.start)
        msg = (
            f"'{closing.text}' does not close the '{opening.text}' of line {line}, column {column}"
        )
        raise _at(msg, text, closing)


_FOLDED: Final = (
    "The query is a comment as a whole: its lines were joined into one, as YAML does behind `>`; "
    "write `|` there, or put the comment behind the query"
)


def _at(message: str, text: str, token: Token) -> QueryTextError:
    line, column = position(text, token.start)
    return QueryTextError(message, line=line, column=column)


def _result(query: Query, statements: list[TokenSpan]) -> TokenSpan:
    """Return the only statement with a result, without a `render` at its end."""
    for index, token in enumerate(query.tokens):
        if token.kind is TokenKind.DIRECTIVE:
            msg = "Directives (#) are for desktop tools; the service knows none. Remove the line"
            raise query.error(msg, index)
    if not statements:
        text = query.text.strip()
        folded = text.startswith("//") and "|" in text and len(text.splitlines()) == 1
        msg = _FOLDED if folded else "The query is empty"
        raise QueryTextError(msg, line=1, column=1)
    results = [span for span in statements if not _is_leading(query, span)]
    _check_results(query, statements, results)
    return _without_render(query, results[0])


def _is_leading(query: Query, span: TokenSpan) -> bool:
    return query.name_at(span.start) in _LEADING


def _check_results(query: Query, statements: list[TokenSpan], results: list[TokenSpan]) -> None:
    first = statements[0].start
    if query.is_sign(first, "."):
        msg = "Management commands (.) cannot be hunted with; the service runs queries only"
        raise query.error(msg, first)
    if not results:
        msg = "The query has no result: after the last ';' must follow the expression to read"
        raise query.error(msg, statements[-1].start)
    if len(results) > 1:
        lines = [str(query.error("", span.start).line) for span in results]
        msg = (
            f"The query has {len(results)} results, on lines {', '.join(lines)}; a stream has one. "
            "Make a query of each, or join them with union"
        )
        raise query.error(msg, results[1].start)
    if results[0] != statements[-1]:
        line = query.error("", results[0].start).line
        msg = f"A statement follows the result; move it before the expression on line {line}"
        raise query.error(msg, statements[-1].start)


def _without_render(query: Query, span: TokenSpan) -> TokenSpan:
    stages = query.split(span, "|")
    if len(stages) > 1 and query.name_at(stages[-1].start) == "render":
        return TokenSpan(span.start, stages[-1].start - 1)
    return span


def _check_definitions(query: Query) -> None:
    """Refuse a `let`, a column or a parameter with a name reserved for the window."""
    for index in range(len(query.tokens)):
        name = query.name_at(index)
        defined = any(query.is_sign(index + 1, sign) for sign in ("=", ":"))
        if name in WINDOW_NAMES and defined and not query.is_sign(index - 1, "."):
            msg = f"The query defines {name}, which the tap does: remove that, or rename it"
            raise query.error(msg, index)
