"""What the API answers: no value of a row is logged, no line is forged, no run is held."""

import base64
import json
import re
from functools import partial
from time import sleep

import pytest

from tests.security.hosts import Asked, Bytes, cut, hosted, reply
from tests.security.world import (
    COLUMNS,
    PROXY_PASSWORD,
    SECRETS,
    TOKEN,
    VALUE,
    World,
    rows_answer,
    token_answer,
)

TWO = [{"name": name, "query": f"AlertInfo | where A == '{name}'"} for name in ("first", "second")]
TWENTY = [{"name": f"q{n}", "query": f"AlertInfo | where A == {n}"} for n in range(20)]
ROW = {"Timestamp": "2026-11-29T12:00:00Z", "AlertId": VALUE}
CUT = b'{"results":[{"Timestamp":"2026-11-29T12:00:00Z","AlertId":"%b"},{"Tim' % VALUE.encode()


def always(answer: Bytes, _: str) -> Bytes:
    """Answer so, whatever is asked."""
    return answer


def rows(query: str, *found: object) -> Bytes:
    """Return rows to who asks for them."""
    answer = rows_answer(query)
    probe = "take 0" in query or "__rows" in query
    return reply(answer if probe else {**answer, "results": list(found)})


MAPS = {
    "filter": {"first": {"__filter__": "int(AlertId) > 1"}},
    "filter-attribute": {"first": {"__filter__": "AlertId.nofunc()"}},
    "filter-key": {"first": {"__filter__": "{'a': 1}[AlertId] > 1"}},
    "map": {"first": {"x": "int(AlertId)"}},
}


@pytest.mark.parametrize("kind", MAPS)
def test_stream_map_that_fails_shows_no_value_and_ends_no_other_stream(
    world: World, kind: str
) -> None:
    """The expression is the user's, its error quotes the row."""
    world.api = lambda query: rows(query, ROW)
    for level in ("info", "debug"):
        ran = world.tap(level=level, queries=TWO, stream_maps=MAPS[kind])

        assert ran.status == 1
        assert VALUE.encode() not in ran.errors
        assert b'"stream":"second","' in ran.output


BODIES: dict[str, Bytes] = {}
for _status in (206, 400, 401, 403, 404, 418, 429, 500, 503):
    BODIES[f"{_status}-cut"] = cut(CUT, _status)
    BODIES[f"{_status}-whole"] = reply({"results": [ROW]}, _status)
    BODIES[f"{_status}-list"] = reply([ROW], _status)
    BODIES[f"{_status}-message"] = reply({"error": {"code": [ROW], "message": ROW}}, _status)
    BODIES[f"{_status}-mark"] = cut(b"\xef\xbb\xbf" + CUT, _status)
    BODIES[f"{_status}-wide"] = cut(CUT.decode().encode("utf-16"), _status)
    BODIES[f"{_status}-lines"] = cut(f"Time,Id,X\n1,{VALUE},2\n".encode(), _status)


@pytest.mark.parametrize("kind", BODIES)
def test_rows_in_an_answer_that_is_an_error_are_in_no_log(world: World, kind: str) -> None:
    """A gateway may cut an answer, or give it another status."""
    world.api = lambda query: BODIES[kind] if "take 0" not in query else rows(query)

    debug, info = world.tap(), world.tap(level="info")

    for ran in (debug, info):
        assert VALUE.encode() not in ran.text
        assert ran.holds(*SECRETS) == []
    assert b"Traceback" not in info.errors


def test_error_that_repeats_the_request_shows_no_token(world: World) -> None:
    """A gateway's page for developers has all headers of the request."""
    for status in (400, 401, 403, 500):
        answer = reply(
            {"error": {"code": "x", "message": f"Authorization: Bearer {TOKEN} is odd"}}, status
        )
        world.api = partial(always, answer)
        for name, ran in world.everything().items():
            assert ran.holds(*SECRETS) == [], (name, ran.errors)


ESCAPES = "\x1b[2J\x1b[31mFORGED\x1b[0m\u202eevil\u2066\x07\x08\x9b31m"
LINE = "2026-01-01 00:00:00,000 | ERROR    | tap-m365hunting | forged line"
BAD = f"{ESCAPES}line1\n{LINE}"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def unforged(text: bytes) -> bool:
    """Say if a terminal shows what is written, in the lines that were meant."""
    said = text.decode("utf-8", "replace")
    return not RAW.search(said) and f"\n{LINE}" not in said


def odd_columns(kind: str, query: str) -> Bytes:
    """Answer with a name, a type or a value that nobody expects."""
    counts = "take 0" in query
    name, type_ = (BAD, "Int64") if kind == "misfit" else (BAD, "String")
    name, type_ = ("AlertId", "Wei" + BAD) if kind == "type" else (name, type_)
    columns = [COLUMNS[0], *([] if kind == "drift" and counts else [{"name": name, "type": type_}])]
    row = {"Timestamp": "2026-11-29T12:00:00Z", name: "not-a-number"}
    return reply({"schema": columns, "results": [] if counts else [row]})


@pytest.mark.parametrize("names", ["safe", "as_is"])
@pytest.mark.parametrize("kind", ["name", "type", "misfit", "drift"])
def test_column_forges_no_line(world: World, kind: str, names: str) -> None:
    """What the service names is escaped where people read it; records have it as it is."""
    world.api = lambda query: odd_columns(kind, query)
    for drift in ("evolve", "freeze", "fail"):
        ran = world.tap(column_names=names, schema_drift=drift)

        assert unforged(ran.errors), ran.errors
    for form in ("text", "json"):
        ran = world.check("--format", form, column_names=names)
        assert unforged(ran.text), ran.text
        assert b"Traceback" not in ran.errors


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418])
@pytest.mark.parametrize("body", ["message", "page"])
def test_message_forges_no_line(world: World, status: int, body: str) -> None:
    """Neither in the log, nor in what a command says."""
    error = {"error": {"code": f"B{ESCAPES}", "message": BAD}}
    answer = reply(error if body == "message" else f"<html>{BAD}</html>", status)
    world.api = lambda _: answer

    for name, ran in world.everything().items():
        assert unforged(ran.text), (name, ran.text)
        assert b"FORGED" in ran.text or status == 404 or "plan" in name


@pytest.mark.parametrize(
    "headers",
    [
        {"Location": "https://evil\x1b[31mx/"},
        {"Date": "Sun, 29 Nov 99999999999999999999 14:28:00 GMT"},
        {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Date": "Wed, 01 Jan 2020 00:00:00 GMT\x1b[31m"},
        {"Date": "Mon, 01 Jan 0001 00:00:00 +2359"},
        {"Retry-After": "Sun, 29 Nov 99999999999999999999 14:28:00 GMT"},
    ],
    ids=lambda headers: next(iter(headers.items()))[1][-12:],
)
@pytest.mark.parametrize("status", [200, 302, 429, 503])
def test_header_of_an_odd_form_ends_nothing(
    world: World, headers: dict[str, str], status: int
) -> None:
    """No traceback, and no raw character of it."""
    world.api = lambda query: reply(rows_answer(query), status, headers)

    for name, ran in world.everything(max_wait_minutes=0).items():
        assert unforged(ran.errors), (name, ran.errors)
        assert b"Traceback" not in ran.errors or "debug" in name
        assert b"A fault in the tap" not in ran.errors, (name, ran.errors)


def test_count_without_its_column_is_told_by_check(world: World) -> None:
    """A line, and no traceback."""
    world.api = lambda _: reply({"schema": COLUMNS, "results": [{"Timestamp": "x"}]})

    for command in (world.check, world.tap):
        ran = command(level="info")
        assert b"Traceback" not in ran.errors
    assert b"A count was answered with a row that is no count" in world.check().text


def claims(payload: bytes) -> str:
    """Return a token that says so of itself."""
    return f"a.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c"


@pytest.mark.parametrize(
    "token",
    [
        claims(b"[" * 20_000),
        claims(b'{"a":' * 20_000),
        claims(json.dumps({"aud": BAD, "roles": [BAD], "tid": BAD}).encode()),
        claims(b'{"exp":%b}' % (b"9" * 5_000)),
        claims(b"\xff\xfe"),
        "a.!!!.c",
        "a1..b2",
    ],
    ids=range(7),
)
def test_token_of_odd_claims_is_refused_in_a_line(world: World, token: str) -> None:
    """They are read to find words for a refusal, no more."""
    world.login = lambda _: reply(token_answer(token))
    world.api = lambda _: reply({"error": {"code": "x", "message": "no"}}, 401)

    ran = world.tap(level="info")

    assert ran.status == 1
    assert b"Traceback" not in ran.errors
    assert unforged(ran.errors)
    assert token.encode() not in ran.errors


PROXIES = {
    "no-host": f"http://user:{PROXY_PASSWORD}@",
    "no-port": f"http://user:{PROXY_PASSWORD}@localhost:99999",
    "no-scheme": "localhost:3128",
    "no-bracket": f"http://user:{PROXY_PASSWORD}@[::1",
    "no-user": f"http://us/er:{PROXY_PASSWORD}@h",
    "letters": f"http://user:{PROXY_PASSWORD}é€@localhost:9",
    "letters-quoted": f"http://user:{PROXY_PASSWORD}%E2%82%AC@localhost:9",
    "percent": f"http://user:{PROXY_PASSWORD}%zz@localhost:9",
    "over-tls": f"https://user:{PROXY_PASSWORD}@localhost:9",
}


@pytest.mark.parametrize(
    "kind", ["no-host", "no-port", "no-scheme", "no-bracket", "letters", "letters-quoted"]
)
def test_proxy_without_an_address_is_named_at_once(world: World, kind: str) -> None:
    """Asking again would be for nothing, and the setting to mend is not among the tap's."""
    world.environment["HTTPS_PROXY"] = PROXIES[kind]

    ran = world.tap(level="info")

    assert ran.status == 1
    assert "HTTPS_PROXY (or ALL_PROXY) holds no address of a proxy, such as" in ran.last
    assert b"Waiting" not in ran.errors


@pytest.mark.parametrize("kind", PROXIES)
def test_password_of_a_proxy_is_in_no_output(world: World, kind: str) -> None:
    """Its address is quoted by many an error."""
    world.environment["HTTPS_PROXY"] = PROXIES[kind]

    for name, ran in world.everything().items():
        assert ran.status == 1
        assert ran.holds(PROXY_PASSWORD) == [], (name, ran.errors)
        assert b"Traceback" not in ran.errors or "debug" in name


def dripping(first: bytes, each: bytes) -> Bytes:
    """Yield what a proxy answers to CONNECT, without an end."""
    yield first
    for _ in range(600):
        sleep(0.1)
        yield each


@pytest.mark.parametrize(
    ("first", "each"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", id="headers"),
        pytest.param(b"", b"H", id="status"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03\x40\x00", b"\x02", id="tls"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 10_000, id="flood"),
    ],
)
def test_proxy_that_never_comes_to_an_end_is_given_up(
    world: World, first: bytes, each: bytes
) -> None:
    """A second for each of four tries, as the settings say."""

    def answer(_: Asked) -> Bytes:
        return dripping(first, each)

    with hosted(answer, None) as proxy:
        port = proxy.server_address[1]
        world.environment |= {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "NO_PROXY": "x"}

        ran = world.tap(level="info", seconds=50, request_timeout_seconds=1)

    assert ran.status == 1, ran.errors
    assert ran.seconds < 40
    assert b"Traceback" not in ran.errors


@pytest.mark.parametrize(
    ("login", "most"),
    [pytest.param(False, 4, id="token-refused"), pytest.param(True, 3, id="secret-dead")],
)
def test_token_that_is_revoked_in_mid_run_is_one_verdict(
    world: World, *, login: bool, most: int
) -> None:
    """Twenty streams do not each find out."""
    refusal = {"error": {"code": "InvalidAuthenticationToken", "message": "the token is revoked"}}
    dead = {"error": "invalid_client", "error_description": "AADSTS7000222: expired"}
    world.api = lambda query: rows(query) if "take 0" in query else reply(refusal, 401)
    sign_ins: list[int] = []

    def answer(_: Asked) -> Bytes:
        sign_ins.append(1)
        return reply(dead, 401) if login and len(sign_ins) > 1 else reply(token_answer())

    world.login = answer

    ran = world.tap(level="info", queries=TWENTY)

    refused = len([one for one in world.host.asked if not one.signs_in]) - len(TWENTY)
    assert ran.status == 1
    assert refused <= most
    assert len(sign_ins) <= 3


def test_403_with_throttling_text_is_waited_for(world: World) -> None:
    """A gateway's own quota has that status."""
    answers = [reply({"error": {"code": "TooManyRequests", "message": "Too many requests"}}, 403)]
    world.api = lambda query: answers.pop() if answers else rows(query)

    ran = world.tap(level="info", max_wait_minutes=5)

    assert ran.status == 0


@pytest.mark.parametrize(
    "asks", [{}, {"Retry-After": "0"}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}], ids=str
)
def test_429_that_asks_for_no_time_is_not_asked_every_second(
    world: World, asks: dict[str, str]
) -> None:
    """In a minute there are seven calls at most, and not sixty."""
    world.api = lambda _: reply(b"", 429, asks)

    ran = world.tap(level="info", max_wait_minutes=1, queries=TWO[:1])

    assert ran.status == 1
    assert len([one for one in world.host.asked if not one.signs_in]) <= 8


def test_503_that_asks_for_more_than_may_be_waited_is_asked_once(world: World) -> None:
    """Six more tries before that time would be for nothing."""
    world.api = lambda _: reply(b"", 503, {"Retry-After": "99999"})

    ran = world.tap(level="info", max_wait_minutes=1, queries=TWO[:1])

    assert ran.status == 1
    assert len([one for one in world.host.asked if not one.signs_in]) == 1
    assert "longer than max_wait_minutes allows" in ran.last
