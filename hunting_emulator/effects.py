"""Effects on an answer, and the failures that have been seen, by name."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from types import MappingProxyType
from typing import Final

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
    """The effect of a fault on one answer: on the real answer, if there is no `status`.

    `share` is how much of the body is sent, 1 being all; then the connection is reset if `reset`,
    else the answer just ends. `piece` and `pause` send the body in pieces of so many bytes, so many
    seconds apart. `hang` is how many seconds pass before anything else; `revoke` takes the token.
    Behind the body come so many `fillers`, each the bytes of `filler`. `bare` sends it all without
    a status line and headers, which the body may hold, and then ends the connection.
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
    filler: bytes = b""
    fillers: int = 0
    bare: bool = False


Maker = Callable[[ApiName, datetime], Effect]


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


_GRAPH_JSON: Final = {"Content-Type": JSON_TYPES["graph"]}
_MEBIBYTE: Final = 1 << 20
# About ten gigabytes, far more than any client should take.
_TOO_MANY: Final = 10_000


def _bomb(_api: ApiName, _now: datetime) -> Effect:
    """Answer with little that inflates to much."""
    packed = gzip.compress(b" " * (16 * _MEBIBYTE), mtime=0)
    headers = {**_GRAPH_JSON, "Content-Encoding": "gzip"}
    return Effect(200, packed, headers, filler=packed, fillers=_TOO_MANY // 16)


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
        "empty_object": _always(Effect(200, b"{}", _GRAPH_JSON)),
        "page_instead": _gateway(200, "Sign in to this network"),
        "redirected": _always(Effect(302, headers={"Location": "https://login.invalid/?a=b"})),
        "hang": _always(Effect(hang=3600.0)),
        "endless_error": _always(
            Effect(
                400, b'{"error":{"message":"', _GRAPH_JSON, filler=b"x" * 4096, fillers=_TOO_MANY
            )
        ),
        "endless_headers": _always(
            Effect(200, b"HTTP/1.1 200 OK\r\n", filler=b"X: x\r\n", fillers=_TOO_MANY, bare=True)
        ),
        "endless_body": _always(
            Effect(
                200,
                b'{"schema":[],"results":["',
                _GRAPH_JSON,
                filler=b"x" * _MEBIBYTE,
                fillers=_TOO_MANY,
            )
        ),
        "bomb": _bomb,
    }
)
