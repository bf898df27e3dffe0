"""What goes wrong on demand: scripted for the next calls, or drawn from a seed."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from hunting_emulator.limits import HOUR, MINUTE, CallsSpent, CpuSpent
from hunting_emulator.refusals import (
    HTML,
    JSON_TYPES,
    PREEMPTED,
    RESULT_SIZE,
    Ids,
    Refusal,
    bad_request,
    body,
    page,
    throttled,
    timed_out,
    unauthorized,
)
from hunting_emulator.settings import ApiName


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does to one answer. Without a `status`, the real answer is what it is done to.

    `share` is how much of the body is sent, 1 being all; then the connection is reset if `reset`,
    else the answer just ends. `piece` and `pause` send the body in pieces of so many bytes, so many
    seconds apart. `hang` is how many seconds pass before anything else; `revoke` takes the token.
    """

    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    share: float | None = None
    reset: bool = False
    piece: int | None = None
    pause: float = 0.0
    hang: float = 0.0
    revoke: bool = False


Maker = Callable[[ApiName, datetime], Effect]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that waits for its call.

    That is `times` calls (`None`: every) of `api` and of `tenant_id`, if given, that hold `when`.
    """

    make: Maker
    times: int | None = 1
    api: ApiName | None = None
    when: str = ""
    tenant_id: str | None = None

    def meets(self, api: ApiName, query: str, tenant_id: str) -> bool:
        """Say whether this call is one that the fault waits for."""
        wanted = self.api in {None, api} and self.tenant_id in {None, tenant_id}
        return wanted and self.when in query


def refusing(make: Callable[[ApiName], Refusal]) -> Maker:
    """Answer with a refusal in the API's own envelope."""

    def effect(api: ApiName, now: datetime) -> Effect:
        refusal = make(api)
        headers = {"Content-Type": JSON_TYPES[api], **refusal.headers}
        return Effect(refusal.status, body(api, refusal, Ids.make(now, None)), headers)

    return effect


def _throttled(**headers: str) -> Maker:
    spent = CallsSpent(45, MINUTE, MINUTE)

    def make(api: ApiName) -> Refusal:
        refusal = throttled(api, spent, retry_after=False)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Refusal(429, refusal.code, refusal.message, named)

    return refusing(make)


def _throttled_until(api: ApiName, now: datetime) -> Effect:
    later = format_datetime(now + timedelta(seconds=2), usegmt=True)
    return _throttled(Retry_After=later)(api, now)


def _throttled_documented(api: ApiName, now: datetime) -> Effect:
    inner = {"code": "429", "date": f"{now:%Y-%m-%dT%H:%M:%S}", "message": "Please retry after"}
    error = {
        "code": "TooManyRequests",
        "innerError": {**inner, "status": "429"},
        "message": "Please retry again later.",
    }
    headers = {"Content-Type": JSON_TYPES[api], "Retry-After": "1"}
    return Effect(429, msgspec.json.encode({"error": error}), headers)


def _legacy_quota(spent: CallsSpent) -> Maker:
    # This wording is the legacy API's; a Graph answer that carries it keeps Graph's envelope.
    refusal = throttled("defender", spent, retry_after=False)
    return refusing(lambda _: Refusal(429, refusal.code, refusal.message))


def _gateway(status: int, reason: str) -> Maker:
    return lambda _api, _now: Effect(status, page(status, reason), {"Content-Type": HTML})


def _always(effect: Effect) -> Maker:
    return lambda _api, _now: effect


NAMED: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "throttled": _throttled(Retry_After="1"),
        "throttled_until": _throttled_until,
        "throttled_no_header": _throttled(),
        "throttled_absurd": _throttled(Retry_After="31536000"),
        "throttled_garbled": _throttled(Retry_After="soon"),
        "throttled_documented": _throttled_documented,
        "throttled_minute": _legacy_quota(CallsSpent(45, MINUTE, MINUTE)),
        "throttled_hour": _legacy_quota(CallsSpent(1500, HOUR, HOUR)),
        "throttled_cpu": refusing(
            lambda api: throttled(api, CpuSpent(timedelta(minutes=9)), retry_after=False)
        ),
        "result_size": refusing(lambda _: bad_request(RESULT_SIZE)),
        "preempted": refusing(lambda _: bad_request(PREEMPTED)),
        "server_error": refusing(lambda _: Refusal(500, "UnknownError", "")),
        "unavailable": refusing(
            lambda _: Refusal(503, "ServiceUnavailable", "The service is unavailable.")
        ),
        "bad_gateway": _gateway(502, "Bad Gateway"),
        "timed_out": refusing(lambda _: timed_out()),
        "no_licence": refusing(
            lambda api: unauthorized(
                api, "Unauthorized request - reason of failure: Account mode is inactive"
            )
        ),
        "token_revoked": _always(Effect(revoke=True)),
        "reset_before": _always(Effect(200, share=0.0, reset=True)),
        "reset_mid_body": _always(Effect(share=0.5, reset=True)),
        "cut_off": _always(Effect(share=0.5)),
        "slow": _always(Effect(piece=256, pause=0.05)),
        "wrong_content_type": _always(Effect(headers={"Content-Type": HTML})),
        "empty_object": _always(Effect(200, b"{}", {"Content-Type": JSON_TYPES["graph"]})),
        "hang": _always(Effect(hang=3600.0)),
    }
)

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
    """Return what answers with a named fault, or with a status and, if given, this body.

    `how` changes members of the `Effect`, by name.

    Raises:
        ValueError: no fault has this name.
        TypeError: an effect has no such member.
    """
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
        """From now on, let this share of the calls fail, by names drawn from a seed."""
        dice = random.Random(seed)  # noqa: S311 -- reproducible, not secret

        def drawn() -> str | None:
            return dice.choice(names) if dice.random() < rate else None

        with self._lock:
            self._drawn = drawn

    def take(self, api: ApiName, query: str, tenant_id: str = "") -> Maker | None:
        """Return what is to happen to this call, if anything."""
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
