"""Calls of functions in other words: those that the translator lacks, and the emulator's macros.

Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from hunting_emulator.kql.tokens import (
    Token,
    at,
    closing,
    following,
    quoted,
    split,
    text_of,
    tokenize,
)

CALL: Final = "pow('@{name}', "
"""How a call of a macro goes through the translator, which leaves `pow` and its arguments alone."""

MACRO_FUNCTIONS: Final = frozenset(
    {
        "bag_keys",
        "ipv4_is_in_range",
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
        "url_encode",
    }
)
"""Functions that the translator lacks and that macros have."""

Rewrites = Mapping[str, Callable[[list[str]], str]]


def rewrite_calls(text: str, name: str, rewrite: Callable[[list[str]], str]) -> str:
    """Replace each `name(…)` by what `rewrite` makes of its arguments, innermost first.

    >>> rewrite_calls("print f(f(1), g(2))", "f", lambda given: "-".join(given))
    'print 1- g(2)'
    """
    while True:
        tokens = tokenize(text)
        call = _last_call(tokens, name)
        if call is None:
            return text
        start, opening, end = call
        inside = tokens[opening + 1 : end]
        arguments = [text_of(part) for part in split(inside, ",")] if text_of(inside) else []
        made = rewrite(arguments)
        text = text_of(tokens[:start]) + made + text_of(tokens[end + 1 :])


def _last_call(tokens: Sequence[Token], name: str) -> tuple[int, int, int] | None:
    for start in range(len(tokens) - 1, -1, -1):
        if tokens[start].kind == "name" and tokens[start].text == name:
            opening = following(tokens, start + 1)
            end = closing(tokens, opening) if at(tokens, opening) == "(" else None
            if end is not None:
                return start, opening, end
    return None


def in_other_words(text: str) -> str:
    """Say what the translator has no function for with those that it has."""
    for name, rewrite in _FUNCTIONS.items():
        text = rewrite_calls(text, name, rewrite)
    return text


def call(name: str, *arguments: str) -> str:
    """Write the call of a macro, whose one argument is 1 unless given, for the translator.

    >>> call("tohex", "n"), call("hypot", "a", "b")
    ("pow('@tohex', n)", "pow('@hypot', pow(a, b))")
    """
    given = f"pow({', '.join(arguments)})" if len(arguments) > 1 else "".join(arguments) or "1"
    return f"{CALL.format(name=name)}{given})"


def _hash(arguments: list[str]) -> str:
    hashed = call("hash", arguments[0])
    return hashed if len(arguments) == 1 else f"({hashed} % ({arguments[1]}))"


def _called(name: str, arguments: list[str]) -> str:
    return call(name, *arguments)


def _is_private(arguments: list[str]) -> str:
    private = r"^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)[0-9.]+(/[0-9]+)?$"
    return f"(tostring({arguments[0]}) matches regex {quoted(private)})"


def _has_any_ipv4(arguments: list[str]) -> str:
    return "(" + " or ".join(f"{arguments[0]} has {ip}" for ip in arguments[1:]) + ")"


def _percentiles(arguments: list[str]) -> str:
    return ", ".join(f"percentile({arguments[0]}, {rank.strip()})" for rank in arguments[1:])


_FUNCTIONS: Final[Rewrites] = {
    "hash": _hash,
    "has_any_ipv4": _has_any_ipv4,
    "has_ipv4": _has_any_ipv4,
    "hash_xxhash64": _hash,
    "percentiles": _percentiles,
    "ipv4_is_private": _is_private,
    **{name: partial(_called, name) for name in sorted(MACRO_FUNCTIONS)},
}
