"""The KQL of a map: objects from the innermost out, without what is missing or empty.

Pure. KQL's `bag_pack` keeps a missing value as null and an empty text as "", which schemas refuse.
So each field that may be missing is a bag of its own, empty where the value is, and an object is
the union of the bags.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from siem_maps.fields import ALWAYS, Field, Map, Node

ADDRESS: Final = (
    r'@"^(\d{1,3}(\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*(\d{1,3}(\.\d{1,3}){3})?)$"'
)
_HELPERS: Final = {
    "text": "string",
    "ip": "string",
    "whole": "long",
    "flag": "bool",
    "moment": "datetime",
    "list": "dynamic",
    "bag": "dynamic",
}
_MISSING: Final = {
    "text": "isempty({})",
    "ip": "not({} matches regex " + ADDRESS.replace("{", "{{").replace("}", "}}") + ")",
    "whole": "isnull({})",
    "flag": "isnull({})",
    "moment": "isnull({})",
    "list": "coalesce(array_length({}), 0) == 0",
    "bag": "array_length(bag_keys({})) == 0",
}
# functions that return a list of one member, or of none
_LISTS: Final = {
    "addresses": (
        f"let addresses = (value: string) {{ iff(value matches regex {ADDRESS},"
        " pack_array(value), dynamic([])) };"
    ),
    "digest": (
        "let digest = (algorithm: long, value: string) { iff(isempty(value), dynamic([]),"
        ' pack_array(bag_pack("algorithm_id", algorithm, "value", value))) };'
    ),
}
# words of KQL that are no names of columns unless they stand in brackets
_WORDS: Final = ("time",)


def text(wanted: Map, about: str) -> str:
    """Return the query's text; `about` is the comment above it."""
    steps = _steps(wanted.tree, "")
    columns = _lines(["Timestamp", *_columns(wanted.tree)])
    body = "\n".join((wanted.table, *steps, f"| project{columns}"))
    return "\n".join((about.rstrip(), *_helpers(body), body)) + "\n"


def _helpers(body: str) -> Iterator[str]:
    """Yield the functions that the text calls."""
    yield from (function for name, function in _LISTS.items() if _calls(body, name))
    for name, kind in _HELPERS.items():
        if _calls(body, name):
            missing = _MISSING[name].format("value")
            yield (
                f"let {name} = (key: string, value: {kind})"
                f" {{ iff({missing}, dynamic({{}}), bag_pack(key, value)) }};"
            )


def _calls(body: str, name: str) -> bool:
    return re.search(rf"[ (]{name}\(", body) is not None


def _steps(node: Node, prefix: str) -> Iterator[str]:
    for name, inner in node.objects.items():
        column = _column(prefix, name)
        yield from _steps(inner, column)
        yield f"| extend {column} = {_object(inner, column)}"


def _column(prefix: str, name: str) -> str:
    """Return the column that holds an object until it is packed; no table has such a name."""
    return f"{prefix}_{name.removesuffix('[]')}"


def _object(node: Node, column: str) -> str:
    """Return the expression of an object; an empty bag where a needed field is missing."""
    bags = [*_own(node), *(_inner(name, inner, column) for name, inner in node.objects.items())]
    merged = f"bag_merge({_lines(bags)})" if len(bags) > 1 else bags[0]
    missing = [_MISSING[each.kind].format(each.kql) for each in node.fields if each.needed]
    return f"iff({' or '.join(missing)}, dynamic({{}}), {merged})" if missing else merged


def _own(node: Node) -> Iterator[str]:
    """Yield a bag of all fields that are always there, and one for each of the others."""
    always = [each for each in node.fields if each.kind == ALWAYS or each.needed]
    if always:
        yield f"bag_pack({', '.join(_pair(each) for each in always)})"
    for each in node.fields:
        if each not in always:
            yield f"{each.kind}({_pair(each)})"


def _pair(each: Field) -> str:
    return f'"{each.path[-1]}", {each.kql}'


def _inner(name: str, inner: Node, prefix: str) -> str:
    column = _column(prefix, name)
    key = name.removesuffix("[]")
    if not name.endswith("[]"):
        return f'bag("{key}", {column})'
    if _is_sure(inner):
        return f'bag_pack("{key}", pack_array({column}))'
    return (
        f'list("{key}", iff({_MISSING["bag"].format(column)}, dynamic([]), pack_array({column})))'
    )


def _is_sure(node: Node) -> bool:
    """Say whether an object is there in every event."""
    needed = any(each.needed for each in node.fields)
    return not needed and any(each.kind == ALWAYS for each in node.fields)


def _columns(root: Node) -> Iterator[str]:
    for each in root.fields:
        yield f"{_name(each.path[0])} = {each.kql}"
    for name, node in root.objects.items():
        column = _column("", name)
        value = f"pack_array({column})" if name.endswith("[]") else column
        if not _is_sure(node):
            value = f"iff({_MISSING['bag'].format(column)}, dynamic(null), {value})"
        yield f"{name.removesuffix('[]')} = {value}"


def _name(column: str) -> str:
    plain = column.isidentifier() and column not in _WORDS
    return column if plain else f"['{column}']"


def _lines(parts: Sequence[str]) -> str:
    return "".join(f"\n    {part}," for part in parts).removesuffix(",")
