"""Column names for every loader to keep apart.

Pure. A column's name in the record depends on the column's own name alone. Only where two names
differ by case does the known name, or the first in order, stay unchanged.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import count
from typing import Final

# PostgreSQL's limit, the narrowest among the loaders' stores
LONGEST: Final = 63
_HASH_DIGITS: Final = 8
# columns that every table of PostgreSQL has already
# -- https://www.postgresql.org/docs/current/ddl-system-columns.html
SYSTEM_COLUMNS: Final = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})
# loaders keep their own columns under such names, and fill, drop or refuse others of the kind
_OF_LOADERS: Final = "_sdc_"


def fold(name: str) -> str:
    """Return the same text for names equal in a store without regard to case.

    >>> fold("LogonId") == fold("LogonID")
    True
    """
    return name.upper().casefold().upper().casefold()


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore")


def _clean(name: str) -> str:
    whole = name.encode("utf-8", "replace").decode()
    whole = whole[1:] if whole.casefold().startswith(_OF_LOADERS) else whole
    return "".join("_" if c == '"' or not c.isprintable() else c for c in whole) or "_"


def _short(name: str) -> str:
    """Fit the name into the limit; a hash of the whole name keeps cut names apart."""
    clean = _clean(name)
    if len(clean.encode()) <= LONGEST:
        return clean
    mark = blake2b(name.encode("utf-8", "replace"), digest_size=_HASH_DIGITS // 2).hexdigest()
    return f"{_cut(clean, LONGEST - _HASH_DIGITS - 1)}_{mark}"


def _free(
    wanted: str, taken: Collection[str], owned: Collection[str], counts: dict[str, int]
) -> str:
    """Return the name or, if it is taken, with `_2`, `_3` and so on; none that a column owns.

    `counts` remembers how far each name has been counted, as what is taken stays so.
    """
    name, count = wanted, 1
    if fold(name) in taken:
        count = counts.get(fold(wanted), 1)
    while fold(name) in taken or (count > 1 and fold(name) in owned):
        count += 1
        tail = f"_{count}"
        name = f"{_cut(wanted, LONGEST - len(tail))}{tail}"
    counts[fold(wanted)] = count
    return name


def _kept(name: str, known: "_KnownNames", given: Collection[str]) -> str | None:
    """Return the safe name of the column in earlier answers, if there is one."""
    candidates = known.of(_short(name))
    return next((c for c in candidates if c == name or c not in given), None)


class _KnownNames:
    """The safe names of earlier answers, found by the name that they are a number behind."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = frozenset(known)
        self._numbered = defaultdict[str, list[str]](list)
        for name in known:
            stem, _, number = name.rpartition("_")
            if number.isdecimal():
                self._numbered[stem].append(name)

    def of(self, short: str) -> Iterator[str]:
        """Yield the known names that a short name may have been given."""
        if short in self._known:
            yield short
        yield from self._numbered.get(_cut(short, LONGEST - 2), ())


def safe_names(
    names: Iterable[str], *, known: Collection[str] = (), reserved: Collection[str] = ()
) -> Mapping[str, str]:
    """Give each name a safe name: printable, without `"`, at most 63 bytes of UTF-8, unique.

    Columns with a name in `known`, the safe names of earlier answers, keep the name; then mixed
    case goes before capitals. PostgreSQL's own and `reserved` names go to no column; `_sdc_` loses
    its first character.

    >>> safe_names(["LogonID", "LogonId"])
    {'LogonID': 'LogonID_2', 'LogonId': 'LogonId'}
    >>> safe_names(["LogonID", "LogonId"], known=["LogonID"])
    {'LogonID': 'LogonID', 'LogonId': 'LogonId_2'}
    >>> safe_names(["ctid", "_sdc_batched_at"])
    {'ctid': 'ctid_2', '_sdc_batched_at': 'sdc_batched_at'}
    """
    given = dict.fromkeys(names)
    taken = {fold(name) for name in (*reserved, *SYSTEM_COLUMNS)}
    earlier = _KnownNames(known)
    kept = {name: _kept(name, earlier, given) for name in given}
    owned = {fold(_short(name)) for name in given}
    chosen: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name in sorted(given, key=lambda n: (kept[n] is None, _short(n) != n, n.swapcase(), n)):
        chosen[name] = _free(kept[name] or _short(name), taken, owned, counts)
        taken.add(fold(chosen[name]))
    return {name: chosen[name] for name in given}


def names_as_is(names: Iterable[str], *, reserved: Collection[str] = ()) -> Mapping[str, str]:
    """Keep every name, but for names reserved for the tap's own columns.

    >>> names_as_is(["_row_id", "_row_id_2"], reserved=["_row_id"])
    {'_row_id': '_row_id_3', '_row_id_2': '_row_id_2'}
    """
    given = dict.fromkeys(names)
    return {name: _other(name, {*given, *reserved}) if name in reserved else name for name in given}


def _other(name: str, taken: Collection[str]) -> str:
    return next(other for n in count(2) if (other := f"{name}_{n}") not in taken)
