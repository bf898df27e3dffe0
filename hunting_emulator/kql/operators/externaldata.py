"""Sources other than tables: `externaldata`, and a long `range`.

Pure. No URL is fetched: the texts at some URLs are given beforehand, and the table of another URL
is empty.
"""

import csv
import json
import re
from collections.abc import Sequence
from typing import Final

from hunting_emulator.kql import sql
from hunting_emulator.kql.operators.parts import column_name, converted, listed, type_of
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import (
    Token,
    at,
    closing,
    following,
    string_value,
    text_of,
    tokenize,
)

_MARKS: Final = {"csv": ",", "tsv": "\t", "psv": "|", "scsv": ";", "ssv": " ", "tsve": "\t"}
"""The separator of the values of a line, by format."""

_OBJECTS: Final = frozenset({"json", "multijson", "singlejson"})
_LINES: Final = frozenset({"txt", "raw"})
_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"\s*")


def externaldata(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Write the table of the files at the URLs."""
    words = place.words(tokens)
    opening = next((i for i, token in enumerate(words) if token.text == "("), 1)
    end = closing(words, opening) or opening
    columns = text_of(words[opening + 1 : end])
    urls, told = _urls(words, end + 1)
    texts = [(url, text) for url in urls if (text := translator.external(url)) is not None]
    if not texts:
        return place.reworded(tokens, f"datatable({columns})[]")
    records = [record for url, text in texts for record in _records(url, text, told)]
    made = _table(records, listed(words[opening + 1 : end]))
    return place.reworded(tokens, translator.stage(made))


def _urls(words: Sequence[Token], start: int) -> tuple[list[str], dict[str, str]]:
    """Read the URLs and the properties behind `with`, names in lower case."""
    opening = following(words, start)
    end = closing(words, opening) if at(words, opening) == "[" else None
    if end is None:
        return [], {}
    urls = [string_value(token.text) for token in words[opening:end] if token.kind == "string"]
    inside = text_of(words[end + 1 :]).strip().removeprefix("with").strip().strip("()")
    pairs = [part.partition("=") for part in listed(tokenize(inside))]
    return urls, {name.strip().lower(): _plain(value.strip()) for name, _, value in pairs}


def _plain(value: str) -> str:
    return string_value(value) if value[-1:] in {'"', "'"} else value


def _records(url: str, text: str, told: dict[str, str]) -> list[object]:
    """Read the records of a file: a list of texts each, or a JSON object each.

    The query names the format, else the ending of the file does, else the format is CSV.
    """
    ending = url.partition("?")[0].rpartition(".")[2]
    form = told.get("format", ending).lower()
    if form in _OBJECTS:
        return _objects(text)
    lines = text.splitlines(keepends=True)
    skipped = told.get("ignorefirstrecord", "false").lower() == "true"
    rows = (
        [[line.rstrip("\r\n")] for line in lines]
        if form in _LINES
        else list(csv.reader(lines, delimiter=_MARKS.get(form, ",")))
    )
    return [row for row in rows[skipped:] if row]


def _objects(text: str) -> list[object]:
    """Read JSON values, one behind the other or in an array."""
    found: list[object] = []
    start = _space_end(text, 0)
    while start < len(text):
        try:
            value, end = _DECODER.raw_decode(text, start)
        except ValueError:
            break
        found += value if isinstance(value, list) else [value]
        start = _space_end(text, end)
    return found


def _space_end(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return start if found is None else found.end()


def _table(records: Sequence[object], columns: Sequence[str]) -> str:
    """Write the SQL of a table with the declared columns."""
    pairs = [column.partition(":") for column in columns]
    chosen = ", ".join(
        f"{_value(place, column_name(name), type_of(kind))} AS {sql.quote(column_name(name))}"
        for place, (name, _, kind) in enumerate(pairs)
    )
    literal = json.dumps(records).replace("'", "''")
    return f"SELECT {chosen} FROM (SELECT unnest(from_json('{literal}', '[\"JSON\"]')) AS r)"  # noqa: S608


def _value(place: int, name: str, kind: str) -> str:
    """Write the value of a column: by place in a list, by name in an object."""
    key = name.replace('"', '\\"').replace("'", "''")
    value = f"coalesce(json_extract(r, '$[{place}]'), json_extract(r, '$.\"{key}\"'))"
    if kind == "dynamic":
        return f"nullif(coalesce(TRY_CAST({value} ->> '$' AS JSON), {value}), 'null'::JSON)"
    return converted(value, kind)


def long_range(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str | None:
    """Have a long range of numbers counted out in batches, so that an interruption works.

    The translator makes a single list of a range, without interruption; shorter ranges may stay.
    """
    words = [token.text for token in place.words(tokens) if token.kind != "space"]
    if len(words) != len(_RANGE) or not all(map(str.isdigit, words[3::2])):
        return None
    start, stop, step = (int(words[index]) for index in (3, 5, 7))
    if step == 0 or (stop - start) // step < _MANY:
        return None
    name = sql.quote(words[1])
    made = f"SELECT generate_series AS {name} FROM generate_series({start}, {stop}, {step})"  # noqa: S608
    return place.replaced(tokens, translator.stage(made))


_RANGE: Final = ("range", "name", "from", "start", "to", "stop", "step", "width")
_MANY: Final = 100_000
