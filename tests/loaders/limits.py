"""What loaders are known to change in a value, each limit as the change itself.

Pure. A limit that a loader no longer has fails the test as a new one would.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

Json = Any


@dataclass(frozen=True)
class Limit:
    """A change that a loader makes: what a value of a Kusto type becomes; most stay as they are."""

    about: str
    change: Callable[[str, Json], Json]


def _microseconds(kind: str, value: Json) -> Json:
    return f"{value[:-2]}0Z" if kind == "datetime" and value else value


def _rounded(kind: str, value: Json) -> Json:
    if kind != "datetime" or not value:
        return value
    # in doubles, half to even, as PostgreSQL does
    micros = round(float(f"0.{value[20:27]}") * 1_000_000)
    whole = datetime.fromisoformat(value[:19]) + timedelta(microseconds=micros)
    return f"{whole.isoformat(timespec='microseconds')}0Z"


def _empty_is_null(kind: str, value: Json) -> Json:
    return None if kind == "string" and not value else value


def _double(kind: str, value: Json) -> Json:
    return float(value) if kind == "decimal" and value is not None else value


def _replaced_nul(kind: str, value: Json) -> Json:
    return value.replace("\0", "\ufffd") if kind == "string" and value else value


def _python_text(kind: str, value: Json) -> Json:
    return str(_exact(value)) if kind == "dynamic" else value


MICROSECONDS: Final = Limit(
    "Times are cut to microseconds: the 7th digit is lost, so two rows may get one time",
    _microseconds,
)
ROUNDED: Final = Limit("Times are rounded to microseconds", _rounded)
EMPTY_IS_NULL: Final = Limit("An empty string becomes NULL", _empty_is_null)
DOUBLE: Final = Limit("Decimals become the nearest double: about 16 digits are kept", _double)
REPLACED_NUL: Final = Limit(
    "A NUL character becomes U+FFFD, by `sanitize_null_text_characters: true`; without that "
    "setting the load fails",
    _replaced_nul,
)
PYTHON_TEXT: Final = Limit(
    "Nested values are written as Python prints them, which is no JSON; keep `dynamic_as: string`",
    _python_text,
)


def changed(
    record: Mapping[str, Json], kinds: Mapping[str, str], limits: tuple[Limit, ...]
) -> tuple[dict[str, Json], set[Limit]]:
    """Return a record as a loader holds it, and the limits that changed it."""
    met = set()
    held = dict(record)
    for name in record:
        for limit in limits:
            after = limit.change(kinds[name], held[name])
            if written(after) != written(held[name]):
                met.add(limit)
            held[name] = after
    return held, met


def written(value: Json) -> str:
    """Return a text that is the same for the same value, and differs between types.

    >>> written(1.5) == written(Decimal("1.50")), written(1) == written(True), written("")
    (True, False, 'text ')
    """
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, dict):
        return json.dumps({k: written(v) for k, v in sorted(value.items())}, ensure_ascii=False)
    if isinstance(value, list):
        return json.dumps([written(v) for v in value], ensure_ascii=False)
    digits = format(Decimal(str(value)), "f")
    whole = digits.rstrip("0").removesuffix(".") if "." in digits else digits
    return f"number {whole.removeprefix('-') if whole == '-0' else whole}"


def _exact(value: Json) -> Json:
    """Make decimals of floats, at every level."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: _exact(cell) for key, cell in value.items()}
    return [_exact(cell) for cell in value] if isinstance(value, list) else value
