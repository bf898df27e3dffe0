"""Rewrites RECORD lines whose cells DuckDB would change if it read them itself.

Pure. Nested cells and decimals become texts of all their digits, and so does a number that is none
that a double can be: its text ends with a space. DuckDB prints numbers anew, also those in a column
of texts.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from bulk_loader.columns import DECIMAL, Declaration

# NaN and the infinities, for which JSON has no words and Python has
_NO_NUMBER: Final = re.compile(rb'("([^"\\]*)"\s*:\s*)(-?(?:NaN|Infinity))(?=\s*[,}])')


class _Message(msgspec.Struct):
    record: dict[str, msgspec.Raw]
    version: int | None = None
    time_extracted: str | None = None


_READ: Final = msgspec.json.Decoder(_Message)
_TEXT: Final = msgspec.json.Decoder(str)
_MOST_DIGITS: Final = 400
# any number of fewer digits is the shortest name of a double
_LEAST_DIGITS: Final = 16
# Java's name of the least double, which is nearer to 5e-324
_LEAST_OF_JAVA: Final = "4.9e-324"
_NUMBER: Final = rb":\s*+-?[0-9]++(?=[.eE])[0-9.]*+(?:(?<=[0-9.]{16})|[eE]-[0-9]{3})"
_LONG: Final = re.compile(rb'"' + _NUMBER)
# sought where a colon is behind white space, as a search for two bytes is fast
_LONG_APART: Final = re.compile(rb"\s" + _NUMBER)
# a member's value, not the record and not in a text, that is nested or a number with a fraction
_PRINTED: Final = re.compile(
    rb':(?=\s*(?:[\[{]|-?[0-9]+[.eE]))(?:(?<=":)(?<!\\":)(?<!"record":)|(?<=\s:))'
)


class ExactCells:
    """Rewrites the lines of one declaration, those that need it."""

    def __init__(self, declaration: Declaration) -> None:
        self._every = declaration.exact
        self._numbers = any(column.kind == "DOUBLE" for column in declaration.columns)
        self._kinds = {column.name: column.kind for column in declaration.columns}
        self._columns = {
            column.name: (field, _RULES.get(column.kind))
            for field, column in zip(declaration.fields, declaration.columns, strict=True)
        }

    def concerns(self, lines: bytes) -> bool:
        """Return whether lines have to be rewritten: some always, others for a long number."""
        return self._every or (self._numbers and _long(lines))

    def rewritten(self, line: bytes) -> bytes:
        """Return a line with the same cells.

        Raises:
            ValueError: it is no JSON, or has no record.
        """
        try:
            message = _READ.decode(line)
        except msgspec.DecodeError:
            message = _READ.decode(_NO_NUMBER.sub(self._as_text, line))
        known = [
            (*self._columns[name], cell)
            for name, cell in message.record.items()
            if name in self._columns
        ]
        cells = {field: rule(cell) if rule else cell for field, rule, cell in known}
        row = {
            "record": cells,
            "version": message.version,
            "time_extracted": message.time_extracted,
        }
        return msgspec.json.encode(row) + b"\n"

    def _as_text(self, found: re.Match[bytes]) -> bytes:
        """Return a member that is not a number as a text, if its column takes it."""
        kind = self._kinds.get(found[2].decode(errors="replace"))
        return found[1] + b'"' + found[3] + b'"' if kind in {"DOUBLE", "VARCHAR"} else found[0]


def _long(lines: bytes) -> bool:
    """Return whether there may be a number that is no double's."""
    if _LONG.search(lines) is not None:
        return True
    apart = b" :" in lines or b"\t:" in lines
    return apart and _LONG_APART.search(lines) is not None


def printed_anew(lines: bytes | memoryview) -> bool:
    """Return whether lines may have a value that DuckDB prints in other words as a text."""
    return _PRINTED.search(lines) is not None


def _text(cell: msgspec.Raw) -> msgspec.Raw | str:
    """Return a value that is no text as it is written, for a column of texts."""
    raw = bytes(cell)
    return cell if raw.startswith(b'"') or raw == b"null" else raw.decode()


def _whole(cell: msgspec.Raw) -> msgspec.Raw | str:
    """Return a long whole number without the point or the exponent that makes a double of it."""
    raw = bytes(cell)
    if len(raw) < _LEAST_DIGITS or not _inexact(text := raw.decode()):
        return cell
    number = Decimal(text)
    small = abs(number.adjusted()) <= _MOST_DIGITS
    return str(int(number)) if small and number == int(number) else text


def _double(cell: msgspec.Raw) -> msgspec.Raw | str:
    text = bytes(cell).decode()
    return f"{text} " if _inexact(text) else cell


def _nested(cell: msgspec.Raw) -> str | None:
    text = bytes(cell).decode()
    return None if text == "null" else text


def _inexact(text: str) -> bool:
    """Return whether a number with a fraction is not what a double makes of it."""
    short = len(text) < _LEAST_DIGITS and "-" not in text[1:]
    if (
        short
        or text.lower().endswith(_LEAST_OF_JAVA)
        or text.startswith('"')
        or text.lstrip("-").isdigit()
    ):
        return False
    try:
        return Decimal(text) != Decimal(repr(float(text)))
    except (ArithmeticError, ValueError):
        return False


def _digits(cell: msgspec.Raw) -> str | None:
    """Return a decimal without exponent; a text that is none stays, to be told of later."""
    text = bytes(cell).decode()
    if text == "null":
        return None
    told = _TEXT.decode(cell) if text.startswith('"') else text
    try:
        number = Decimal(told)
    except InvalidOperation:
        return told
    # a short text can stand for a number of a billion digits
    return format(number, "f") if abs(number.adjusted()) <= _MOST_DIGITS else told


_RULES: Final[Mapping[str, Callable[[msgspec.Raw], msgspec.Raw | str | None]]] = {
    "VARCHAR": _text,
    "BIGINT": _whole,
    "DOUBLE": _double,
    "JSON": _nested,
    DECIMAL: _digits,
}
