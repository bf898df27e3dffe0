"""Texts that are no good KQL, or hardly: nested, long, cut off, of odd characters."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

_CORPUS = Path(__file__).with_name("corpus")
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


_CALLS = (
    *("strcat({}, '/')", "tostring({})", "parse_json({})", "tolower({})", "strlen({})", "hash({})"),
    *("split({}, 'a')", "extract('x', 0, {})", "replace_string({}, 'a', 'b')", "todatetime({})"),
    *("iff(isempty({0}), {0}, 'b')", "coalesce({}, 'b')", "case({} == 'a', 'b', 'c')", "toint({})"),
    *(
        "parse_path({}).Filename",
        "parse_url({}).Host",
        "base64_encode_tostring({})",
        "trim('a', {})",
    ),
    *("bag_pack('k', {})", "array_length(pack_array({}))", "bin({}, 1d)", "startofday({})"),
    *("indexof({}, 'a')", "substring({}, 1)", "ipv4_is_private({})", "format_datetime({}, 'yy')"),
)
_OPERATORS = (
    *("extend b = a", "where n > 0", "project a, n", "summarize n = count() by a", "take 5"),
    *("mv-expand b = split(a, '-')", "join kind=inner (T | project a) on a", "distinct a, n"),
    *("union T", "sort by n desc", "extend b = prev(a)", "extend p = pack_all()", "top 3 by n"),
    *("mv-apply b = split(a, '-') on (take 1)", "parse a with b '-' c", "project-away a"),
    *("evaluate bag_unpack(parse_json(a))", "make-series c = count() on n from 0 to 9 step 1"),
    *("project-reorder n", "serialize", "search 'x'", "as X", "lookup (T) on a", "count"),
)
_DOUBLED = ("union {0}, {0}", "{0} | join {0} on a", "{0} | where a in ({0} | project a)")


def odd_texts(
    chance: random.Random, count: int, names: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield texts over a table `T` of a text `a` and a number `n`, the same for the same seed.

    `names` are other names for the three.
    """
    makers: tuple[Callable[[random.Random], str], ...] = (
        *(_mixed, _nested, _unicode, _cut) * 4,
        *(_long, _called, _piped, _doubled, _spliced, _listed),
    )
    given = names or {}
    for number in range(count):
        text = makers[number % len(makers)](chance)
        yield re.sub(r"\b[Tan]\b", lambda found: given.get(found[0], found[0]), text)


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


def _called(chance: random.Random) -> str:
    text = "a"
    for _ in range(chance.choice((1, 2, 4, 8, 16, 40))):
        text = chance.choice(_CALLS).format(text)
        if len(text) > 20_000:
            break
    return f"T | extend b = {text}"


def _piped(chance: random.Random) -> str:
    few = chance.choices(_OPERATORS, k=chance.choice((1, 2, 4, 8, 20, 60, 310)))
    if chance.random() < 0.3:  # the same again and again
        few = [few[0]] * len(few)
    return " | ".join(["T", *few])


def _doubled(chance: random.Random) -> str:
    depth = chance.choice((1, 2, 3, 5, 10, 40))
    write = chance.choice(_DOUBLED)
    lets = [f"let x{i + 1} = {write.format(f'x{i}')}; " for i in range(depth)]
    return f"let x0 = T; {''.join(lets)}x{depth} | count"


def _spliced(chance: random.Random) -> str:
    """Put a piece of one sound query into another."""
    texts = [
        text for file in sorted(_CORPUS.glob("*.kql")) for text in file.read_text().splitlines()
    ]
    one, other = chance.choice(texts), chance.choice(texts)
    start, end = sorted(chance.choices(range(len(other) + 1), k=2))
    place = chance.randint(0, len(one))
    return one[:place] + other[start:end] + one[place + chance.randint(0, 9) :]


def _listed(chance: random.Random) -> str:
    values = ", ".join(
        f"'{'v' * chance.randint(0, 9)}{i}'" for i in range(chance.choice((3, 3_000)))
    )
    return chance.choice(
        (
            f"T | where a in~ ({values})",
            f"T | where a has_any ({values})",
            f"let l = dynamic([{values}]); T | where a in (l)",
            f"print coalesce({values})",
            f"T | project {values}",
        )
    )
