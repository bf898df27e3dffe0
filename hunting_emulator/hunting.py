"""One hunting call, from its headers to its answer."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from hunting_emulator import timespans
from hunting_emulator.engine import Engine, Result
from hunting_emulator.faults import Effect
from hunting_emulator.identity import Caller, RoleMissingError, TokenRefusedError
from hunting_emulator.kql.errors import KqlSemanticError, KqlSyntaxError, KqlUnsupportedError
from hunting_emulator.refusals import (
    HTML,
    JSON_TYPES,
    PREEMPTED,
    Ids,
    Refusal,
    bad_body,
    bad_query,
    bad_request,
    body,
    missing_role,
    page,
    throttled,
    timed_out,
    unauthorized,
)
from hunting_emulator.responses import Answer, answer, in_pieces
from hunting_emulator.service import Call, Service
from hunting_emulator.settings import ApiName

_GRAPH_PARAMETERS: Final = frozenset({"query", "timespan", "workspaceid"})
_UNSUPPORTED: Final = "EmulatorUnsupported"
"""The code of the one answer that is not the service's: the emulator cannot run this KQL."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the routes know of a call. Header names are in lower case."""

    api: ApiName
    context: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """What goes on the wire."""

    status: int
    headers: dict[str, str]
    body: Iterable[bytes]
    rows: int = 0
    size: int = 0
    effect: Effect = field(default_factory=Effect)


@dataclass(frozen=True, slots=True)
class Question:
    """What a call asks: the KQL, and the timespan as it was sent."""

    kql: str
    timespan: str | None


def hunt(service: Service, request: Request) -> Reply:
    """Answer a call, and log it whatever the answer."""
    now = service.clock.now()
    ids = Ids.make(now, request.headers.get("client-request-id"))
    hunted = _Hunt(service, request, now)
    try:
        reply = hunted.reply()
    except Refusal as refusal:
        reply = refused(request.api, refusal, ids)
    reply.headers.update(_id_headers(request.api, ids))
    service.log(
        Call(
            at=now,
            api=request.api,
            tenant_id=hunted.tenant_id,
            query=hunted.question.kql,
            timespan=hunted.question.timespan,
            status=reply.status,
            rows=reply.rows,
            bytes=reply.size,
        )
    )
    return reply


def refused(api: ApiName, refusal: Refusal, ids: Ids) -> Reply:
    """Put a refusal into the API's envelope, or, from the proxy in front, on its page."""
    if refusal.code == "":
        written, kind = page(refusal.status, refusal.message), HTML
    else:
        written, kind = body(api, refusal, ids), JSON_TYPES[api]
    headers = {"Content-Type": kind, **refusal.headers}
    return Reply(refusal.status, headers, (written,), size=len(written))


class _Hunt:
    """A call on its way, with what is known of it so far."""

    def __init__(self, service: Service, request: Request, now: datetime) -> None:
        self._service = service
        self._settings = service.settings
        self._request = request
        self._now = now
        self.tenant_id = ""
        self.question = Question("", None)

    def reply(self) -> Reply:
        if len(self._request.body) > self._settings.limits.request_bytes:
            raise Refusal(413, "", "Request Entity Too Large", {"Connection": "close"})
        caller = self._caller()
        self.tenant_id = caller.tenant_id
        self.question = question(self._request)
        make = self._service.faults.take(self._request.api, self.question.kql)
        effect = Effect() if make is None else make(self._request.api, self._now)
        return self._with(effect, caller)

    def _with(self, effect: Effect, caller: Caller) -> Reply:
        self._service.clock.sleep(effect.hang + self._settings.wire.latency_seconds)
        if effect.revoke:
            self._service.identity.revoke(caller.token_id)
            self._caller()
        if effect.status is not None:
            size = len(effect.body)
            reply = Reply(effect.status, dict(effect.headers), (effect.body,), size=size)
        else:
            reply = self._answered()
            reply.headers.update(effect.headers)
        reply.effect = effect
        return reply

    def _caller(self) -> Caller:
        api, authorization = self._request.api, self._request.headers.get("authorization", "")
        identity, now = self._service.identity, self._now
        try:
            return identity.caller(self._settings, api, authorization, now=now)
        except TokenRefusedError as error:
            raise unauthorized(api, str(error)) from error
        except RoleMissingError as error:
            raise missing_role(error.required, error.held) from error

    def _answered(self) -> Reply:
        api, limits, wire = self._request.api, self._settings.limits, self._settings.wire
        spent = self._service.meter.refusal(self.tenant_id, self._now, limits)
        if spent is not None:
            raise throttled(api, spent, retry_after=api in wire.retry_after)
        started = self._service.clock.seconds()
        result = self._run(self._service.engine(self.tenant_id))
        seconds = self._service.clock.seconds() - started
        self._service.meter.burn(self.tenant_id, self._now, result.cpu_seconds)
        self._refuse_excess(seconds, result.cpu_seconds)
        context = self._request.context
        given = answer(result, api, context=context, seconds=seconds, limits=limits, wire=wire)
        return self._compressed(given)

    def _run(self, engine: Engine) -> Result:
        limits, now = self._settings.limits, self._now
        try:
            return engine.run(
                self.question.kql,
                now=now,
                span=_span(self.question.timespan, now),
                retention_days=limits.retention_days,
                row_cap=limits.row_cap,
            )
        except KqlSemanticError as error:
            raise bad_query(error, "semantic") from error
        except KqlSyntaxError as error:
            raise bad_query(error, "syntax") from error
        except KqlUnsupportedError as error:
            raise Refusal(501, _UNSUPPORTED, str(error)) from error

    def _refuse_excess(self, seconds: float, cpu_seconds: float) -> None:
        limits = self._settings.limits
        if limits.query_seconds is not None and seconds > limits.query_seconds:
            raise timed_out()
        if limits.cpu_seconds_per_query is not None and cpu_seconds > limits.cpu_seconds_per_query:
            raise bad_request(PREEMPTED)

    def _compressed(self, given: Answer) -> Reply:
        headers = {"Content-Type": JSON_TYPES[self._request.api], "Vary": "Accept-Encoding"}
        accepted = self._request.headers.get("accept-encoding", "").lower()
        offered = self._settings.wire.compression
        encoding = next((e for e in _WINDOW_BITS if offered and e in accepted), None)
        pieces = in_pieces(given.pieces)
        if encoding is not None:
            headers["Content-Encoding"] = encoding
            pieces = _deflated(pieces, _WINDOW_BITS[encoding])
        return Reply(200, headers, pieces, rows=given.rows, size=given.size)


_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


def _deflated(pieces: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
    packer = zlib.compressobj(level=1, wbits=window_bits)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def question(request: Request) -> Question:
    """Read the body: Graph takes its parameters in any case, the legacy API only `Query`."""
    members = _members(request)
    if request.api == "graph":
        members = {name.lower(): value for name, value in members.items()}
        _refuse_unknown(members)
    kql = members.get("query" if request.api == "graph" else "Query")
    timespan = members.get("timespan") if request.api == "graph" else None
    if not isinstance(kql, str) or not kql.strip() or not isinstance(timespan, str | None):
        raise bad_body(request.api)
    return Question(kql, timespan or None)


def _members(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise bad_body(request.api)
    try:
        members = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_body(request.api) from error
    if not isinstance(members, dict):
        raise bad_body(request.api)
    return members


def _refuse_unknown(members: Mapping[str, Any]) -> None:
    unknown = next((name for name in members if name not in _GRAPH_PARAMETERS), None)
    if unknown is not None:
        message = (
            f"The parameter '{unknown}' in the request payload is not a valid parameter for the "
            "operation 'runHuntingQuery'."
        )
        raise bad_request(message)


def _span(timespan: str | None, now: datetime) -> timespans.Span | None:
    if timespan is None:
        return None
    try:
        return timespans.parse(timespan, now=now)
    except ValueError as error:
        message = f"Invalid timespan '{timespan}'."
        raise bad_request(message) from error


def _id_headers(api: ApiName, ids: Ids) -> dict[str, str]:
    if api == "defender":
        return {"Strict-Transport-Security": "max-age=15724800; includeSubDomains"}
    return {
        "OData-Version": "4.0",
        "Strict-Transport-Security": "max-age=31536000",
        "client-request-id": ids.client_request_id,
        "request-id": ids.request_id,
    }


def broken(reply: Reply) -> Reply:
    """Return the reply with its effect on the body: cut, or in small pieces."""
    effect = reply.effect
    pieces = reply.body
    if effect.keep is not None:
        pieces = _kept(pieces, effect.keep)
    if effect.piece is not None:
        pieces = in_pieces(tuple(pieces), effect.piece)
    return replace(reply, body=pieces)


def _kept(pieces: Iterable[bytes], keep: int) -> Iterator[bytes]:
    for piece in pieces:
        if piece[:keep]:
            yield piece[:keep]
        keep -= len(piece)
        if keep <= 0:
            return
