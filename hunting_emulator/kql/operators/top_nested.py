"""`top-nested`, `top-hitters`, `sample-distinct` and `partition`.

Pure, but for the translator's answers.
"""

from collections.abc import Sequence

from hunting_emulator.kql import sql
from hunting_emulator.kql.errors import KqlUnsupportedError
from hunting_emulator.kql.operators.parts import column_name, kql_name, listed, named, path_name
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import Token, closing, text_of


def top_nested(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Join each level's best to the levels before it."""
    source = place.source(tokens)
    lets = text_of(tokens[: place.statement])
    pipeline = source.removeprefix(lets)
    made, shown = "", []
    keys: list[str] = []
    for part in listed(place.words(tokens)):
        count, key, name, aggregate, order = _level(part)
        by = [*keys, kql_name(key)]
        level = f"{pipeline} | summarize {name} = {aggregate} by {', '.join(by)}"
        if count:
            level = _best(lets + level, keys, count, f"{sql.quote(name)} {order}", translator)
        made = level if not made else f"{made} | join kind=inner ({level}) on {', '.join(keys)}"
        shown += [kql_name(key), name]
        keys = by
        made = f"{made} | project {', '.join(shown)}"
    return place.replaced(tokens, made)


def _level(part: str) -> tuple[str, str, str, str, str]:
    words = part.split(None, 1)[1] if part.startswith("top-nested") else part
    count, _, rest = words.partition("of ") if not words.startswith("of ") else ("", "", words[3:])
    key, _, by = rest.partition(" by ")
    key = key.partition(" with others")[0].strip()
    order = "desc"
    for word in ("asc", "desc"):
        if by.rstrip().endswith(f" {word}"):
            by, order = by.rstrip().removesuffix(word), word
    name, aggregate = named(by.strip())
    key_name, _ = named(key)
    key_name = key_name or path_name(key) or "Column1"
    return count.strip(), key_name, name or f"aggregated_{key_name}", aggregate, order


def _best(
    level: str, keys: Sequence[str], count: str, order: str, translator: PartTranslator
) -> str:
    """Return the name of the first rows of a level within the levels before it."""
    within = ", ".join(sql.quote(column_name(key)) for key in keys)
    window = f"PARTITION BY {within} ORDER BY {order}" if keys else f"ORDER BY {order}"
    body = translator.sql(level)
    chosen = f"row_number() OVER ({window} NULLS LAST) <= {count}"
    return translator.stage(f"SELECT * FROM ({body}) QUALIFY {chosen}")  # noqa: S608


def top_hitters(tokens: Sequence[Token], place: Place, _desk: PartTranslator) -> str:
    """Take the most frequent values."""
    count, _, rest = text_of(place.words(tokens)[3:]).strip().partition(" of ")
    key, _, weight = rest.partition(" by ")
    name = f"approximate_sum_{path_name(weight.strip()) or ''}" if weight else "approximate_count_"
    value = f"sum({weight})" if weight else "count()"
    made = f"summarize {name} = {value} by {key} | top {count} by {name}"
    return place.reworded(tokens, made)


def sample_distinct(tokens: Sequence[Token], place: Place, _desk: PartTranslator) -> str:
    """Take some of a column's values."""
    count, _, column = text_of(place.words(tokens)[3:]).strip().partition(" of ")
    return place.reworded(tokens, f"distinct {column} | take {count}")


def partition(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Run a subquery over the rows of each value of a column."""
    words = place.words(tokens)
    opening = next((i for i, token in enumerate(words) if token.text == "("), None)
    end = None if opening is None else closing(words, opening)
    if opening is None or end is None:
        reason = "partition with its subqueries in braces"
        raise KqlUnsupportedError(reason)
    column = text_of(words[:opening]).rpartition(" by ")[2].strip()
    subquery = text_of(words[opening + 1 : end]).strip()
    source = place.source(tokens)
    columns = [name for name, _ in translator.columns(source)]
    stand_in = translator.stand_in(columns)
    lets = text_of(tokens[: place.statement])
    body = translator.sql(source)
    quoted = sql.quote(column)
    rows = f"SELECT * FROM ({body}) AS _i WHERE _i.{quoted} IS NOT DISTINCT FROM _o.{quoted}"  # noqa: S608
    applied = sql.with_tables(translator.sql(f"{lets}{stand_in} | {subquery}"), {stand_in: rows})
    statement = (
        f"SELECT _q.* FROM (SELECT DISTINCT {quoted} FROM ({body})) AS _o, "  # noqa: S608
        f"LATERAL ({applied}) AS _q"
    )
    return place.replaced(tokens, translator.stage(statement))
