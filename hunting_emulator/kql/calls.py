"""Calls rewritten for the translator: functions missing there, and the emulator's macros.

Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from hunting_emulator.kql.tokens import (
    CLOSING,
    OPENING,
    Token,
    at,
    closing,
    following,
    quoted,
    split,
    string_value,
    text_of,
    tokenize,
)

CALL: Final = "pow('@{name}', "
"""How a call of a macro goes through the translator, which leaves `pow` and its arguments alone."""

MACRO_FUNCTIONS: Final = frozenset(
    {
        "bag_keys",
        "isascii",
        "next",
        "prev",
        "row_number",
        "strcat_array",
        "tohex",
        "unixtime_microseconds_todatetime",
        "unixtime_milliseconds_todatetime",
        "unixtime_nanoseconds_todatetime",
        "unixtime_seconds_todatetime",
        "url_decode",
    }
)
"""Functions that the translator lacks and that macros have."""

_TEXT_MAKERS: Final = frozenset({"strcat", "tostring"})

Rewrites = Mapping[str, Callable[[list[str]], str]]


def rewrite_calls(text: str, name: str, rewrite: Callable[[list[str]], str]) -> str:
    """Replace each `name(…)` by the result of `rewrite` on the arguments, innermost first.

    >>> rewrite_calls("print f(f(1), g(2))", "f", lambda given: "-".join(given))
    'print 1- g(2)'
    """
    tokens = list(tokenize(text))
    for start in range(len(tokens) - 1, -1, -1):
        call = _call_at(tokens, start, name)
        if call is None:
            continue
        opening, end = call
        made = rewrite(_arguments(tokens[opening + 1 : end]))
        tokens[start : end + 1] = tokenize(made)
    return text_of(tokens)


def _call_at(tokens: Sequence[Token], start: int, name: str) -> tuple[int, int] | None:
    """Return the brackets of the call whose name is at an index."""
    if tokens[start].kind != "name" or tokens[start].text != name:
        return None
    opening = following(tokens, start + 1)
    end = closing(tokens, opening) if at(tokens, opening) == "(" else None
    return None if end is None else (opening, end)


def _arguments(inside: Sequence[Token]) -> list[str]:
    return [text_of(part) for part in split(inside, ",")] if text_of(inside) else []


def texts_once(text: str) -> str:
    """Have values turned to text once where calls that make text are nested.

    The translator writes an argument of `tostring` and `strcat` eight times, and so on inwards.

    >>> texts_once("print tostring(strcat(a, 'b'))")
    "print tostring(kusto_concat(kusto_text_once(a), 'b'))"
    """
    tokens = list(tokenize(text))
    for start in sorted(_nested(tokens), reverse=True):
        call = _call_at(tokens, start, tokens[start].text)
        if call is None:
            continue
        opening, end = call
        given = [_once(argument) for argument in _arguments(tokens[opening + 1 : end])]
        made = f"kusto_concat({','.join(given)})" if tokens[start].text == "strcat" else given[0]
        tokens[start : end + 1] = tokenize(made)
    return text_of(tokens)


def _once(argument: str) -> str:
    plain = argument.strip().startswith(("'", '"', "kusto_concat(", "kusto_text_once("))
    return argument if plain else f"kusto_text_once({argument})"


def _nested(tokens: Sequence[Token]) -> list[int]:
    """Return where the calls that make text stand inside other calls of that kind."""
    found: list[int] = []
    around: list[bool] = [False]
    name: int | None = None
    for index, token in enumerate(tokens):
        if token.kind == "space":
            continue
        makes_text = name is not None and tokens[name].text in _TEXT_MAKERS
        if token.kind == "mark" and token.text in OPENING:
            if makes_text and name is not None and around[-1]:
                found.append(name)
            around.append(around[-1] or (makes_text and token.text == "("))
        elif token.kind == "mark" and token.text in CLOSING and len(around) > 1:
            around.pop()
        name = index if token.kind == "name" else None
    return found


def in_other_words(text: str) -> str:
    """Express functions missing in the translator by functions known there."""
    words = {token.text for token in tokenize(text) if token.kind == "name"}
    for name, rewrite in _FUNCTIONS.items():
        if name in words:
            text = rewrite_calls(text, name, rewrite)
    return texts_once(text.replace(_SAME, ""))


def call(name: str, *arguments: str) -> str:
    """Write the call of a macro for the translator; a single argument is 1 unless given.

    >>> call("tohex", "n"), call("hypot", "a", "b")
    ("pow('@tohex', n)", "pow('@hypot', pow(a, b))")
    """
    given = f"pow({', '.join(arguments)})" if len(arguments) > 1 else "".join(arguments) or "1"
    return f"{CALL.format(name=name)}{given})"


def _called(name: str, arguments: list[str]) -> str:
    return call(name, *arguments)


def _renamed(name: str, arguments: list[str]) -> str:
    return f"{name}({','.join(arguments)})"


def _by_count(name: str, others: Mapping[int, str], arguments: list[str]) -> str:
    """Call another function where there are more arguments than usual."""
    return _renamed(others.get(len(arguments), f"{_SAME}{name}"), arguments)


def _listed(name: str, fixed: int, arguments: list[str]) -> str:
    """Make one list of the arguments behind the first ones."""
    rest = arguments[fixed:]
    given = rest[0] if len(rest) == 1 else f"pack_array({','.join(rest)})"
    return _renamed(f"{_SAME}{name}", [*arguments[:fixed], given])


def _typed(name: str, usual: int, arguments: list[str]) -> str:
    """Convert to the type that a last argument `typeof(…)` names."""
    made = _renamed(f"{_SAME}{name}", arguments[:usual])
    if len(arguments) <= usual:
        return made
    kind = arguments[usual].strip().removeprefix("typeof").strip(" ()")
    return f"to{kind}({made})"


def _replaced(arguments: list[str]) -> str:
    """Write the old `replace(regex, rewrite, source)`."""
    pattern, rewrite, source = arguments
    return f"replace_regex({source},{pattern},{rewrite})"


def _bin_at(arguments: list[str]) -> str:
    value, width, fixed = arguments
    if any(word in fixed for word in ("datetime", "ago", "now", "startof")):
        return f"grid_time({value}, {fixed}, {width})"
    return f"({fixed} + bin({value} - {fixed}, {width}))"


def _datetime_diff(arguments: list[str]) -> str:
    """Count weeks from Sunday to Sunday; other periods are the translator's."""
    period = arguments[0].strip()
    if period[:1] in {"'", '"'} and string_value(period).lower() == "week":
        return _renamed("weeks_between", arguments[1:])
    return _renamed(f"{_SAME}datetime_diff", arguments)


def _format_datetime(arguments: list[str]) -> str:
    """Write the seventh digit, which the translator refuses, from the text of the time."""
    value, form = arguments[0], arguments[-1].strip()
    if form[:1] not in {"'", '"'} or _TICKS not in form:
        return _renamed(f"{_SAME}format_datetime", arguments)
    pieces = string_value(form).split(_TICKS)
    texts = [
        f"{_SAME}format_datetime({value}, {quoted(piece)})" if piece else "" for piece in pieces
    ]
    digits = f"substring(tostring({value}), {_SECOND_ENDS}, {len(_TICKS)})"
    between = [part for text in texts for part in (digits, text)][1:]
    return f"kusto_concat({', '.join(part for part in between if part)})"


def _own(name: str, arguments: list[str]) -> str:
    """Call the macro where the translator has a form of its own."""
    return _renamed(f"{OWN}{name}", arguments)


def _percentiles(arguments: list[str]) -> str:
    return ", ".join(f"percentile({arguments[0]}, {rank.strip()})" for rank in arguments[1:])


def _bag_merge(arguments: list[str]) -> str:
    made = arguments[-1]
    for bag in reversed(arguments[:-1]):
        made = call("bag_merge", made, bag)
    return made


def _percentiles_array(arguments: list[str]) -> str:
    return f"{_SAME}percentiles_array({arguments[0]}, pack_array({','.join(arguments[1:])}))"


_SAME: Final = "__same_"
_TICKS: Final = "fffffff"
_SECOND_ENDS: Final = len("2026-03-04T05:06:07.")
OWN: Final = "kusto_"
_PERIODS: Final = ("day", "week", "month", "year")

_FUNCTIONS: Final[Rewrites] = {
    "argmax": partial(_renamed, "arg_max"),
    "argmin": partial(_renamed, "arg_min"),
    "bag_merge": _bag_merge,
    "bin_at": _bin_at,
    "datetime_add": partial(_own, "datetime_add"),
    "datetime_diff": _datetime_diff,
    **{f"endof{period}": partial(_own, f"endof{period}") for period in _PERIODS},
    "extract": partial(_typed, "extract", 3),
    "extract_json": partial(_typed, "extract_json", 2),
    "extractall": partial(_renamed, "extract_all"),
    "extractjson": partial(_typed, "extractjson", 2),
    "has_any_ipv4": partial(_listed, "has_any_ipv4", 1),
    "has_any_ipv4_prefix": partial(_listed, "has_any_ipv4_prefix", 1),
    "format_datetime": _format_datetime,
    "hash_xxhash64": partial(_renamed, "hash"),
    "indexof": partial(_by_count, "indexof", {3: "indexof_from"}),
    "ipv4_is_in_any_range": partial(_listed, "ipv4_is_in_any_range", 1),
    "make_list_if": partial(_by_count, "make_list_if", {3: "make_list_if_most"}),
    "make_set_if": partial(_by_count, "make_set_if", {3: "make_set_if_most"}),
    "make_string": partial(_listed, "make_string", 0),
    "makelist": partial(_renamed, "make_list"),
    "makeset": partial(_renamed, "make_set"),
    "make_list": partial(_by_count, "make_list", {2: "make_list_most"}),
    "make_set": partial(_by_count, "make_set", {2: "make_set_most"}),
    "notempty": partial(_renamed, "isnotempty"),
    "pack_dictionary": partial(_renamed, "bag_pack"),
    "percentiles": _percentiles,
    "percentiles_array": _percentiles_array,
    "replace": _replaced,
    "split": partial(_by_count, "split", {3: "split_at"}),
    **{name: partial(_called, name) for name in sorted(MACRO_FUNCTIONS)},
}
