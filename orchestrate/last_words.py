"""The tenants that a Meltano run did not read whole, from the run's log. Pure.

The tap names each broken tenant once, at the end of a run, and Meltano says which side of the
pipeline failed. Only both together tell that the other tenants are done: the tap came to its end,
and the loader took all of it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_FAILED: Final = re.compile(r" Failed: (?:stream (\S+) in )?tenant ([0-9a-fA-F-]+): (.*)")
_FAILED_FOR_ALL: Final = re.compile(r" Failed: stream (\S+): (.*)")
_LOADED: Final = re.compile(r"\] meltano +Extractor failed")


def failures(lines: Iterable[str], status: int, asked: Sequence[str]) -> dict[str, str]:
    """Return a cause for each asked tenant that was not read whole, empty if the run told none.

    >>> log = [
    ...     "… tap-m365hunting Failed: tenant b: No token for tenant b: AADSTS7000222: …",
    ...     "… [error    ] meltano      Extractor failed",
    ... ]
    >>> failures(log, 1, ["a", "b"])
    {'b': 'No token for tenant b: AADSTS7000222: …'}
    >>> list(failures(log[:1], -9, ["a", "b"]))
    ['a', 'b']
    """
    if status == 0:
        return {}
    told, ended = dict[str, str](), False
    for line in lines:
        ended = ended or bool(_LOADED.search(line))
        if named := _FAILED.search(line):
            stream, tenant, cause = named.groups()
            told.setdefault(tenant.lower(), f"stream {stream}: {cause}" if stream else cause)
        elif named := _FAILED_FOR_ALL.search(line):
            told |= {tenant.lower(): f"stream {named[1]}: {named[2]}" for tenant in asked}
    if not ended or not told:
        return dict.fromkeys(asked, "")
    return {tenant: told[tenant.lower()] for tenant in asked if tenant.lower() in told}
