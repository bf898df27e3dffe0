"""Faults on demand: scripted for the next calls, or drawn from a seed."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from hunting_emulator.effects import NAMED, Effect, Maker
from hunting_emulator.refusals import HTML, JSON_TYPES
from hunting_emulator.settings import ApiName


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that waits for its call.

    The fault meets `times` calls (`None`: every) of `api` and of `tenant_id`, if given, whose query
    holds `when`, or for which `when` returns true.
    """

    make: Maker
    times: int | None = 1
    api: ApiName | None = None
    when: str | Callable[[str], bool] = ""
    tenant_id: str | None = None

    def meets(self, api: ApiName, query: str, tenant_id: str) -> bool:
        """Say whether the fault waits for such a call."""
        wanted = self.api in {None, api} and self.tenant_id in {None, tenant_id}
        when = self.when
        return wanted and (when(query) if callable(when) else when in query)


_BY_STATUS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "result_size",
        401: "no_licence",
        429: "throttled_no_header",
        500: "server_error",
        502: "bad_gateway",
        503: "unavailable",
        504: "timed_out",
    }
)


def maker(
    what: int | str, body: object, headers: Mapping[str, str], how: Mapping[str, Any]
) -> Maker:
    """Return the maker of a named fault, or of a status with the given or the usual body.

    `how` changes members of the `Effect`, by name; bytes may be given as text.

    Raises:
        ValueError: no fault has the name.
        TypeError: an effect has no such member.
    """
    how = {key: v.encode() if isinstance(v, str) else v for key, v in how.items()}
    replace(Effect(), **how)
    make = _plain(what, body)

    def effect(api: ApiName, now: datetime) -> Effect:
        made = make(api, now)
        return replace(made, **{**how, "headers": {**made.headers, **headers}})

    return effect


def _plain(what: int | str, body: object) -> Maker:
    if isinstance(what, int) and (body is not None or what not in _BY_STATUS):
        return _given(what, body)
    name = _BY_STATUS[what] if isinstance(what, int) else what
    if name not in NAMED:
        msg = f"No fault is named {name!r}; there are {', '.join(sorted(NAMED))}"
        raise ValueError(msg)
    return NAMED[name]


def _given(status: int, given: object) -> Maker:
    raw = given.encode() if isinstance(given, str) else given
    written = raw if isinstance(raw, bytes) else msgspec.json.encode({} if raw is None else raw)

    def effect(api: ApiName, _: datetime) -> Effect:
        kind = HTML if written.startswith(b"<") else JSON_TYPES[api]
        return Effect(status, written, {"Content-Type": kind})

    return effect


class Faults:
    """The faults that wait for their calls; safe to ask from several threads."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._drawn: Callable[[], str | None] = lambda: None
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let a fault wait, behind those that wait already."""
        with self._lock:
            self._waiting.append(fault)

    def draw(self, rate: float, *, seed: int, names: Sequence[str] = tuple(NAMED)) -> None:
        """From now on, let a share of the calls fail, by names drawn from a seed."""
        dice = random.Random(seed)  # noqa: S311 -- reproducible, not secret

        def drawn() -> str | None:
            return dice.choice(names) if dice.random() < rate else None

        with self._lock:
            self._drawn = drawn

    def take(self, api: ApiName, query: str, tenant_id: str = "") -> Maker | None:
        """Return the fault for a call, if there is one."""
        with self._lock:
            fault = next((f for f in self._waiting if f.meets(api, query, tenant_id)), None)
            if fault is None:
                name = self._drawn()
                return None if name is None else NAMED[name]
            self._count_down(fault)
            return fault.make

    def reset(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._waiting.clear()
            self._drawn = lambda: None

    def _count_down(self, fault: Fault) -> None:
        if fault.times is None:
            return
        at = self._waiting.index(fault)
        left = fault.times - 1
        self._waiting[at : at + 1] = [replace(fault, times=left)] if left else []
