"""Texts that are no good KQL, or hardly: nested, long, cut off, of odd characters."""

import random
from collections.abc import Iterator

_PIECES = (
    "T",
    "a",
    "n",
    "|",
    "where",
    "extend",
    "project",
    "summarize",
    "count()",
    "by",
    "==",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    "let",
    "=",
    ",",
    "'x'",
    '"y"',
    "@'z'",
    "1",
    "1h",
    "0x",
    "1e5",
    "and",
    "or",
    "not(",
    "strcat(",
    "tostring(",
    "parse_json(",
    "iff(",
    "datetime(",
    "dynamic(",
    "..",
    "mv-expand",
    "mv-apply",
    "on",
    "join",
    "union",
    "search",
    "evaluate",
    "bag_unpack(",
    "invoke",
    "externaldata",
    "make-series",
    "step",
    "//",
    "\n",
    "\\",
    "```",
    "$left",
    "*",
    "-",
    "typeof(",
)
_ODD = "\u0000\u00e4\u4e2d\U0001f600\u200b\ufeff\u2028\ud7ff'\"`~@#$%^&|\\\t\r\n"
_WRAPS = (
    "({})",
    "not({})",
    "strcat({}, 'b')",
    "tostring({})",
    "parse_json({})",
    "iff({}, 1, 2)",
    "[{}]",
    "dynamic([{}])",
    "(T | where {})",
    "split({}, 'a', 1)",
    "toscalar(T | take {})",
)


def odd_texts(chance: random.Random, count: int) -> Iterator[str]:
    """Yield texts, the same for the same seed."""
    makers = (_mixed, _nested, _long, _unicode, _cut)
    for number in range(count):
        yield makers[number % len(makers)](chance)


def _mixed(chance: random.Random) -> str:
    return "T | " + " ".join(chance.choices(_PIECES, k=chance.randint(1, 40)))


def _nested(chance: random.Random) -> str:
    text = chance.choice(("a", "1", "n == 1", "'x'"))
    for _ in range(chance.choice((3, 8, 20, 150, 2_000))):
        text = chance.choice(_WRAPS).format(text)
        if len(text) > 100_000:
            break
    return f"T | where {text}"


def _long(chance: random.Random) -> str:
    piece = chance.choice(("a == 1 or ", "| extend b = a ", "'x', ", "(", "let a = 1; ", "1+"))
    return "T | where " + piece * chance.choice((10, 100, 1_000))


def _unicode(chance: random.Random) -> str:
    return "T | where a == '" + "".join(chance.choices(_ODD, k=chance.randint(1, 60))) + "'"


def _cut(chance: random.Random) -> str:
    text = (
        "let f = (x:long=1) { T | where n > x }; f(2) | join kind=inner (T | mv-apply y = "
        "parse_json(a) on (where y.k == 'v')) on a | summarize make_set(n, 5) by bin(n, 2)"
    )
    return text[: chance.randint(1, len(text))] + chance.choice(("", ")", "'", "|", "\\"))
