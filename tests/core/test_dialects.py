"""Where each API is, how it is asked, and what its refusals mean."""

import json
import time
from typing import Any

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.errors import (
    AuthenticationError,
    QueryRejectedError,
    ServiceError,
    ThrottledError,
    WindowTooLargeError,
)
from tap_m365hunting.wire.dialects import CLOUDS, DEFENDER, DIALECTS, GRAPH, CallScope, Dialect
from tap_m365hunting.wire.error_responses import LONGEST_MESSAGE, classify
from tests.samples import sample


def _body(message: str, code: str = "BadRequest", *, inner: str = "") -> bytes:
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innerError"] = {"date": "2026-01-01T00:00:00", "message": inner}
    return json.dumps({"error": error}).encode()


SYNTAX = "Query operator expected.. Fix syntax errors in your query."
TABLE = (
    "'take' operator: Failed to resolve table or column expression named 'DeviceInfo'. "
    "Fix semantic errors in your query."
)
COLUMN = (
    "'project' operator: Failed to resolve scalar expression named 'Nam'. "
    "Fix semantic errors in your query."
)
SIZE = (
    "Query execution has exceeded the allowed result size. Optimize your query by limiting the {} "
    "of results and try again."
)
PREEMPTED = (
    "Query execution has exceeded the allowed limits. The query execution was preempted. "
    "This could possibly be due to high CPU and/or memory resource consumption."
)
GATEWAY_PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
PORTAL_CPU = (
    "You have exceeded processing resources allocated to this tenant. "
    "You can run queries again in 00:07:30."
)

REFUSALS: list[tuple[int, bytes, type[Exception], str]] = [
    (400, _body(SYNTAX), QueryRejectedError, "Query operator expected"),
    (400, _body("A recognition error occurred.. Fix it."), QueryRejectedError, "recognition error"),
    (400, _body("The incomplete fragment is unexpected."), QueryRejectedError, "incomplete"),
    (400, _body(COLUMN), QueryRejectedError, "named 'Nam'"),
    (400, _body("Unknown function: 'foo'."), QueryRejectedError, "Unknown function"),
    (400, _body(TABLE), QueryRejectedError, "DeviceInfo .* may lack the licence"),
    (400, _body("", "InvalidRequestBody"), QueryRejectedError, "InvalidRequestBody"),
    (400, b"", QueryRejectedError, "answered 400: no message"),
    (400, b"not json", QueryRejectedError, "not json"),
    (400, b'{"error":"invalid","error_description":"Odd"}', QueryRejectedError, "invalid|Odd"),
    (400, b'{"Message":"Odd"}', QueryRejectedError, "Odd"),
    (400, b'["odd"]', QueryRejectedError, "no message"),
    (
        400,
        _body("The query cannot run because it exceeds the allowed size limit when processed."),
        QueryRejectedError,
        "size limit when processed",
    ),
    (400, _body(SIZE.format("number")), WindowTooLargeError, "allowed result size"),
    (400, _body(SIZE.format("amount")), WindowTooLargeError, "allowed result size"),
    (400, _body(PREEMPTED), WindowTooLargeError, "preempted"),
    (400, _body("Query exceeded the timeout period."), WindowTooLargeError, "timeout"),
    (400, _body("Failed", inner="E_LOW_MEMORY_CONDITION"), WindowTooLargeError, "LOW_MEMORY"),
    (400, _body("limits (80DA0003): ."), WindowTooLargeError, "80DA0003"),
    (400, _body("E_QUERY_RESULT_SET_TOO_LARGE"), WindowTooLargeError, "TOO_LARGE"),
    (400, _body("E_RUNAWAY_QUERY"), WindowTooLargeError, "RUNAWAY"),
    (400, _body(PORTAL_CPU), ThrottledError, "00:07:30"),
    (
        401,
        _body("Lifetime validation failed, the token is expired."),
        AuthenticationError,
        "expired",
    ),
    (
        401,
        _body("Access token is empty.", "InvalidAuthenticationToken"),
        AuthenticationError,
        "empty",
    ),
    (401, b"", AuthenticationError, "answered 401"),
    (
        401,
        _body("reason of failure: Account mode is inactive"),
        AuthenticationError,
        "no token cures",
    ),
    (401, _body("reason of failure: No Tvm license"), AuthenticationError, "no token cures it"),
    (402, _body("Pay"), FatalAPIError, "Pay"),
    (403, _body("Missing application roles. API required roles: X"), AuthenticationError, "grant"),
    (
        403,
        _body("Insufficient privileges to complete the operation."),
        AuthenticationError,
        "consent",
    ),
    (
        403,
        _body("does not have any of the required application permissions"),
        AuthenticationError,
        "grant",
    ),
    (403, _body("Account is not provisioned."), AuthenticationError, "no permission cures"),
    (403, _body("Blocked", "insufficient_claims"), AuthenticationError, "Conditional Access"),
    (403, b"<html>403 Forbidden</html>", AuthenticationError, "403 Forbidden .*grant"),
    (
        404,
        _body("Resource not found", "ResourceNotFound"),
        FatalAPIError,
        "check api, cloud and api_url",
    ),
    (404, b"", FatalAPIError, "api_url"),
    (405, b"", FatalAPIError, "api_url"),
    (406, b"", FatalAPIError, "answered 406"),
    (408, b"", ServiceError, "answered 408"),
    (409, _body("Conflict"), FatalAPIError, "Conflict"),
    (
        413,
        b"<html><head><title>413 Request Entity Too Large</title></head></html>",
        QueryRejectedError,
        "longer than the service takes",
    ),
    (414, b"", QueryRejectedError, "longer than the service takes"),
    (
        429,
        _body("API calls quota exceeded! maximum allowed 45 per 00:01:00", "429"),
        ThrottledError,
        "45 per",
    ),
    (
        429,
        _body("API calls quota exceeded! maximum allowed 1500 per 01:00:00", "429"),
        ThrottledError,
        "1500",
    ),
    (429, _body("Too many requests.", "TooManyRequests"), ThrottledError, "Too many"),
    (429, _body(PORTAL_CPU), ThrottledError, "processing resources"),
    (429, b"", ThrottledError, "answered 429"),
    (429, b"<html>slow down</html>", ThrottledError, "slow down"),
    (500, _body("", "UnknownError"), ServiceError, "UnknownError"),
    (
        500,
        _body("Something could not be completed", "InternalServerError"),
        ServiceError,
        "Something",
    ),
    (500, b"", ServiceError, "answered 500"),
    (500, _body(PREEMPTED), WindowTooLargeError, "preempted"),
    (501, b"", ServiceError, "answered 501"),
    (502, GATEWAY_PAGE, WindowTooLargeError, "502 Bad Gateway"),
    (502, b"", WindowTooLargeError, "answered 502"),
    (502, _body("Upstream is away", "BadGateway"), ServiceError, "Upstream"),
    (503, _body("Service is busy", "ServiceUnavailable"), ServiceError, "busy"),
    (503, b"<html>503</html>", ServiceError, "503"),
    (504, _body("", "UnknownError"), WindowTooLargeError, "UnknownError"),
    (504, b"<html>504 Gateway Time-out</html>", WindowTooLargeError, "Time-out"),
    (507, b"", ServiceError, "answered 507"),
    (302, b"", FatalAPIError, "answered 302"),
    (204, b"", FatalAPIError, "answered 204"),
    (
        200,
        _body("exceeded the internal data size limit", "PartialError"),
        WindowTooLargeError,
        "internal",
    ),
    (200, _body("Failed"), ServiceError, "Failed"),
]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize(
    ("status", "body", "error", "match"),
    [
        pytest.param(*case, id=f"{case[0]}-{case[2].__name__}-{i}")
        for i, case in enumerate(REFUSALS)
    ],
)
def test_a_refusal_is_named_by_what_can_be_done(
    status: int, body: bytes, error: type[Exception], match: str, dialect: Dialect
) -> None:
    """The class decides between waiting, narrowing, trying again and giving up."""
    refusal = classify(status, {}, body, dialect)

    assert type(refusal) is error
    with pytest.raises(error, match=match):
        raise refusal


@pytest.mark.parametrize(
    ("name", "dialect", "error"),
    [
        pytest.param(name, GRAPH if name.startswith("graph") else DEFENDER, error, id=name)
        for name, error in {
            "graph_400_syntax": QueryRejectedError,
            "graph_400_incomplete_fragment": QueryRejectedError,
            "graph_400_missing_table": QueryRejectedError,
            "graph_400_missing_column": QueryRejectedError,
            "graph_400_preempted": WindowTooLargeError,
            "graph_400_result_size": WindowTooLargeError,
            "graph_401_expired": AuthenticationError,
            "graph_403_missing_role": AuthenticationError,
            "graph_403_insufficient_privileges": AuthenticationError,
            "graph_413": QueryRejectedError,
            "graph_414": QueryRejectedError,
            "graph_429_documented": ThrottledError,
            "graph_429_other_service": ThrottledError,
            "graph_500": ServiceError,
            "graph_502_page": WindowTooLargeError,
            "graph_504": WindowTooLargeError,
            "mde_400_syntax": QueryRejectedError,
            "mde_401_inactive": AuthenticationError,
            "mde_401_no_licence": AuthenticationError,
            "mde_403_not_provisioned": AuthenticationError,
            "mde_403_missing_role": AuthenticationError,
            "mde_403_older_wording": AuthenticationError,
            "mde_429_hour": ThrottledError,
            "mde_429_minute": ThrottledError,
            "mde_400_request_body": QueryRejectedError,
            "mde_404": FatalAPIError,
            "loganalytics_200_partial": WindowTooLargeError,
            "loganalytics_400_missing_table": QueryRejectedError,
            "loganalytics_400_syntax": QueryRejectedError,
            "loganalytics_401": AuthenticationError,
            "loganalytics_403": AuthenticationError,
        }.items()
    ],
)
def test_captured_refusals_are_told_apart(
    name: str, dialect: Dialect, error: type[Exception]
) -> None:
    """What the service was seen to send, and its documents print."""
    told = sample(name)

    assert type(classify(told.status, told.headers, told.body, dialect)) is error


def test_only_a_bad_token_is_worth_a_fresh_one() -> None:
    """A licence refusal is a 401 too, and asking again would lock nobody out but waste a call."""
    stale = classify(401, {}, _body("the token is expired."), GRAPH)
    unlicensed = classify(401, {}, _body("No Tvm license"), GRAPH)

    assert isinstance(stale, AuthenticationError)
    assert stale.fresh_token_may_help
    assert isinstance(unlicensed, AuthenticationError)
    assert not unlicensed.fresh_token_may_help


@pytest.mark.parametrize(
    ("dialect", "permission", "api"),
    [
        pytest.param(GRAPH, "ThreatHunting.Read.All", "Microsoft Graph", id="graph"),
        pytest.param(
            DEFENDER, "AdvancedHunting.Read.All", "Microsoft Threat Protection", id="defender"
        ),
    ],
)
def test_a_403_names_this_apis_permission(dialect: Dialect, permission: str, api: str) -> None:
    """Whoever reads it can grant it without looking anything up."""
    message = str(classify(403, {}, _body("Missing application roles."), dialect))

    assert f"{permission} of {api}" in message
    assert "Grant admin consent" in message


@pytest.mark.parametrize("header", ["Retry-After", "retry-after", "RETRY-AFTER"])
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_asked_for_is_passed_on_as_it_came(header: str, status: int) -> None:
    """Seconds or a date: whoever waits reads it, with the message, which may say more."""
    refusal = classify(status, {header: "7"}, _body("You can run queries again in 7 s"), GRAPH)

    assert isinstance(refusal, ThrottledError | ServiceError)
    assert refusal.retry_after == "7"
    if isinstance(refusal, ThrottledError):
        assert refusal.text == "You can run queries again in 7 s"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        pytest.param("Syntax Error: [line:position=3:14] unexpected", 3, id="engine"),
        pytest.param("SYN0002: Query could not be parsed at 'x' on line [2,7]", 2, id="parser"),
        pytest.param("Unexpected token [4:1]", 4, id="brackets"),
        pytest.param("Error at line 12", 12, id="words"),
        pytest.param(SYNTAX, None, id="none"),
    ],
)
def test_the_line_that_the_service_names_is_read(message: str, line: int | None) -> None:
    """It counts in the text that was sent; whoever sent it knows where the user's text begins."""
    refusal = classify(400, {}, _body(message), GRAPH)

    assert isinstance(refusal, QueryRejectedError)
    assert refusal.line == line
    assert refusal.text == message


def test_long_messages_are_cut_and_on_one_line() -> None:
    """A log line is a line, and a whole query does not belong in it."""
    refusal = classify(400, {}, _body("no\n way " * 200), GRAPH)

    assert isinstance(refusal, QueryRejectedError)
    assert len(refusal.text) == LONGEST_MESSAGE
    assert "\n" not in str(refusal)


def test_an_error_within_errors_is_read_to_a_depth() -> None:
    """The engine's own words are often the innermost; nobody goes down for ever for them."""
    body = b'{"error":{"message":"top","innerError":{"message":"deep"}}}'
    endless = b'{"error":' + b'{"message":"m","innerError":' * 900 + b"1" + b"}" * 901

    assert str(classify(400, {}, body, GRAPH)).endswith("top deep")
    assert str(classify(400, {}, endless, GRAPH)).count("m ") < 20


@pytest.mark.parametrize(
    ("location", "where"),
    [
        pytest.param("https://user:word@Proxy.example/?a=b", " to proxy.example,", id="host"),
        pytest.param("/elsewhere", "a redirect,", id="same-host"),
        pytest.param("https://[broken", "a redirect,", id="no-url"),
        pytest.param(None, "a redirect,", id="nowhere"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, location: str | None, where: str) -> None:
    """It says where it leads, without what else may stand in the address."""
    headers = {"location": location} if location else {}

    error = classify(status, headers, b"", GRAPH)

    assert isinstance(error, FatalAPIError)
    assert where in str(error)
    assert "word" not in str(error)


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_cloud_has_every_dialect(cloud: str, dialect: str) -> None:
    """A token is for the host that it is sent to, in each cloud's own domain."""
    endpoint = CLOUDS[cloud].endpoints[dialect]

    assert endpoint.scope == f"{endpoint.url}/.default"
    assert endpoint.url.startswith("https://")
    assert CLOUDS[cloud].authority.startswith("https://login.microsoftonline.")


@pytest.mark.parametrize(
    ("dialect", "base", "url"),
    [
        pytest.param(GRAPH, "https://h:1", "https://h:1/v1.0/security/runHuntingQuery", id="host"),
        pytest.param(GRAPH, "https://h/", "https://h/v1.0/security/runHuntingQuery", id="slash"),
        pytest.param(GRAPH, "https://h/v1.0", "https://h/v1.0/security/runHuntingQuery", id="root"),
        pytest.param(
            GRAPH, "https://h/beta/", "https://h/beta/security/runHuntingQuery", id="beta"
        ),
        pytest.param(
            GRAPH,
            "https://h/v1.0/security/runHuntingQuery",
            "https://h/v1.0/security/runHuntingQuery",
            id="whole",
        ),
        pytest.param(GRAPH, "https://h/p", "https://h/p/v1.0/security/runHuntingQuery", id="proxy"),
        pytest.param(
            DEFENDER, "https://h", "https://h/api/advancedhunting/run", id="defender-host"
        ),
        pytest.param(
            DEFENDER, "https://h/api", "https://h/api/advancedhunting/run", id="defender-root"
        ),
    ],
)
def test_a_base_url_is_completed(dialect: Dialect, base: str, url: str) -> None:
    """People paste the host, the root, or the whole address."""
    assert dialect.url(base) == url


def test_a_time_span_is_sent_only_where_it_is_asked_for_and_known() -> None:
    """The service would narrow a query by it without a word."""
    assert GRAPH.body("T") == {"Query": "T"}
    assert GRAPH.body("T", CallScope("P1D")) == {"Query": "T", "Timespan": "P1D"}
    assert DEFENDER.body("T", CallScope("P1D", "w")) == {"Query": "T"}


def test_a_page_of_nothing_but_brackets_is_read_in_time() -> None:
    """Each might begin a tag that ends at the end of the page."""
    started = time.process_time()

    error = classify(500, {}, b"<" * 65_536, GRAPH)

    assert isinstance(error, ServiceError)
    assert time.process_time() - started < 1
