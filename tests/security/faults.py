"""What is wrong with a run whatever it was for: each secret is searched by its value."""

import re
from typing import Final

from tests.security.processes import Ran
from tests.security.world import DEVICE, FEDERATED, HEADER, LOST, SECRETS, VALUE

#: The property of a test's report that names them.
FAULT: Final = "fault"
#: Beyond the widest table that the tests have.
MOST_MIB: Final = 600
#: A run that is killed before is one whose test needs no end.
LEAST_SECONDS: Final = 45.0
RAW: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def faults(ran: Ran, *, known: bool) -> list[str]:
    """Name what is wrong; `known` says whether the header of an identity was in the run's hands."""
    secrets = {*SECRETS, LOST, DEVICE, FEDERATED} - ({HEADER} if not known else set())
    found = {
        "secret shown": ran.holds(*secrets),
        "value of a row shown": VALUE.encode() in ran.errors,
        "traceback": b"Traceback" in ran.errors and ran.level == "info",
        "control characters": RAW.search(ran.errors.decode("utf-8", "replace")),
        "no end": ran.status is None and ran.seconds >= LEAST_SECONDS,
        "memory": ran.peak_mib > MOST_MIB,
    }
    return [name for name, seen in found.items() if seen]
