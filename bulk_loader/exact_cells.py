"""Rewrites RECORD lines whose cells DuckDB would change if it read them itself.

Pure. Cells are named by their column's number; nested ones and decimals become texts of all their
digits.
"""

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


class ExactCells:
    """Rewrites the lines of one declaration."""

    def __init__(self, declaration: Declaration) -> None:
        self._columns = {
            column.name: (f"c{n}", column.kind) for n, column in enumerate(declaration.columns)
        }

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
        cells = {short: _kept(kind, cell) for short, kind, cell in known}
        row = {
            "record": cells,
            "version": message.version,
            "time_extracted": message.time_extracted,
        }
        return msgspec.json.encode(row) + b"\n"


def _kept(kind: str, cell: msgspec.Raw) -> msgspec.Raw | str | None:
    if kind not in {"JSON", DECIMAL}:
        return cell
    text = bytes(cell).decode()
    if text == "null":
        return None
    return text if kind == "JSON" else _digits(cell, text)


def _digits(cell: msgspec.Raw, text: str) -> str:
    """Return a decimal without exponent; a text that is none stays, to be told of later."""
    told = _TEXT.decode(cell) if text.startswith('"') else text
    try:
        number = Decimal(told)
    except InvalidOperation:
        return told
    # a short text can stand for a number of a billion digits
    return format(number, "f") if abs(number.adjusted()) <= _MOST_DIGITS else told
