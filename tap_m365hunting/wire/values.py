"""From a cell of an answer to a JSON value, by the type of the column.

Pure. `KINDS` is the table: type names of the Schema array in lower case, each with its JSON Schema
and its reading. A type absent from the table is `UNKNOWN`: text unchanged, any other value as JSON
text.

A cell unfit for its type becomes `Misfit`: the JSON text of the cell where the column holds text,
else null. No value is guessed: `2` is no boolean, and `5.5` no integer.

`{}` is Graph's null. In a dynamic column Graph writes an empty bag in the same way, and the two
cannot be told apart: there `{}` stays, and counts as empty in a row's id, like null.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Final
from uuid import UUID

from msgspec import Struct

from tap_m365hunting.instants import TICKS_PER_SECOND, canonical
from tap_m365hunting.wire.json_text import DepthError, Json, compact, parse

_NUMBERS: Final = frozenset({int, float, bool, type(None)})
_SCALARS: Final = _NUMBERS | {str}

# no engine's integer is as large
_BEYOND: Final = 2**64

# No bag that means something is as deep, and every stack has room to read it
DEEPEST: Final = 256

#: OData's annotations of a property, as alternatives; an object may have any.
# OData JSON Format 4.01, 4.6 -- https://docs.oasis-open.org/odata/odata-json-format/v4.01/
CONTROLS: Final = (
    "type|context|count|nextLink|delta|deltaLink|id|etag|editLink|readLink|navigationLink|"
    "associationLink|media(?:EditLink|ReadLink|ContentType|Etag)|collectionAnnotations|bind"
)
_ANNOTATION: Final = re.compile(rf"@odata\..*|.*@odata\.(?:{CONTROLS})", re.DOTALL)

_INTEGER: Final = re.compile(r"-?\d{1,400}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,4})?", re.ASCII)
# OData's and Kusto's spellings of what JSON has no number for
_NOT_A_NUMBER: Final = frozenset({"nan", "inf", "-inf", "infinity", "-infinity"})
_BOOLEANS: Final[Mapping[object, bool]] = {0: False, 1: True, "false": False, "true": True}
_DECIMAL_DIGITS: Final = 34  # of Kusto's decimal
# more digits than those, so that nothing is rounded
_DECIMALS: Final = Context(prec=3 * _DECIMAL_DIGITS)
# in seconds, Kusto's longest has 12 digits
_DURATION: Final = re.compile(
    r"(-?)P(?:(\d{1,12})D)?(?:T(?:(\d{1,12})H)?(?:(\d{1,12})M)?(?:(\d{1,12})(?:\.(\d{1,7}))?S)?)?",
    re.ASCII,
)
_SECONDS_PER_DAY: Final = 86_400


class Misfit(Struct, frozen=True):
    """A cell unfit for its column's type, and the value written in its place."""

    value: str | None = None


def _parsed_text(text: str, opening: str | tuple[str, ...], levels: int = DEEPEST) -> Json:
    """Read a text that begins like JSON of a kind, else return the text itself."""
    if not text.startswith(opening) and not text.lstrip(" \t\r\n").startswith(opening):
        return text
    try:
        return plain(parse(text), levels)
    except ValueError:  # no JSON, or deeper than can be read
        return text


def plain(value: Json, levels: int = DEEPEST) -> Json:
    """Remove OData's additions: annotations, and the text around objects in lists.

    >>> plain({"@odata.type": "#x", "a": ['{"b":1}', "c"]})
    {'a': [{'b': 1}, 'c']}

    Raises:
        DepthError: there are more levels.
    """
    # A call for each scalar would be most of the cost, so they are passed over where they stand.
    if type(value) is not dict and type(value) is not list:
        return float(value) if isinstance(value, Decimal) else value
    if not levels:
        msg = f"A value has more than {DEEPEST} levels"
        raise DepthError(msg)
    if type(value) is dict:
        return {
            key: cell if type(cell) in _SCALARS else plain(cell, levels - 1)
            for key, cell in value.items()
            if "@odata." not in key or not _ANNOTATION.fullmatch(key)
        }
    return [
        cell
        if type(cell) in _NUMBERS or (type(cell) is str and "{" not in cell)
        else _element(cell, levels - 1)
        for cell in value
    ]


def _element(cell: Json, levels: int) -> Json:
    return _parsed_text(cell, "{", levels) if type(cell) is str else plain(cell, levels)


def dynamic(cell: Json) -> Json:
    """Return the value of a dynamic cell, nested or given as text."""
    try:
        return _parsed_text(cell, ("{", "[")) if isinstance(cell, str) else plain(cell)
    except DepthError:
        return Misfit()


def _anything(cell: Json) -> str | Misfit:
    try:
        return cell if isinstance(cell, str) else compact(plain(cell))
    except DepthError:
        return Misfit()


def _text(cell: Json) -> str | Misfit:
    if isinstance(cell, str):
        return cell
    text = _anything(cell)
    return text if isinstance(text, Misfit) else Misfit(text)


def _boolean(cell: Json) -> bool | Misfit:
    key = cell.lower() if isinstance(cell, str) else cell
    if isinstance(key, dict | list) or key not in _BOOLEANS:
        return Misfit()
    return _BOOLEANS[key]


def _integer(cell: Json) -> int | Misfit:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and _INTEGER.fullmatch(cell):
        return int(cell)
    if isinstance(cell, float | Decimal) and abs(float(cell)) < _BEYOND and cell == int(cell):
        return int(cell)
    return Misfit()


def _decimal(cell: Json) -> Decimal | Misfit | None:
    if isinstance(cell, bool | dict | list) or cell is None:
        return Misfit()
    try:
        # which texts are numbers must be the same where rows are read many at a time
        text = str(Decimal(cell) if isinstance(cell, str) else cell)
    except InvalidOperation:
        return Misfit()
    if text.lower() in _NOT_A_NUMBER:
        return None
    if not _NUMBER.fullmatch(text):
        return Misfit()
    value = _DECIMALS.create_decimal(text).normalize(_DECIMALS)
    if value.adjusted() < _DECIMAL_DIGITS and value == value.to_integral_value():
        return value.quantize(Decimal(1), context=_DECIMALS)  # 100, not 1E+2
    return value


def _number(cell: Json) -> float | Misfit | None:
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    exact = cell if type(cell) in (int, Decimal) else _decimal(cell)
    if not isinstance(exact, Decimal | int):
        return exact
    try:
        value = float(exact)
    except OverflowError:
        return Misfit()
    return value if math.isfinite(value) else Misfit()


def _moment(cell: Json) -> str | Misfit:
    return (canonical(cell) if isinstance(cell, str) else None) or Misfit()


def _guid(cell: Json) -> str | Misfit:
    try:
        return str(UUID(cell)) if isinstance(cell, str) else Misfit()
    except ValueError:
        return Misfit()


def _timespan(cell: Json) -> str | Misfit:
    """Keep Kusto's form; an ISO duration is converted.

    >>> _timespan("P1DT2H3M4.5S"), _timespan("-PT0.0000001S"), _timespan("1.02:03:04")
    ('1.02:03:04.5000000', '-00:00:00.0000001', '1.02:03:04')
    """
    found = _DURATION.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        return _text(cell)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:5])
    fraction = int(f"{found[6] or '':0<7}")
    days, left = divmod(((days * 24 + hours) * 60 + minutes) * 60 + seconds, _SECONDS_PER_DAY)
    clock = f"{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}"
    return (
        f"{found[1]}{f'{days}.' if days else ''}{clock}"
        f"{f'.{fraction % TICKS_PER_SECOND:07}' if fraction else ''}"
    )


class ColumnKind(Struct, frozen=True):
    """A column type in JSON: JSON Schema type and format, and the reading of a cell.

    `read` is never given null, nor `{}` unless the kind is `DYNAMIC`: both are null before.
    """

    json_type: str
    read: Callable[[Json], Json]
    json_format: str | None = None


TEXT: Final = ColumnKind("string", _text)
UNKNOWN: Final = ColumnKind("string", _anything)
MOMENT: Final = ColumnKind("string", _moment, "date-time")
BOOLEAN: Final = ColumnKind("boolean", _boolean)
INTEGER: Final = ColumnKind("integer", _integer)
NUMBER: Final = ColumnKind("number", _number)
# a format that JSON Schema leaves to its users, for loaders that keep more digits than a double's
DECIMAL: Final = ColumnKind("number", _decimal, "decimal")
GUID: Final = ColumnKind("string", _guid, "uuid")
TIMESPAN: Final = ColumnKind("string", _timespan)
DYNAMIC: Final = ColumnKind("dynamic", dynamic)

# The names that Kusto's engine gives its columns in .NET, seen live or mapped in Kusto's documents:
# https://learn.microsoft.com/en-us/kusto/query/scalar-data-types/ -- and Kusto's own names.
KINDS: Final[Mapping[str, ColumnKind]] = {
    "string": TEXT,
    "datetime": MOMENT,
    "sbyte": BOOLEAN,
    "boolean": BOOLEAN,
    "bool": BOOLEAN,
    "byte": INTEGER,
    "int16": INTEGER,
    "int32": INTEGER,
    "int64": INTEGER,
    "uint16": INTEGER,
    "uint32": INTEGER,
    "uint64": INTEGER,
    "int": INTEGER,
    "long": INTEGER,
    "double": NUMBER,
    "single": NUMBER,
    "real": NUMBER,
    "decimal": DECIMAL,
    "sqldecimal": DECIMAL,
    "guid": GUID,
    "timespan": TIMESPAN,
    "object": DYNAMIC,
    "dynamic": DYNAMIC,
}
