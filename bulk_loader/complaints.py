"""Tells faults of a line that could not be read, without showing it.

Pure, and slow.
"""

import json
import re
from typing import Any, Final

_NO_NUMBER: Final = re.compile(rb"[:,\[]\s*-?(?:NaN|Infinity)\s*[,}\]]")
_INT64: Final = range(-(2**63), 2**63)


def of_message(line: bytes) -> str:
    """Say what a line is or has that is no message.

    >>> of_message(b'{"type": "STATE", "value": NaN}')
    'has NaN or Infinity, which are no JSON: only a column of numbers or texts takes them'
    """
    try:
        json.loads(line)
    except RecursionError:
        return "is nested too deeply"
    except ValueError:
        return "is no Singer message"
    return _of_numbers(line) or "is no Singer message"


def of_record(line: bytes) -> str:
    """Say what a RECORD line is or has that DuckDB or a look at its cells does not take.

    >>> of_record(b'{"record": {"a": 1, "a": 2}}')
    "has the key 'a' twice"
    >>> of_record(b'{"record": {}, "version": 1e30}'), of_record(b"{")
    ('has a version that is no integer of 64 bits', 'is no RECORD in JSON')
    """
    return unreadable(line) or _of_numbers(line) or "is no RECORD in JSON"


def unreadable(line: bytes) -> str | None:
    """Say what a RECORD line is or has that DuckDB does not take, if there is anything."""
    try:
        # objects as tuples, in which a name may be there twice
        message = json.loads(line.decode(), object_pairs_hook=tuple)
    except RecursionError:
        return "is nested too deeply"
    except ValueError:
        return "is no RECORD in JSON"
    members = _members(message)
    record = members.get("record")
    if not isinstance(record, tuple | None):
        return "is no RECORD in JSON"
    twice = _twice(message) or _twice(record or ())
    if twice is not None:
        return f"has the key {twice[:100]!r} twice"
    return _of_version(members.get("version"))


def _members(message: object) -> dict[str, Any]:
    return dict(message) if isinstance(message, tuple) else {"record": message}


def _twice(members: tuple[tuple[str, Any], ...]) -> str | None:
    found: set[str] = set()
    for name, _ in members:
        if name in found:
            return name
        found.add(name)
    return None


def _of_version(version: object) -> str | None:
    if version is None or (isinstance(version, int) and version in _INT64):
        return None
    return "has a version that is no integer of 64 bits"


def _of_numbers(line: bytes) -> str | None:
    if _NO_NUMBER.search(line) is None:
        return None
    return "has NaN or Infinity, which are no JSON: only a column of numbers or texts takes them"
