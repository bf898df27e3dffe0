"""Operators in need of the columns at their place: `pack_all`, `project-keep`, FileProfile.

Pure, but for the columns, looked up by the caller.
"""

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Final

from hunting_emulator.kql.calls import call, rewrite_calls
from hunting_emulator.kql.letter_case import unmarked
from hunting_emulator.kql.pipelines import around, end_of
from hunting_emulator.kql.sql import quote, selected
from hunting_emulator.kql.tokens import (
    Token,
    quoted,
    split,
    string_value,
    text_of,
    tokenize,
)

Columns = Callable[[str], Sequence[tuple[str, str]]]
"""Answers which columns a query has, with their types in DuckDB."""

_PARSE: Final = re.compile(r"(\|\s*parse(?:-where)?)\s+([^\s=|]+)\s+with\s+(?=[A-Za-z_])")
_WIDTHS: Final = {"project-keep": 3, "project-reorder": 3, "invoke": 1, "serialize": 1}


def expand(text: str, columns: Columns) -> tuple[str, list[str]]:
    """Write out everything dependent on columns, first to last, each after the other.

    Returns the text, and the SQL of the rows packed there.
    """
    for name in ("project-keep", "project-reorder"):
        while (found := _operator(tokenize(text), name)) is not None:
            text = _with_columns(text, found, name, columns)
    text = _parsed_from_the_start(_serialized(_invoked(text)))
    while (at := _call(tokenize(text), "column_ifexists")) is not None:
        text = _if_exists(text, at, columns)
    packs: list[str] = []
    while (at := _call(tokenize(text), "pack_all")) is not None:
        text = _packed(text, at, columns, packs)
    return text, packs


def before(tokens: Sequence[Token], index: int) -> str | None:
    """Return the query whose rows reach the operator that stands around a token.

    >>> tokens = tokenize("let n = 1; T | where a > n | extend b = f(a)")
    >>> before(tokens, len(tokens) - 2)
    'let n = 1;T | where a > n '
    """
    place = around(tokens, index)
    return None if place is None else place.source(tokens)


def _operator(tokens: Sequence[Token], name: str) -> int | None:
    width = _WIDTHS[name]
    for index in range(len(tokens)):
        if tokens[index].kind == "name" and text_of(tokens[index : index + width]) == name:
            return index
    return None


def _with_columns(text: str, index: int, name: str, columns: Columns) -> str:
    tokens = tokenize(text)
    start = index + _WIDTHS[name]
    end = end_of(tokens, start)
    source = before(tokens, index)
    have = [] if source is None else [name for name, _ in columns(source)]
    asked = [_pattern(text_of(part)) for part in split(tokens[start:end], ",")]
    order = _kept(have, asked) if name == "project-keep" else _reordered(have, asked)
    named = ", ".join(f"[{quoted(column)}]" for column in order)
    return f"{text_of(tokens[:index])}project {named} {text_of(tokens[end:])}"


def _pattern(text: str) -> tuple[str, str]:
    """Return the name or pattern, and `asc`, `desc` or an empty text behind."""
    name, _, order = text.strip().partition(" ")
    if name.startswith("["):
        name = string_value(name[1:-1])
    return name, order.strip()


def _matches(have: Sequence[str], pattern: str) -> list[str]:
    return [column for column in have if fnmatch.fnmatchcase(column, pattern)]


def _kept(have: Sequence[str], asked: Sequence[tuple[str, str]]) -> list[str]:
    chosen = {column for pattern, _ in asked for column in _matches(have, pattern) or [pattern]}
    return [*(column for column in have if column in chosen), *sorted(chosen - set(have))]


def _reordered(have: Sequence[str], asked: Sequence[tuple[str, str]]) -> list[str]:
    first: list[str] = []
    for pattern, order in asked:
        found = _matches(have, pattern) or [pattern]
        if order:
            found.sort(reverse=order == "desc")
        first += [column for column in found if column not in first]
    return first + [column for column in have if column not in first]


def _call(tokens: Sequence[Token], name: str) -> int | None:
    return next((i for i, t in enumerate(tokens) if t.kind == "name" and t.text == name), None)


def _packed(text: str, index: int, columns: Columns, packs: list[str]) -> str:
    tokens = tokenize(text)
    source = before(tokens, index)
    have = [] if source is None else columns(source)
    pairs = ", ".join(f"'{_plain(name)}', {_element(name, kind)}" for name, kind in have)
    packed = f"json_object({pairs})"
    if _without_empty(tokens, index):
        packed = f"kusto_without_empty({packed})"
    packs.append(packed)
    marked = [*tokens[:index], Token("name", "__packed", 0), *tokens[index + 1 :]]
    made = call("packed", f"'{len(packs) - 1}'")
    return rewrite_calls(text_of(marked), "__packed", lambda _: made)


def _without_empty(tokens: Sequence[Token], index: int) -> bool:
    """Say whether it is `pack_all(true)`, which leaves out nulls and empty texts."""
    return text_of(tokens[index + 1 : index + 6]).replace(" ", "").startswith("(true)")


def _if_exists(text: str, index: int, columns: Columns) -> str:
    tokens = tokenize(text)
    source = before(tokens, index)
    have = {unmarked(name): name for name, _ in columns(source)} if source else {}
    marked = [*tokens[:index], Token("name", "__exists", 0), *tokens[index + 1 :]]

    def chosen(arguments: list[str]) -> str:
        name = string_value(arguments[0].strip())
        return f"[{quoted(have[name])}]" if name in have else arguments[1]

    return rewrite_calls(text_of(marked), "__exists", chosen)


def _serialized(text: str) -> str:
    """Write `serialize` as an `extend`, correct for rows in order, or leave the operator out."""
    while (index := _operator(tokenize(text), "serialize")) is not None:
        tokens = tokenize(text)
        end = end_of(tokens, index)
        made = "extend" if text_of(tokens[index + 1 : end]).strip() else "where true"
        text = text_of(tokens[:index]) + made + text_of(tokens[index + 1 :])
    return text_of(_sampled(tokenize(text)))


def _sampled(tokens: Sequence[Token]) -> list[Token]:
    """Take the first rows for a sample: any rows will do."""
    return [
        Token("name", "take", token.start)
        if token.text == "sample" and _after_pipe(tokens, index)
        else token
        for index, token in enumerate(tokens)
    ]


def _after_pipe(tokens: Sequence[Token], index: int) -> bool:
    before_it = [token for token in tokens[:index] if token.kind != "space"]
    after_it = tokens[index + 1 : index + 2]
    return bool(before_it) and before_it[-1].text == "|" and [t.kind for t in after_it] == ["space"]


def _parsed_from_the_start(text: str) -> str:
    """Put a mark before the text read by `parse` where the pattern begins with a column."""
    return _PARSE.sub(r"\1 strcat('^^', \2) with '^^' ", text)


def _plain(name: str) -> str:
    return unmarked(name).replace("'", "''")


def _element(name: str, kind: str) -> str:
    """Write a value in the form of a dynamic's element."""
    return selected(name, kind) if kind.startswith(("TIMESTAMP", "INTERVAL")) else quote(name)


def _invoked(text: str) -> str:
    """Write the effect of advanced hunting's own functions on the rows of an `invoke`."""
    done = 0
    while (index := _operator(tokenize(text)[done:], "invoke")) is not None:
        tokens = tokenize(text)
        at, end = done + index, end_of(tokens, done + index)
        name, _, rest = text_of(tokens[at + 1 : end]).strip().partition("(")
        arguments = split(tokenize(rest.rpartition(")")[0]), ",")
        column = text_of(arguments[0]).strip().strip("\"'")
        write = _INVOKED.get(name.strip())
        if write is not None:
            text = f"{text_of(tokens[:at])}{write(column)} {text_of(tokens[end:])}"
        done = at + 1
    return text


def _device_from_ip(column: str) -> str:
    """Write the look-up of the devices by address."""
    ip = column or "IP"
    return (
        "join kind=inner (DeviceNetworkInfo | extend __address = parse_json(IPAddresses)"
        " | mv-expand __address"
        " | summarize __device = take_any(DeviceId) by __ip = tostring(__address.IPAddress))"
        f" on $left.{ip} == $right.__ip | project IP = {ip}, DeviceId = __device"
    )


def _file_profile(column: str) -> str:
    return f"extend {_profile(column or 'SHA1')}"


def _profile(column: str) -> str:
    """Write the columns of FileProfile; a file's values depend on the hash alone."""
    number = f"hash({column}, 1000)"
    known = f"isnotempty({column})"
    rare = f"iff({number} % 5 == 0, {number} / 5 + 1, {number} * {number} + 1)"  # a fifth is rare
    facts = {
        "GlobalPrevalence": f"iff({known}, {rare}, long(null))",
        "GlobalFirstSeen": f"iff({known}, ago(1d) - 1d * {number}, datetime(null))",
        "GlobalLastSeen": f"iff({known}, ago(1h), datetime(null))",
        "Signer": f"iff({known} and {number} % 3 > 0, 'Microsoft Corporation', '')",
        "Issuer": f"iff({known} and {number} % 3 > 0, 'Microsoft Code Signing PCA 2011', '')",
        "SignerHash": "''",
        "IsCertificateValid": f"iff({known}, {number} % 3 > 0, bool(null))",
        "IsRootSignerMicrosoft": f"iff({known}, {number} % 3 > 0, bool(null))",
        "SignatureState": f"iff({known} and {number} % 3 > 0, 'SignedValid', 'Unsigned')",
        "IsExecutable": f"iff({known}, true, bool(null))",
        "ThreatName": "''",
        "Publisher": f"iff({known} and {number} % 3 > 0, 'Microsoft', '')",
        "SoftwareName": "''",
        "ProfileAvailability": f"iff({known}, 'Available', 'Missing')",
    }
    return ", ".join(f"{name} = {value}" for name, value in facts.items())


def _seen_by(_column: str) -> str:
    """Write the column that SeenBy adds: no device has been seen by another one."""
    return "extend SeenBy = ''"


_INVOKED: Final = {
    "SeenBy": _seen_by,
    "FileProfile": _file_profile,
    "DeviceFromIP": _device_from_ip,
}
