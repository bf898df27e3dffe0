"""Verdicts of Microsoft's KQL parser on a text, over the tables of a tenant.

The parser runs in a V8 of the process, shared by all tenants, a text at a time. A text on which the
parser itself fails (depth, time, memory) has no verdict.
"""

import atexit
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from hunting_emulator.deadline import Deadline
from hunting_emulator.parser.folder import FILES, installed

logger = logging.getLogger(__name__)

Tables = Mapping[str, Sequence[tuple[str, str]]]
"""Names and types of the columns of each table."""

_SCRIPT: Final = Path(__file__).with_name("judge.js")
_SECONDS: Final = 20.0
_LEAST_SECONDS: Final = 0.01
_TOO_DEEP: Final = "KS245"  # the parser's own bound, which says nothing of the text
_REMEMBERED: Final = 1_000
_MOST_HEAP: Final = 1_000_000_000
_TIDY_EVERY: Final = 500
_PROFILE: Final = (
    "GlobalPrevalence=long(0), GlobalFirstSeen=now(), GlobalLastSeen=now(), Signer='', Issuer='', "
    "SignerHash='', IsCertificateValid=false, IsRootSignerMicrosoft=false, SignatureState='', "
    "IsExecutable=false, ThreatName='', Publisher='', SoftwareName='', ProfileAvailability=''"
)
_ADDRESS: Final = "IPAddress='', IPType='', NetworkAdapterType='', ConnectedNetworks=dynamic(null)"
FUNCTIONS: Final = (
    ("FileProfile", "(T:(*), column:string='SHA1', calls:long=100)", f"{{T | extend {_PROFILE}}}"),
    ("DeviceFromIP", "(T:(*), ip:string='', at:datetime=datetime(null))", "{T|extend DeviceId=''}"),
    ("SeenBy", "(T:(*), device:string='')", "{T | extend SeenBy=''}"),
    (
        "AssignedIPAddresses",
        "(device:string='', at:datetime=datetime(null))",
        f"{{print Timestamp=now(), {_ADDRESS}}}",
    ),
)
"""Advanced hunting's own functions, with bodies that have the documented columns."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error: the parser's code, words, and offsets in the text."""

    code: str
    message: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The errors of a text, and the columns of the result: empty unless all are known."""

    complaints: tuple[Complaint, ...]
    tabular: bool
    columns: tuple[tuple[str, str], ...]


_LOADING: Final = threading.Lock()


class Parser:
    """Microsoft's parser, loaded; threads may share it."""

    def __init__(self, folder: Path) -> None:
        from py_mini_racer import MiniRacer  # noqa: PLC0415 - tens of megabytes, for who asks

        self._engine = MiniRacer()
        # left to the end of the interpreter, it would wait for a thread that runs no more
        atexit.register(self._engine.close)
        self._engine.set_hard_memory_limit(_MOST_HEAP)
        self._lock = threading.Lock()
        self._known: Tables | None = None
        self._asked = 0
        for path in (*(folder / name for name in FILES), _SCRIPT):
            self._engine.eval(path.read_text("utf-8-sig"))

    def judge(self, text: str, tables: Tables, deadline: Deadline) -> Verdict | None:
        """Return the parser's verdict, `None` where the parser fails or is out of time."""
        from py_mini_racer import JSEvalException  # noqa: PLC0415 - as above

        if not self._lock.acquire(timeout=_within(deadline)):
            return None
        try:
            self._know(tables)
            asked = f"judge({json.dumps(text)})"
            said = self._engine.eval(asked, timeout_sec=_within(deadline))
        except JSEvalException:
            return None
        finally:
            self._lock.release()
        verdict = _verdict(json.loads(str(said)))
        return None if any(c.code == _TOO_DEEP for c in verdict.complaints) else verdict

    def _know(self, tables: Tables) -> None:
        self._asked += 1
        if self._asked % _TIDY_EVERY == 0:
            self._engine.low_memory_notification()
        if self._known is not tables:
            known = json.dumps({name: list(columns) for name, columns in tables.items()})
            self._engine.eval(f"know({known}, {json.dumps(FUNCTIONS)})")
            self._known = tables


def _within(deadline: Deadline) -> float:
    """Return the seconds that the parser may take, never none at all."""
    left = deadline.left
    return _SECONDS if left is None else max(_LEAST_SECONDS, min(_SECONDS, left))


def _verdict(said: dict[str, Any]) -> Verdict:
    complaints = tuple(Complaint(**error) for error in said["errors"])
    columns = () if said["open"] else tuple((name, kind) for name, kind in said["columns"])
    return Verdict(complaints, said["tabular"], columns)


def start_v8() -> None:
    """Start V8, for the parser and for all threads that the caller starts later.

    V8's memory is open to the thread that starts V8 and to that thread's descendants; any other
    thread that used the parser would end the process.
    """
    if installed() is None:
        return
    with suppress(ImportError):
        from py_mini_racer import init_mini_racer  # noqa: PLC0415 - as above

        init_mini_racer(ignore_duplicate_init=True)


def parser() -> Parser | None:
    """Return the process's parser; if not installed, say so once and return `None`.

    Of threads that ask at the same time one loads it.
    """
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> Parser | None:
    place = installed()
    if place is None:
        logger.warning(
            "Microsoft's KQL parser is not here, so errors and types are the emulator's own; "
            "get it with: hunting-emulator parser install"
        )
        return None
    try:
        return Parser(place)
    except ImportError:
        logger.warning("Microsoft's KQL parser needs the package mini-racer, which is not here")
        return None


class Judge:
    """The parser for a set of tables; verdicts are remembered by text."""

    def __init__(self, asked: Parser, tables: Tables) -> None:
        self._parser = asked
        self._tables = tables
        self._remembered: dict[str, Verdict | None] = {}

    def verdict(self, text: str, deadline: Deadline) -> Verdict | None:
        """Return the parser's verdict on a text, `None` where the parser fails."""
        if text not in self._remembered:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            verdict = self._parser.judge(text, self._tables, deadline)
            if verdict is None and deadline.left == 0:
                return None  # out of time, which says nothing of the text
            self._remembered[text] = verdict
        return self._remembered[text]
