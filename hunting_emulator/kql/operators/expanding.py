"""`mv-expand` of expressions, `mv-apply`, and `parse-kv`.

Pure, but for the translator's answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hunting_emulator.kql import sql
from hunting_emulator.kql.operators import numbering
from hunting_emulator.kql.operators.parts import (
    bare_word,
    column_name,
    converted,
    kql_name,
    listed,
    named,
    parameters,
    path_name,
    type_of,
)
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import (
    Token,
    at,
    closing,
    following,
    quoted,
    string_value,
    text_of,
    tokenize,
)

_PARAMETERS: Final = ("with_itemindex", "bagexpansion", "kind")
_EXAMPLES: Final = {
    "string": "''",
    "long": "0",
    "int": "toint(0)",
    "real": "0.0",
    "bool": "true",
    "datetime": "now()",
    "timespan": "1s",
    "guid": "toguid('')",
}


@dataclass(frozen=True, slots=True)
class Target:
    """An array to expand: the name of the column, the expression, and the type of the elements."""

    name: str
    expression: str
    kind: str | None


def expand(tokens: Sequence[Token], place: Place, _desk: PartTranslator) -> str | None:
    """Name the targets of `mv-expand`; nothing to do where each has a name."""
    words = _behind(place.words(tokens), "mvexpand")
    head, rest = parameters(words, _PARAMETERS)
    body, limit = _cut(rest, "limit")
    given = listed(body)
    targets = _targets(given)
    if all(
        bare_word(t.expression) or named(_typed(g)[0])[0]
        for t, g in zip(targets, given, strict=True)
    ):
        return None
    written = ", ".join(
        f"{kql_name(target.name)} = {target.expression}"
        + (f" to typeof({target.kind})" if target.kind else "")
        for target in targets
    )
    kept = "".join(f"{name}={value} " for name, value in head.items())
    return place.reworded(tokens, f"mv-expand {kept}{written}{limit}")


def _behind(words: Sequence[Token], old: str) -> list[Token]:
    """Return the tokens behind the operator's name, hyphenated or old."""
    return list(words[1:] if words[0].text == old else words[3:])


def _cut(words: Sequence[Token], word: str) -> tuple[list[Token], str]:
    """Split a clause off the end."""
    depth = 0
    for index, token in enumerate(words):
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "mark" else 0
        if depth == 0 and token.kind == "name" and token.text == word:
            return list(words[:index]), f" {text_of(words[index:]).strip()}"
    return list(words), ""


def _targets(given: Sequence[str]) -> list[Target]:
    targets: list[Target] = []
    for text in given:
        expression, kind = _typed(text)
        name, value = named(expression)
        if name is None:
            nameless = sum(target.name.startswith("Column") for target in targets) + 1
            name = path_name(value) or f"Column{nameless}"
        targets.append(Target(name, value, kind))
    return targets


def _typed(text: str) -> tuple[str, str | None]:
    body, clause = _cut(tokenize(text), "to")
    return text_of(body).strip(), type_of(clause.strip()[2:]) if clause else None


def apply(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Run a subquery over the elements of each row's arrays."""
    head, rest = parameters(_behind(place.words(tokens), "mvapply"), _PARAMETERS)
    body, clause = _cut(rest, "on")
    body, _limit = _cut(body, "limit")
    targets = _targets(listed(body))
    subquery = _subquery(clause)
    computed = [f"__array{i} = {target.expression}" for i, target in enumerate(targets)]
    source = place.source(tokens) + f"| extend {', '.join(computed)}"
    before = [name for name, _ in translator.columns(source) if not name.startswith("__array")]
    index = head.get("with_itemindex")
    made = [*(target.name for target in targets), *([index] if index else [])]
    inner = [*(name for name in before if name not in made), *made]
    ordered = numbering.asked(subquery)
    stand_in = translator.stand_in([*inner, numbering.ORDINAL] if ordered else inner)
    lets = text_of(tokens[: place.statement])
    numbered = numbering.with_ordinals(subquery) if ordered else subquery
    applied = translator.sql(f"{lets}{stand_in} | {numbered}")
    elements = _element_rows(inner, targets, index, ordered=ordered)
    applied = sql.with_tables(
        numbering.in_order(applied) if ordered else applied, {stand_in: elements}
    )
    given = translator.columns(f"{source} | extend {_examples(targets, index)} | {subquery}")
    shown = _shown(before, [name for name, _ in given], targets)
    statement = f"SELECT {shown} FROM ({translator.sql(source)}) AS _o, LATERAL ({applied}) AS _q"  # noqa: S608
    return place.replaced(tokens, translator.stage(statement))


def _examples(targets: Sequence[Target], index: str | None) -> str:
    """Write columns of the subquery's types."""
    made = [f"{kql_name(t.name)} = {_EXAMPLES.get(t.kind or '', 'dynamic(null)')}" for t in targets]
    return ", ".join([*made, *([f"{index} = 0"] if index else [])])


def _shown(before: Sequence[str], given: Sequence[str], targets: Sequence[Target]) -> str:
    """Choose the columns: the row's without the expanded columns, then the subquery's own."""
    made = {target.name for target in targets}
    moved = {target.name for target in targets if target.name == target.expression}
    chosen = {
        name: "_q" if name in made and name in given else "_o"
        for name in before
        if name not in moved
    }
    for name in given:
        if not name.startswith("__array"):
            chosen.setdefault(name, "_q")
    return ", ".join(f"{side}.{sql.quote(name)}" for name, side in chosen.items())


def _subquery(clause: str) -> str:
    """Return the text in the brackets behind `on`."""
    tokens = tokenize(clause)
    opening = next((i for i, token in enumerate(tokens) if token.text == "("), 0)
    end = closing(tokens, opening)
    return text_of(tokens[opening + 1 : end]).strip()


def _element_rows(
    inner: Sequence[str], targets: Sequence[Target], index: str | None, *, ordered: bool
) -> str:
    """Write the rows for the subquery: the outer row beside each element."""
    arrays = [f"kusto_elements(_o.{sql.quote(f'__array{i}')})" for i in range(len(targets))]
    values: Mapping[str, str] = {
        target.name: converted(f"_e.e{i}", target.kind or "dynamic")
        for i, target in enumerate(targets)
    }
    numbered = {index: "_e.n"} if index else {}
    columns = ", ".join(
        f"{values.get(name) or numbered.get(name) or f'_o.{sql.quote(name)}'} AS {sql.quote(name)}"
        for name in inner
    )
    unnested = ", ".join(
        [f"unnest({array}) AS e{i}" for i, array in enumerate(arrays)]
        + [f"unnest(range(len({arrays[0]}))) AS n"]
    )
    columns += f", _e.n AS {numbering.ORDINAL}" if ordered else ""
    return f"SELECT {columns} FROM (SELECT {unnested}) AS _e"  # noqa: S608


def parse_kv(tokens: Sequence[Token], place: Place, _desk: PartTranslator) -> str:
    """Write `parse-kv` as one `extract` for each key."""
    words = place.words(tokens)[3:]
    body, options = _cut(words, "with")
    source, keys = _cut(body, "as")
    pair = _option(options, "pair_delimiter", " ")
    between = _option(options, "kv_delimiter", "=")
    quote = _option(options, "quote", "")
    column = text_of(source).strip()
    inside = text_of(tokenize(keys)).strip()[2:].strip().strip("()")
    made = [
        _key(column, name, kind, (pair, between, quote))
        for name, kind in (_name_and_type(part) for part in listed(tokenize(inside)))
    ]
    return place.reworded(tokens, f"extend {', '.join(made)}")


def _name_and_type(text: str) -> tuple[str, str]:
    name, _, kind = text.partition(":")
    return column_name(name), kind.strip()


def _key(column: str, name: str, kind: str, marks: tuple[str, str, str]) -> str:
    pair, between, quote = (_escaped(mark) for mark in marks)
    value = f"[^{pair}]*" if len(marks[0]) == 1 else f".*?(?:{pair}|$)"
    if quote:
        value = f"(?:{quote}[^{quote}]*{quote}|{value})"
    pattern = f"(?:^|{pair})\\s*{_escaped(name)}\\s*{between}\\s*({value})"
    text = f"extract({quoted(pattern)}, 1, {column})"
    if quote:
        text = f"trim({quoted(quote)}, {text})"
    return f"{kql_name(name)} = to{kind}({text})"


def _escaped(text: str) -> str:
    return "".join(mark if mark.isalnum() else f"\\{mark}" for mark in text)


def _option(options: str, name: str, otherwise: str) -> str:
    tokens = tokenize(options)
    for index, token in enumerate(tokens):
        if token.text == name:
            equals = following(tokens, index + 1)
            value = following(tokens, equals + 1)
            return string_value(at(tokens, value))
    return otherwise
