"""Names of files as messages may show them: a secret may stand in the place of one."""

import re
from pathlib import Path
from typing import Final

_USUAL: Final = re.compile(
    r"[\w ./\\:-]{1,200}\.(?:db|duckdb|gz|jsonl?|parquet|singer|txt)", re.ASCII
)
# `md:TOKEN`, `s3://…`; a drive of Windows has one letter
_ADDRESS: Final = re.compile(r"[A-Za-z][\w+.-]+:|:?//", re.ASCII)


def shown_name(name: str | Path) -> str:
    """Return the name if it leads to a file or a folder, or has a usual ending.

    >>> shown_name("gone.json"), shown_name('{"token": "x"}')
    ('gone.json', '(a name that is not shown, as it leads to no file)')
    """
    text = str(name)
    usual = _USUAL.fullmatch(text) is not None and not is_address(text)
    return (
        text if usual or _is_there(text) else "(a name that is not shown, as it leads to no file)"
    )


def is_address(text: str) -> bool:
    r"""Return whether a text names a service, not a file of this machine.

    >>> is_address("md:token"), is_address("s3://bucket/x"), is_address("C:\\rows.duckdb")
    (True, True, False)
    """
    return _ADDRESS.match(text) is not None


def _is_there(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # it is too long, or no name at all
        return False
