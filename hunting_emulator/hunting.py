"""One hunting call, step by step: token, body, quota, fault, query, answer."""

from contextlib import suppress
from datetime import datetime
from typing import Final

from hunting_emulator.effects import Effect
from hunting_emulator.engine import Engine, Result
from hunting_emulator.identity import Caller, RoleMissingError, TokenRefusedError
from hunting_emulator.kql.errors import KqlSemanticError, KqlSyntaxError, KqlUnsupportedError
from hunting_emulator.questions import Question, Request, question
from hunting_emulator.refusals import (
    PREEMPTED,
    Ids,
    Refusal,
    bad_query,
    bad_request,
    missing_role,
    throttled,
    timed_out,
    too_large,
    unauthorized,
)
from hunting_emulator.replies import Reply, answered, refused, scripted
from hunting_emulator.responses import answer
from hunting_emulator.scope import scope
from hunting_emulator.service import Call, Service
from hunting_emulator.settings import ApiName

# The code of the one answer that is not the service's: the emulator cannot run this KQL.
_UNSUPPORTED: Final = "EmulatorUnsupported"


def hunt(service: Service, request: Request) -> Reply:
    """Answer a call, and log the call in any case."""
    now, log = service.clock.now(), service.log()
    ids = Ids.make(now, request.headers.get("client-request-id"))
    hunted = _Hunt(service, request, now)
    try:
        reply = hunted.reply()
    except Refusal as refusal:
        reply = refused(request.api, refusal, ids)
    reply.headers.update(usual_headers(request.api, ids))
    log(
        Call(
            at=now,
            api=request.api,
            tenant_id=hunted.tenant_id,
            query=hunted.question.kql,
            timespan=hunted.question.timespan,
            workspace_id=hunted.question.workspace_id,
            status=reply.status,
            rows=reply.rows,
            bytes=reply.size,
        )
    )
    return reply


def usual_headers(api: ApiName, ids: Ids) -> dict[str, str]:
    """Return the headers that every answer of an API has, whatever its status."""
    if api != "graph":
        return {
            "Strict-Transport-Security": "max-age=15724800; includeSubDomains",
            "request-id": ids.request_id,
        }
    return {
        "OData-Version": "4.0",
        "Strict-Transport-Security": "max-age=31536000",
        "client-request-id": ids.client_request_id,
        "request-id": ids.request_id,
    }


def caller(service: Service, request: Request, *, now: datetime) -> Caller:
    """Return the caller that a call's token names.

    Raises:
        Refusal: there is no token, or one that the API does not take.
        RoleMissingError: the token lacks the role that hunting requires.
    """
    authorization = request.headers.get("authorization", "")
    try:
        return service.identity.caller(service.settings, request.api, authorization, now=now)
    except TokenRefusedError as error:
        raise unauthorized(request.api, str(error), error.claims) from error


def lost(service: Service, request: Request, refusal: Refusal) -> Reply:
    """Answer a call that no resource takes; as at the gateway, the token is checked first."""
    now = service.clock.now()
    ids = Ids.make(now, request.headers.get("client-request-id"))
    try:
        with suppress(RoleMissingError):
            caller(service, request, now=now)
    except Refusal as unknown:
        refusal = unknown
    reply = refused(request.api, refusal, ids)
    reply.headers.update(usual_headers(request.api, ids))
    return reply


class _Hunt:
    """A call on the way, with the tenant and the question as far as known."""

    def __init__(self, service: Service, request: Request, now: datetime) -> None:
        self._service = service
        self._settings = service.settings
        self._request = request
        self._now = now
        self.tenant_id = ""
        self.question = Question("")

    def reply(self) -> Reply:
        if len(self._request.body) > self._settings.limits.request_bytes:
            raise too_large()
        caller = self._caller()
        self.tenant_id = caller.tenant_id
        self.question = question(self._request, self._settings)
        self._spend_call()
        make = self._service.faults.take(self._request.api, self.question.kql, self.tenant_id)
        effect = Effect() if make is None else make(self._request.api, self._now)
        with self._service.traffic.under_way(self.tenant_id):
            return self._under(effect, caller)

    def _caller(self) -> Caller:
        try:
            return caller(self._service, self._request, now=self._now)
        except RoleMissingError as error:
            raise missing_role(error.kind, error.required, error.held) from error

    def _spend_call(self) -> None:
        api, settings = self._request.api, self._settings
        spent = self._service.meter.refusal(self.tenant_id, self._now, settings.limits)
        if spent is not None:
            raise throttled(api, spent, retry_after=api in settings.wire.retry_after)

    def _under(self, effect: Effect, caller: Caller) -> Reply:
        self._service.clock.sleep(effect.hang + self._settings.wire.latency_seconds)
        if effect.revoke:
            self._service.identity.revoke(caller.token_id)
            self._caller()
        reply = self._answered() if effect.status is None else scripted(effect)
        reply.headers.update(effect.headers)
        reply.effect = effect
        return reply

    def _answered(self) -> Reply:
        limits, wire = self._settings.limits, self._settings.wire
        started = self._service.clock.seconds()
        result = self._run(self._service.engine(self.tenant_id))
        seconds = self._service.clock.seconds() - started
        self._service.meter.burn(self.tenant_id, self._service.clock.now(), result.cpu_seconds)
        self._refuse_excess(seconds, result.cpu_seconds)
        try:
            given = answer(
                result,
                self._request.api,
                context=self._request.context,
                seconds=seconds,
                limits=limits,
                wire=wire,
            )
        except TimeoutError as error:
            raise timed_out() from error
        return answered(given, self._request, compression=wire.compression)

    def _run(self, engine: Engine) -> Result:
        settings = self._settings
        seen = scope(settings, self.tenant_id, self._request.api, self.question, now=self._now)
        try:
            return engine.run(
                self.question.kql,
                now=self._now,
                span=seen.span,
                retention_days=seen.retention_days,
                row_cap=settings.limits.row_cap,
                table_view=seen.table_view,
                seconds=settings.limits.query_seconds,
            )
        except TimeoutError as error:
            raise timed_out() from error
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
