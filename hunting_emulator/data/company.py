"""The made-up company whose events the emulator shows, as SQL over a row's hash.

Pure, but for reading the package's file of the company. In the SQL, `s` is the row's hash, `k` the
number, `t` the time in nanoseconds, and `u`, `d`, `p`, `q` the user, device, program and parent.
"""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).parents[1] / "catalog" / "company.json"
COMPANY: Final[dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))

DOMAIN: Final[str] = COMPANY["domain"]
NETBIOS: Final[str] = COMPANY["netbios"]
SID: Final[str] = COMPANY["sid"]
TENANT_ID: Final[str] = COMPANY["tenant_id"]
_UNSPLIT: Final = str.maketrans({"\u0131": "i", "ø": "o", "Ł": "L", "ł": "l"})


def text(value: str) -> str:
    """Write a string for SQL."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def number(salt: str, below: int) -> str:
    """Write a number of the row's own, from 0, different for each salt."""
    return f"CAST(hash(s, {text(salt)}) % {below} AS BIGINT)"


def chance(salt: str, per_mille: int) -> str:
    """Write a condition true for so many rows of a thousand."""
    return f"{number(salt, 1000)} < {per_mille}"


def either(salt: str, per_mille: int, value: str, other: str) -> str:
    """Write a value for so many rows of a thousand, and another for the rest."""
    return f"CASE WHEN {chance(salt, per_mille)} THEN {value} ELSE {other} END"


def as_text(json_sql: str) -> str:
    """Write JSON as text, the form of many columns."""
    return f"CAST({json_sql} AS VARCHAR)"


def pick(values: Sequence[str], index: str) -> str:
    """Write the choice of a string by a number, taken modulo the length."""
    chosen = ", ".join(map(text, values))
    return f"[{chosen}][1 + ({index}) % {len(values)}]"


def one_of(salt: str, *values: str) -> str:
    """Write the choice of a string by the row's hash; a value may be given more than once."""
    return pick(values, number(salt, len(values)))


def hexadecimal(seed: str, length: int) -> str:
    """Write hexadecimal digits from a seed alone."""
    return f"left(md5({seed}) || md5({seed} || '+'), {length})"


DIGESTS: Final = (("sha1", 40), ("sha256", 64), ("md5", 32))
"""The digests of a program's file, and their lengths."""


def guid(seed: str) -> str:
    """Write a GUID from a seed alone."""
    return f"CAST(CAST(md5(CAST({seed} AS VARCHAR)) AS UUID) AS VARCHAR)"


def column(pool: str, index: int) -> list[str]:
    """Return a property of all things in a pool."""
    return [entry[index] for entry in COMPANY[pool]]


def plain(name: str) -> str:
    """Write a name as accounts are named: in small letters of ASCII.

    >>> plain("O'Brien"), plain("Lindström")
    ('obrien', 'lindstrom')
    """
    parts = unicodedata.normalize("NFKD", name.translate(_UNSPLIT))
    return "".join(mark for mark in parts if mark.isascii() and mark.isalpha()).lower()


_FIRST: Final[list[str]] = COMPANY["first_names"]
_LAST: Final[list[str]] = COMPANY["last_names"]
_LAST_OF: Final = f"u // {len(_FIRST)} + u * 7"

ACCOUNT: Final = (
    f"{pick([plain(name) for name in _FIRST], 'u')} || '.' || "
    f"{pick([plain(name) for name in _LAST], _LAST_OF)} || "
    f"CASE WHEN u < {len(_FIRST)} THEN '' ELSE CAST(u // {len(_FIRST)} AS VARCHAR) END"
)
DISPLAY_NAME: Final = f"{pick(_FIRST, 'u')} || ' ' || {pick(_LAST, _LAST_OF)}"
UPN: Final = f"{ACCOUNT} || '@{DOMAIN}'"
USER_SID: Final = f"'{SID}-' || CAST(1100 + u AS VARCHAR)"
OBJECT_ID: Final = guid("'user' || u")

DEVICE_NAME: Final = (
    f"{pick(['wks', 'lap', 'wks', 'lap', 'srv', 'dc'], 'd')} || '-' || "
    f"lpad(CAST(d AS VARCHAR), 4, '0') || '.{DOMAIN}'"
)
DEVICE_ID: Final = hexadecimal("'device' || d", 40)
PRIVATE_IP: Final = "'10.' || (d // 65025 % 250) || '.' || (d // 255 % 255) || '.' || (1 + d % 254)"
PUBLIC_IP: Final = (
    f"CASE WHEN {chance('ipv6', 60)} THEN '2001:db8::' || {hexadecimal('CAST(s AS VARCHAR)', 4)} "
    f"ELSE '203.0.113.' || (1 + {number('ip', 254)}) END"
)


_FILLED: Final = {
    "{u}": ACCOUNT,
    "{n}": f"CAST({number('line', 100000)} AS VARCHAR)",
    "{q}": f"CAST(1 + {number('quarter', 4)} AS VARCHAR)",
}
"""The SQL for each place-holder in a program's texts."""


def program(index: int, row: str = "p") -> str:
    """Write a property of the row's program, with the place-holders filled."""
    named = column("programs", index)
    filled = chosen = pick(named, row)
    for mark, value in _FILLED.items():
        if any(mark in part for part in named):
            filled = f"replace({filled}, {text(mark)}, {value})"
    marked = [str(i) for i, part in enumerate(named) if any(mark in part for mark in _FILLED)]
    if not marked:
        return chosen
    is_marked = f"({row}) % {len(named)} IN ({', '.join(marked)})"
    return f"CASE WHEN {is_marked} THEN {filled} ELSE {chosen} END"


def product(row: str) -> str:
    """Write the product that the row's program is a part of."""
    return pick(
        [
            "Microsoft® Windows® Operating System" if folder.startswith("C:\\Windows") else told
            for _, folder, _, _, told in COMPANY["programs"]
        ],
        row,
    )


def city(index: int) -> str:
    """Write a property of the city of the row's user."""
    return pick(column("cities", index), "u")


def moment(nanoseconds: str) -> str:
    """Write an instant from nanoseconds, to the tick."""
    return f"make_timestamp_ns(({nanoseconds}) // 100 * 100)"


def dynamic(template: str) -> str:
    """Write JSON made in SQL as a dynamic."""
    return f"CAST({template} AS JSON)"
