"""Rewrites RECORD lines whose cells DuckDB would change if it read them itself.

Pure. Nested cells and decimals become texts of all their digits, and so does a number that is none
that a double can be: its text ends with a space.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from bulk_loader.columns import DECIMAL, Declaration


class _Message(msgspec.Struct):
    record: dict[str, msgspec.Raw]
    version: int | None = None
    time_extracted: str | None = None


_READ: Final = msgspec.json.Decoder(_Message)
_TEXT: Final = msgspec.json.Decoder(str)
_MOST_DIGITS: Final = 400
# any number of fewer digits is the shortest name of a double
_LEAST_DIGITS: Final = 16
_LONG: Final = re.compile(rb'":\s?-?(?=[0-9]+[.eE])[0-9.]{16,}')


class ExactCells:
    """Rewrites the lines of one declaration, those that need it."""

    def __init__(self, declaration: Declaration) -> None:
        self._every = declaration.exact
        self._numbers = any(column.kind == "DOUBLE" for column in declaration.columns)
        self._columns = {
            column.name: (field, column.kind)
            for field, column in zip(declaration.fields, declaration.columns, strict=True)
        }

    def concerns(self, lines: bytes) -> bool:
        """Return whether lines have to be rewritten: some always, others for a long number."""
        return self._every or (self._numbers and _LONG.search(lines) is not None)

    def rewritten(self, line: bytes) -> bytes:
        """Return a line with the same cells.

        Raises:
            ValueError: it is no JSON, or has no record.
        """
        message = _READ.decode(line)
        known = [
            (*self._columns[name], cell)
            for name, cell in message.record.items()
            if name in self._columns
        ]
        cells = {field: _kept(kind, cell) for field, kind, cell in known}
        row = {
            "record": cells,
            "version": message.version,
            "time_extracted": message.time_extracted,
        }
        return msgspec.json.encode(row) + b"\n"


def _kept(kind: str, cell: msgspec.Raw) -> msgspec.Raw | str | None:
    if kind not in {"JSON", DECIMAL, "DOUBLE"}:
        return cell
    text = bytes(cell).decode()
    if text == "null":
        return None
    if kind == "DOUBLE":
        return f"{text} " if _inexact(text) else cell
    return text if kind == "JSON" else _digits(cell, text)


def _inexact(text: str) -> bool:
    """Return whether a number with a fraction is not what a double makes of it."""
    if len(text) < _LEAST_DIGITS or text.startswith('"') or text.lstrip("-").isdigit():
        return False
    try:
        return Decimal(text) != Decimal(repr(float(text)))
    except (ArithmeticError, ValueError):
        return False


def _digits(cell: msgspec.Raw, text: str) -> str:
    """Return a decimal without exponent; a text that is none stays, to be told of later."""
    told = _TEXT.decode(cell) if text.startswith('"') else text
    try:
        number = Decimal(told)
    except InvalidOperation:
        return told
    # a short text can stand for a number of a billion digits
    return format(number, "f") if abs(number.adjusted()) <= _MOST_DIGITS else told
